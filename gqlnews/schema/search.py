"""Full-text search and trending articles."""

import hashlib

import strawberry

from gqlnews.query.arguments import Arguments, ResolvedArguments
from gqlnews.query.conditions import Comparison, Operator, and_
from gqlnews.query.connection_args import (
    ConnectionShape,
    Key,
    bad_cursor,
    read_collapse,
    read_page,
    read_where,
)
from gqlnews.query.entities import MIN_SCORE, DecayedScore, OrderTerm
from gqlnews.query.fields import Connection, ConnectionField
from gqlnews.query.filters import FilterFields, FilterParser, now_key, read_duration, read_instant
from gqlnews.query.fts_query import to_fts5_query
from gqlnews.schema.article import Article
from gqlnews.schema.facets import ArticleFacets
from gqlnews.schema.fields import ARTICLE, SEARCH_INDEX, field
from gqlnews.schema.inputs import ARTICLE_COLLAPSE_RULES, FilteringArguments
from gqlnews.schema.node import PageInfo
from gqlnews.text_keys import SearchExpression, log2_heat
from gqlnews.timestamps import parse_instant, to_epoch_seconds

# Full-text search.

BEST_FIRST = (OrderTerm("score", descending=True, numeric=True), *ARTICLE.order)


def search_arguments(arguments: Arguments, filter_fields: FilterFields) -> ResolvedArguments:
    """Resolve the arguments of `search`. Cursors are valid for one query, because it determines the order."""
    match = SearchExpression(to_fts5_query(arguments["query"], SEARCH_INDEX.columns))
    query_hash = hashlib.sha256(match.encode()).hexdigest()[:12]
    page, values = read_page(arguments, f"Query.search {query_hash}", BEST_FIRST)
    values["match"] = match
    parser = FilterParser(filter_fields, values, SEARCH_INDEX)
    shape = ConnectionShape(page, BEST_FIRST, read_where(parser, arguments))
    return ResolvedArguments(shape, values, parser.uses_clock, parser.restricted)


SEARCH = Connection(ARTICLE, FilteringArguments(search_arguments), is_search=True)


@strawberry.type(description="A search result, with its score and snippet.")
class SearchEdge:
    cursor: str = field(ConnectionField.EDGE_CURSOR, description="Cursor to pass as `after`.")
    node: Article = field(ConnectionField.EDGE_NODE, description="The article.")
    score: float = field(ConnectionField.SCORE, description="Relevance score; higher is better.")
    snippet: str = field(
        ConnectionField.SNIPPET,
        description="The best matching passage, HTML-escaped, with matches in `<mark>` elements.",
    )


@strawberry.type(description="A page of search results.")
class SearchConnection:
    edges: list[SearchEdge] = field(
        ConnectionField.EDGES,
        description="The edges of the page: each article with its cursor, score and snippet.",
    )
    nodes: list[Article] = field(
        ConnectionField.NODES, description="The articles of the page, for clients that do not need cursors."
    )
    page_info: PageInfo = field(ConnectionField.PAGE_INFO, description="Information for paging.")
    total_count: int = field(
        ConnectionField.TOTAL_COUNT, description="Total number of search results, on all pages."
    )
    facets: ArticleFacets = field(
        ConnectionField.FACETS, description="Counts and statistics of all search results, on all pages."
    )


# Trending articles, by heat with exponential decay.
#
# For a heat above 0, sorting by heat * 2^(-age / halfLife) is the same as sorting by
# log2(heat) + published / halfLife. That does not depend on the current time, so no score underflows to 0,
# and cursors stay valid as time passes.

HOTTEST_FIRST = (
    DecayedScore(
        "heat_log",
        descending=True,
        numeric=True,
        time_column="published_seconds",
        half_life="half_life",
        base_column="heat",
    ),
    *ARTICLE.order,
)


def trending_arguments(arguments: Arguments, filter_fields: FilterFields) -> ResolvedArguments:
    """Resolve the arguments of `trending`. Cursors are valid for the same `halfLife` only."""
    half_life = float(read_duration(arguments["halfLife"]))
    as_of = arguments.get("asOf")
    latest = now_key() if as_of is None else read_instant(as_of)

    def read_keys(keys: list[Key | bytes], argument: str) -> list[object]:
        heat, published_at, slug = keys
        instant = parse_instant(str(published_at))
        if instant is None or instant.key != published_at:
            raise bad_cursor(argument)
        heat_log = log2_heat(int(heat))
        if heat_log is None:
            return [MIN_SCORE, published_at, slug]
        return [heat_log + to_epoch_seconds(str(published_at)) / half_life, published_at, slug]

    page, values = read_page(arguments, f"Query.trending {half_life:.0f}", HOTTEST_FIRST, read_keys)
    values |= {"half_life": half_life, "as_of": latest}
    parser = FilterParser(filter_fields, values, SEARCH_INDEX)
    where = and_((Comparison("published_at", Operator.LTE, "as_of"), read_where(parser, arguments)))
    shape = ConnectionShape(page, HOTTEST_FIRST, where, read_collapse(arguments, ARTICLE_COLLAPSE_RULES))
    return ResolvedArguments(shape, values, parser.uses_clock or as_of is None, parser.restricted)


TRENDING = Connection(ARTICLE, FilteringArguments(trending_arguments))
