"""Plain resolvers of connections, their pages and their facets."""

from __future__ import annotations

from typing import Any

from . import facets
from .context import Info, Resolver, record_error, world
from .facets import Facets, TooManyIntervals
from .fulltext import SCALE
from .markers import Approximate, Cursor
from .pages import Page
from .snippets import Snippet


def edge_cursor(source: Page, position: int) -> Cursor | None:
    return source.edges[position].cursor if source.edges else None


def first_rows(source: Facets, first: int | None, counted: Any) -> Any:
    """Return the first rows, or the default number if `first` is None."""
    return counted(source)[: facets.DEFAULT_SIZE if first is None else first]


def published(source: Facets, info: Info, by: str) -> list[tuple[str, int]]:
    try:
        return facets.intervals(source.articles, by)
    except TooManyIntervals:
        record_error(info, "TOO_MANY_INTERVALS")
        return []


def average(source: facets.Stats, _info: Info) -> Approximate | None:
    return None if source.average is None else Approximate(source.average)


CONNECTION: dict[str, Resolver] = {
    "edges": lambda page, _: page.edges,
    "nodes": lambda page, _: page.nodes,
    "pageInfo": lambda page, _: page,
    "totalCount": lambda page, _: len(page.elements),
    "facets": lambda page, info: Facets(world(info), page.elements),
}
EDGE: dict[str, Resolver] = {"cursor": lambda edge, _: edge.cursor, "node": lambda edge, _: edge.node}


def count_resolvers(name: str) -> dict[str, Resolver]:
    """Resolvers for a row of a facet: the counted value, called `name`, and its count."""
    return {name: lambda row, _: row[0], "count": lambda row, _: row[1]}


LISTS: dict[str, dict[str, Resolver]] = {
    "ArticleConnection": CONNECTION,
    "ArticleEdge": EDGE,
    "SearchConnection": CONNECTION
    | {
        "nodes": lambda page, _: [hit.article for hit in page.nodes],
        "facets": lambda page, info: Facets(world(info), [hit.article for hit in page.elements]),
    },
    "SearchEdge": {
        "cursor": lambda edge, _: edge.cursor,
        "node": lambda edge, _: edge.node.article,
        "score": lambda edge, _: Approximate(edge.node.score / SCALE),
        "snippet": lambda edge, _: Snippet(edge.node.article, edge.node.query),
    },
    "StoryConnection": CONNECTION,
    "StoryEdge": EDGE,
    "ProviderConnection": CONNECTION,
    "ProviderEdge": EDGE,
    "AuthorConnection": CONNECTION,
    "AuthorEdge": EDGE,
    "PageInfo": {
        "hasNextPage": lambda page, _: page.has_next,
        "hasPreviousPage": lambda page, _: page.has_previous,
        "startCursor": lambda page, _: edge_cursor(page, 0),
        "endCursor": lambda page, _: edge_cursor(page, -1),
    },
    "ArticleFacets": {
        "topics": lambda source, _, first=None: first_rows(source, first, facets.topics),
        "providers": lambda source, _, first=None: first_rows(source, first, facets.providers),
        "authors": lambda source, _, first=None: first_rows(source, first, facets.authors),
        "sections": lambda source, _, first=None: first_rows(source, first, facets.sections),
        "types": lambda source, _: facets.by_count(one.type for one in source.articles),
        "categories": lambda source, _: facets.by_count(
            one.category for one in source.articles if one.category is not None
        ),
        "languages": lambda source, _: facets.by_count(
            one.language for one in source.articles if one.language is not None
        ),
        "published": published,
        "quality": lambda source, _: facets.stats(one.quality for one in source.articles),
        "heat": lambda source, _: facets.stats(one.heat for one in source.articles),
    },
    "IntStats": {
        "min": lambda stats, _: stats.min,
        "max": lambda stats, _: stats.max,
        "average": average,
    },
    "TopicCount": count_resolvers("topic"),
    "ProviderCount": count_resolvers("provider"),
    "AuthorCount": count_resolvers("author"),
    "SectionCount": count_resolvers("section"),
    "ValueCount": count_resolvers("value"),
    "IntervalCount": count_resolvers("start"),
}
