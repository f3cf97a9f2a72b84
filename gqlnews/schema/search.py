"""Search: articles by their words, best first."""

import hashlib

import strawberry

from gqlnews.plan.arguments import Arguments, Inputs
from gqlnews.plan.declare import Connection, Hits, OrderTerm, Part
from gqlnews.plan.filters import FilterReader
from gqlnews.plan.lists import ListShape, read_page, read_where
from gqlnews.plan.search import read_search
from gqlnews.schema.article import Article
from gqlnews.schema.entities import ARTICLE
from gqlnews.schema.facets import ArticleFacets
from gqlnews.schema.fields import declared
from gqlnews.schema.filters import ARTICLE_OPERANDS
from gqlnews.schema.page_info import PageInfo

BEST_FIRST = (OrderTerm("score", descending=True, number=True), *ARTICLE.order)


def search_arguments(arguments: Arguments) -> Inputs:
    """The order is the query's, so its cursors hold for one query."""
    match = read_search(arguments["query"])
    query = hashlib.sha256(match.encode()).hexdigest()[:12]
    page, values = read_page(arguments, f"Query.search {query}", BEST_FIRST)
    values["match"] = match
    reader = FilterReader(ARTICLE_OPERANDS, values)
    shape = ListShape(page, BEST_FIRST, read_where(reader, arguments))
    return Inputs(shape, values, reader.clock)


SEARCH = Connection(ARTICLE, search_arguments, hits=Hits("search"))


@strawberry.type(description="An article that a search found, and how well.")
class SearchEdge:
    cursor: str = declared(Part.EDGE_CURSOR, description="Pass it as `after`.")
    node: Article = declared(Part.EDGE_NODE, description="The article.")
    score: float = declared(Part.SCORE, description="Higher is better.")
    snippet: str = declared(
        Part.SNIPPET, description="The best passage, HTML-escaped, with the matches in `<mark>`."
    )


@strawberry.type(description="A page of what a search found.")
class SearchConnection:
    edges: list[SearchEdge] = declared(Part.EDGES, description="The page, with cursors and scores.")
    nodes: list[Article] = declared(
        Part.NODES, description="The edges' nodes, for clients that need no cursors."
    )
    page_info: PageInfo = declared(Part.PAGE_INFO, description="Where the page stands in the list.")
    total_count: int = declared(Part.TOTAL_COUNT, description="How many it found in all, whatever the page.")
    facets: ArticleFacets = declared(
        Part.FACETS, description="How what it found splits up, whatever the page."
    )
