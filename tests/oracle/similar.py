"""`similar`: which articles it may give, in place of the one right answer that the text does not fix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from .fulltext import APART, columns
from .records import Article
from .tokens import tokens
from .world import World

# (article, how many at most) → the slugs that a program gives
Similar: TypeAlias = Callable[[Article, int], list[str]]

USUAL = 5


def faults(world: World, article: Article, first: int, slugs: Sequence[str]) -> list[str]:
    """What is wrong with an answer, a line each."""
    found = [f"{slug} is not to be there" for slug in slugs if not may_be(world, article, slug)]
    if len(slugs) > first:
        found.append(f"{len(slugs)} articles, where {first} were asked for")
    if len(set(slugs)) < len(slugs):
        found.append("an article is there twice")
    return found


def may_be(world: World, article: Article, slug: str) -> bool:
    """Visible, another, neither listed nor under one URL with it, and with a word in common."""
    other = world.by_slug.get(slug)
    if other is None or slug == article.slug:
        return False
    taken = {*article.urls, *(entry.url for entry in article.related)}
    return not taken.intersection(other.urls) and bool(words(article) & words(other))


def words(article: Article) -> set[str]:
    return {word for column in columns(article) for word in tokens(column)} - {APART}
