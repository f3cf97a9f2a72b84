"""Stories: the connected components of mutual links between the articles of one world."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from .records import Article

NONE = -(2**31) - 1  # a missing heat or quality, below all others


@dataclass(frozen=True)
class Story:
    """A story. `articles` are sorted oldest first."""

    articles: tuple[Article, ...]

    @property
    def slug(self) -> str:
        """Return the smallest slug of its articles."""
        return min(one.slug for one in self.articles)

    @cached_property
    def lead(self) -> Article:
        return min(self.articles, key=lead_key)

    @property
    def latest_key(self) -> tuple[int, str]:
        return (-self.articles[-1].published.nanoseconds, self.lead.slug)

    @property
    def size_key(self) -> tuple[int, int, str]:
        return (-len(self.articles), *self.latest_key)

    def domains(self) -> list[tuple[str, int]]:
        """Return (provider domain, number of articles), most articles first, then by domain."""
        counts = Counter(one.provider.domain for one in self.articles if one.provider is not None)
        return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def lead_key(article: Article) -> tuple[int, int, int, str]:
    """Sort key: highest heat, highest quality, newest, then by slug."""
    heat = NONE if article.heat is None else article.heat
    quality = NONE if article.quality is None else article.quality
    return (-heat, -quality, *article.order_key)


def stories_of(articles: Iterable[Article], by_url: Mapping[str, Article]) -> list[Story]:
    """Return the stories that one audience sees, with links resolved by `by_url`."""
    by_slug = {one.slug: one for one in articles}
    leads = {
        slug: {by_url[entry.url].slug for entry in one.related if entry.url in by_url} - {slug}
        for slug, one in by_slug.items()
    }
    mutual = {slug: {to for to in targets if slug in leads[to]} for slug, targets in leads.items()}
    found: list[Story] = []
    seen: set[str] = set()
    for slug, neighbours in mutual.items():
        if neighbours and slug not in seen:
            members = component(slug, mutual)
            seen |= members
            oldest_first = sorted(members, key=lambda one: (by_slug[one].published.nanoseconds, one))
            found.append(Story(tuple(by_slug[one] for one in oldest_first)))
    return found


def component(slug: str, mutual: Mapping[str, set[str]]) -> set[str]:
    """Return all slugs that mutual links connect with this one."""
    reached: set[str] = set()
    edge = {slug}
    while edge:
        reached |= edge
        edge = {to for one in edge for to in mutual[one]} - reached
    return reached
