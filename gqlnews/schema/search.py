"""Full-text search of articles, best match first."""

import hashlib

import strawberry

from gqlnews.query.arguments import Arguments, ResolvedArguments
from gqlnews.query.connection_args import ConnectionShape, read_page, read_where
from gqlnews.query.fields import Connection, ConnectionField, FullTextMatch, OrderTerm
from gqlnews.query.filters import FilterParser
from gqlnews.query.fts_query import to_fts5_query
from gqlnews.schema.article import Article
from gqlnews.schema.facets import ArticleFacets
from gqlnews.schema.fields import declared
from gqlnews.schema.filters import ARTICLE_OPERANDS
from gqlnews.schema.page_info import PageInfo
from gqlnews.schema.tables import ARTICLE

BEST_FIRST = (OrderTerm("score", descending=True, number=True), *ARTICLE.order)


def search_arguments(arguments: Arguments) -> ResolvedArguments:
    """Resolve the arguments of `search`. Cursors are valid for one query only, as it determines the order."""
    match = to_fts5_query(arguments["query"])
    query = hashlib.sha256(match.encode()).hexdigest()[:12]
    page, values = read_page(arguments, f"Query.search {query}", BEST_FIRST)
    values["match"] = match
    reader = FilterParser(ARTICLE_OPERANDS, values)
    shape = ConnectionShape(page, BEST_FIRST, read_where(reader, arguments))
    return ResolvedArguments(shape, values, reader.clock)


SEARCH = Connection(ARTICLE, search_arguments, hits=FullTextMatch("search"))


@strawberry.type(description="A search result, with its score and snippet.")
class SearchEdge:
    cursor: str = declared(ConnectionField.EDGE_CURSOR, description="Cursor to pass as `after`.")
    node: Article = declared(ConnectionField.EDGE_NODE, description="The article.")
    score: float = declared(ConnectionField.SCORE, description="Relevance score; higher is better.")
    snippet: str = declared(
        ConnectionField.SNIPPET,
        description="The best matching passage, HTML-escaped, with matches in `<mark>` elements.",
    )


@strawberry.type(description="A page of search results.")
class SearchConnection:
    edges: list[SearchEdge] = declared(
        ConnectionField.EDGES,
        description="The edges of the page: each article with its cursor, score and snippet.",
    )
    nodes: list[Article] = declared(
        ConnectionField.NODES, description="The articles of the page, for clients that do not need cursors."
    )
    page_info: PageInfo = declared(ConnectionField.PAGE_INFO, description="Information for paging.")
    total_count: int = declared(
        ConnectionField.TOTAL_COUNT, description="Total number of search results, on all pages."
    )
    facets: ArticleFacets = declared(
        ConnectionField.FACETS, description="Counts and statistics of all search results, on all pages."
    )
