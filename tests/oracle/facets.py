"""Facets of articles: by topic, author, section, provider, other values and time, and statistics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from .authors import Author
from .filters import author_slugs, topic_slugs
from .instants import BILLION, EPOCH, text_of
from .records import Article
from .sections import Section
from .world import Provider, Topic, World

MAX_INTERVALS = 1_000
DEFAULT_SIZE = 10


class TooManyIntervals(Exception):  # noqa: N818 - named as its code is
    """The histogram would have more intervals than the API allows."""


@dataclass(frozen=True)
class Stats:
    min: int | None
    max: int | None
    average: float | None


@dataclass(frozen=True)
class Facets:
    world: World
    articles: Sequence[Article]


def by_count(values: Iterable[str]) -> list[tuple[str, int]]:
    return sorted(Counter(values).items(), key=lambda pair: (-pair[1], pair[0]))


def topics(facets: Facets) -> list[tuple[Topic, int]]:
    slugs = by_count(slug for one in facets.articles for slug in topic_slugs(one))
    return [(facets.world.topics[slug], count) for slug, count in slugs]


def authors(facets: Facets) -> list[tuple[Author, int]]:
    slugs = by_count(slug for one in facets.articles for slug in author_slugs(one))
    return [(facets.world.authors[slug], count) for slug, count in slugs]


def sections(facets: Facets) -> list[tuple[Section, int]]:
    """Count each article in its own section only."""
    paths = by_count(one.section for one in facets.articles if one.section is not None)
    return [(facets.world.sections[path], count) for path, count in paths]


def providers(facets: Facets) -> list[tuple[Provider, int]]:
    domains = by_count(one.provider.domain for one in facets.articles if one.provider is not None)
    return [(facets.world.providers[domain], count) for domain, count in domains]


def stats(values: Iterable[int | None]) -> Stats:
    there = [value for value in values if value is not None]
    if not there:
        return Stats(None, None, None)
    return Stats(min(there), max(there), sum(there) / len(there))


def intervals(articles: Iterable[Article], by: str) -> list[tuple[str, int]]:
    """Return (start, count) of each interval from the oldest article to the newest."""
    counts = Counter(interval_of(one.published.nanoseconds, by) for one in articles)
    if not counts:
        return []
    first, last = min(counts), max(counts)
    if last - first >= MAX_INTERVALS:
        raise TooManyIntervals
    return [(start_of(number, by), counts[number]) for number in range(first, last + 1)]


def interval_of(nanoseconds: int, by: str) -> int:
    """Return the number of the interval: days or weeks since the year 1, months, or years."""
    moment = EPOCH + timedelta(seconds=nanoseconds // BILLION)
    match by:
        case "DAY":
            return moment.toordinal() - 1
        case "WEEK":
            return (moment.toordinal() - 1) // 7  # 1 January of the year 1 is a Monday
        case "MONTH":
            return moment.year * 12 + moment.month - 1
    assert by == "YEAR"
    return moment.year


def start_of(number: int, by: str) -> str:
    """Return the start of the interval in the format of responses."""
    match by:
        case "DAY" | "WEEK":
            days = number if by == "DAY" else 7 * number
            return text_of(datetime(1, 1, 1, tzinfo=UTC) + timedelta(days=days))
        case "MONTH":
            return text_of(datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC))
    return text_of(datetime(number, 1, 1, tzinfo=UTC))
