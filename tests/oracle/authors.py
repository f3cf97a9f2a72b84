"""Authors of one world, put together from the bylines of its articles."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from .names import most_used
from .records import Article, AuthorData, Image, OwnAuthor

T = TypeVar("T")


@dataclass(frozen=True)
class Author:
    """An author. `articles` are sorted newest first."""

    slug: str
    name: str
    url: str | None
    image: Image | None
    bio: str | None
    articles: tuple[Article, ...]


def authors_of(articles: Iterable[Article]) -> dict[str, Author]:
    """Slug → author, of articles that are sorted newest first."""
    uses: dict[str, list[OwnAuthor]] = defaultdict(list)
    found: dict[str, list[Article]] = defaultdict(list)
    for article in articles:
        for one in article.authors:
            uses[one.slug].append(one)
            found[one.slug].append(article)
    return {slug: author(slug, uses[slug], found[slug]) for slug in sorted(found)}


def author(slug: str, uses: list[OwnAuthor], articles: list[Article]) -> Author:
    """Build an author from its uses, newest first. Data wins over the name that most articles use."""
    data = [one.data for one in uses if one.data is not None]
    names = Counter(one.name for one in uses if one.name is not None)
    return Author(
        slug=slug,
        name=newest(data, lambda one: one.name) or (most_used(names) if names else slug),
        url=newest(data, lambda one: one.url),
        image=newest(data, lambda one: one.image),
        bio=newest(data, lambda one: one.bio),
        articles=tuple(articles),
    )


def newest(data: Iterable[AuthorData], value_of: Callable[[AuthorData], T | None]) -> T | None:
    return next((value for one in data if (value := value_of(one)) is not None), None)
