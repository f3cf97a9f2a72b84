"""`similar`: which articles it may return, since the contract does not fix one correct response."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from .fulltext import APART, columns
from .records import Article
from .tokens import tokens
from .world import World

# (article, maximum count) → the slugs that a program returns
Similar: TypeAlias = Callable[[Article, int], list[str]]

DEFAULT_SIZE = 5


def faults(world: World, article: Article, first: int, slugs: Sequence[str]) -> list[str]:
    """Return the errors in a response, one per line."""
    found = [f"{slug} is not to be there" for slug in slugs if not may_be(world, article, slug)]
    if len(slugs) > first:
        found.append(f"{len(slugs)} articles, where {first} were asked for")
    if len(set(slugs)) < len(slugs):
        found.append("an article is there twice")
    return found


def may_be(world: World, article: Article, slug: str) -> bool:
    """Whether the article is visible, different, neither listed nor at the same URL, and shares a word."""
    other = world.by_slug.get(slug)
    if other is None or slug == article.slug:
        return False
    taken = {*article.urls, *(entry.url for entry in article.related)}
    return not taken.intersection(other.urls) and bool(words(article) & words(other))


def words(article: Article) -> set[str]:
    return {word for column in columns(article) for word in tokens(column)} - {APART}
