"""Values for generated requests: words that occur in the content, and words that do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from .dates import spans_to
from .document import Name
from .facets import MAX_INTERVALS, interval_of
from .instants import Instant
from .markers import Registry
from .places import order_at
from .records import Article
from .world import World, make_world

UNKNOWN = ("", "nowhere", "https://nowhere.example/", "QXJ0aWNsZTo=", '☃ "\\\n\u2028😀')
T = TypeVar("T")

MAX_VALUES = 60  # of each kind, spread over the whole content


# Orders for which the harness learns cursors; the first ones equal the default.
OrderBy: TypeAlias = tuple[Mapping[str, Name], ...]
ORDERS: tuple[OrderBy, ...] = (
    (),
    ({"field": Name("PUBLISHED_DATE_TIME")},),
    ({"field": Name("PUBLISHED_DATE_TIME"), "direction": Name("ASC")},),
    ({"field": Name("HEAT"), "nulls": Name("FIRST")}, {"field": Name("TITLE"), "direction": Name("ASC")}),
    ({"field": Name("QUALITY"), "direction": Name("ASC")},),
    ({"field": Name("TITLE")},),
    (
        {"field": Name("UPDATED_AT"), "direction": Name("ASC")},
        {"field": Name("QUALITY"), "direction": Name("ASC"), "nulls": Name("FIRST")},
        {"field": Name("UPDATED_AT")},
    ),
    ({"field": Name("MODIFIED_DATE_TIME"), "nulls": Name("FIRST")}, {"field": Name("HEAT")}),
    ({"field": Name("MODIFIED_DATE_TIME"), "direction": Name("ASC")},),
)
DEFAULTS = {"Query.stories": {"orderBy": "LATEST"}, "Query.trending": {"halfLife": "P1D"}}

Place: TypeAlias = tuple[str, tuple[Any, ...]]  # `Type.field`, and the order of its list


@dataclass(frozen=True)
class Values:
    """Values of the content.

    - `known`: texts by `Type.field.argument` and by `ArticleFilter.field`; `numbers`: the same.
    - `sizes`: the longest list by `Type.field`.
    - `cursors`: texts by the place where they are valid; `orders`: the orders with cursors.
    - `texts`: titles and the like.
    - `published`, `dates`: dates, the latter by `ArticleFilter.field`; `spans`: durations back to some.
    - `preferred`: fields of filters that are used more often.
    """

    known: Mapping[str, Sequence[str]]
    sizes: Mapping[str, int]
    numbers: Mapping[str, Sequence[float]] = field(default_factory=dict)
    texts: Sequence[str] = ()
    published: Sequence[Instant] = ()
    dates: Mapping[str, Sequence[Instant]] = field(default_factory=dict)
    spans: Sequence[str] = ()
    cursors: Mapping[Place, Sequence[str]] = field(default_factory=dict)
    orders: Sequence[OrderBy] = ORDERS
    preferred: Sequence[str] = ()

    @property
    def queries(self) -> list[str]:
        """Return the search queries for which cursors are known."""
        return [order[0].text for place, order in self.cursors if place == "Query.search"]

    def cursors_at(self, place: str, asked: Mapping[str, Any]) -> Sequence[str]:
        """Return the cursors that are valid there, in the order that the arguments request."""
        return self.cursors.get((place, order_at(place, DEFAULTS.get(place, {}) | dict(asked))), ())

    def foreign_cursors(self) -> list[str]:
        """Return cursors of other places and orders, and texts that are not cursors."""
        elsewhere = [texts[0] for texts in self.cursors.values() if texts]
        return ["", "no cursor", "bm8gY3Vyc29y", "é\0", *elsewhere]


def values_of(content: Sequence[Article], registry: Registry | None = None) -> Values:
    """Collect values of a folder's articles, including unpublished ones."""
    whole = make_world(content, "open")
    published = spread({one.published.nanoseconds: one.published for one in whole.articles}.values())
    return Values(
        known=known(content, whole) | {"Query.changes.since": registry.versions() if registry else []},
        sizes=sizes_of(whole),
        numbers={
            "ArticleFilter.quality": spread(one.quality for one in content if one.quality is not None),
            "ArticleFilter.heat": spread(one.heat for one in content if one.heat is not None),
        },
        texts=spread(text for one in content for text in texts_of(one)),
        published=published,
        dates={
            "ArticleFilter.updatedAt": spread(one.updated for one in content),
            "ArticleFilter.modifiedDateTime": spread(one.modified for one in content if one.modified),
        },
        spans=spans_to(published),
        cursors=cursors_of(registry) if registry else {},
    )


def known(content: Sequence[Article], whole: World) -> dict[str, Sequence[str]]:
    uses = Counter(url for one in content for url in one.urls)
    shared = [url for url, count in uses.items() if count > 1]  # half of those used
    listed = [entry.url for one in content for entry in one.related]
    ids = spread([*spread(sorted(whole.by_id)), *spread(whole.stories_by_id)])
    paths = spread(path for one in content if (path := one.path))
    return {
        "Query.article.slug": spread(whole.by_slug),
        "Query.articleByUrl.url": [
            *(spread(shared) * MAX_VALUES)[:MAX_VALUES],
            *spread([*uses, *listed]),
            *paths[:20],
        ],
        "Query.provider.domain": spread(whole.providers),
        "Query.topic.slug": spread(whole.topics),
        "Query.author.slug": spread(whole.authors),
        "Query.authors.name": spread(one.name for one in whole.authors.values()),
        "Query.section.path": spread(whole.sections),
        "Query.node.id": ids,
        "Query.nodes.ids": ids,
        "ArticleFilter.slug": spread(whole.by_slug),
        "ArticleFilter.title": spread(one.title for one in content),
        "ArticleFilter.category": spread(one.category for one in content if one.category is not None),
        "ArticleFilter.type": spread(one.type for one in content),
        "ArticleFilter.language": spread(one.language for one in content if one.language is not None),
        "ArticleFilter.topic": [*spread(whole.topics), "AI"],
        "ArticleFilter.author": [*spread(whole.authors), "Ann Lee"],
        "ArticleFilter.section": spread(whole.sections),
        "ArticleFilter.provider": spread(whole.providers),
        "ProviderFilter.domain": spread(whole.providers),
        "ProviderFilter.name": spread(name for one in whole.providers.values() for name in one.names),
        "ArticleFacets.published.by": fitting(content),
    }


def fitting(content: Sequence[Article]) -> list[str]:
    """Return the interval units for which the content does not need too many intervals."""
    fit: list[str] = []
    for by in ("YEAR", "MONTH", "WEEK", "DAY"):
        numbers = {interval_of(one.published.nanoseconds, by) for one in content}
        if not numbers or max(numbers) - min(numbers) < MAX_INTERVALS:
            fit.append(by)
    return fit


def texts_of(article: Article) -> list[str]:
    """Return the searched texts, except for names."""
    texts = [article.title, article.excerpt, article.body, *(entry.title for entry in article.related)]
    return [text for text in texts if text and text.strip()]


def cursors_of(registry: Registry) -> dict[Place, list[str]]:
    cursors: dict[Place, list[str]] = {}
    for text in registry.texts():
        marker = registry.marker(text)
        assert marker is not None
        cursors.setdefault((marker.list_name, marker.order), []).append(text)
    return {place: spread(texts) for place, texts in cursors.items()}


def spread(values: Iterable[T]) -> list[T]:
    """Return at most MOST of the values, evenly spread."""
    each = list(dict.fromkeys(values))
    return (
        [each[number * len(each) // MAX_VALUES] for number in range(MAX_VALUES)]
        if len(each) > MAX_VALUES
        else each
    )


def sizes_of(world: World) -> dict[str, int]:
    """Return the largest size of each list and connection."""
    of_providers = world.providers.values()
    of_topics = world.topics.values()
    return {
        "Query.topics": len(world.topics),
        "Query.sections": len(world.sections),
        "Query.authors": len(world.authors),
        **dict.fromkeys(("Query.articles", "Query.search", "Query.trending"), len(world.articles)),
        "Query.stories": len(world.stories),
        "ChangeSet.nodes": 1,
        "Story.articles": max((len(one.articles) for one in world.stories), default=0),
        "Story.providers": max((len(one.domains()) for one in world.stories), default=0),
        "Article.referencedBy": max(map(len, world.referenced_by.values()), default=0),
        "ArticleFacets.topics": min(10, len(world.topics)),
        "ArticleFacets.providers": min(10, len(world.providers)),
        "ArticleFacets.authors": min(10, len(world.authors)),
        "ArticleFacets.sections": min(10, len(world.sections)),
        "ArticleFacets.types": len({one.type for one in world.articles}),
        "ArticleFacets.categories": len({one.category for one in world.articles}),
        "ArticleFacets.languages": len({one.language for one in world.articles}),
        "Query.providers": len(world.providers),
        "Article.related": max((len(one.related) for one in world.articles), default=0),
        "Article.topics": max((len(one.topics) for one in world.articles), default=0),
        "Article.images": max((len(one.images) for one in world.articles), default=0),
        "Related.images": max((len(e.images) for one in world.articles for e in one.related), default=0),
        "Provider.images": max((len(one.images) for one in of_providers), default=0),
        "Provider.articles": max((len(one.articles) for one in of_providers), default=0),
        "Author.articles": max((len(one.articles) for one in world.authors.values()), default=0),
        "Section.articles": max((len(one.articles) for one in world.sections.values()), default=0),
        "Section.children": max(Counter(one.parent for one in world.sections.values()).values(), default=0),
        "Article.authors": max((len(one.authors) for one in world.articles), default=0),
        "Article.translations": max(map(len, world.by_translation_key.values()), default=0),
        "Topic.articles": max((len(one.articles) for one in of_topics), default=0),
    }
