"""Providers: who published what, one for each domain."""

import strawberry

from gqlnews.plan.declare import Connection, Items, Kind, Match, Part
from gqlnews.plan.lists import ReadList
from gqlnews.schema.article import ARTICLE_LIST, ArticleConnection, articles
from gqlnews.schema.entities import PROVIDER
from gqlnews.schema.fields import column, declared, first
from gqlnews.schema.filters import PROVIDER_OPERANDS
from gqlnews.schema.image import Image
from gqlnews.schema.node import Node
from gqlnews.schema.page_info import PageInfo


def providers(place: str) -> Connection:
    """A connection of providers by domain; `place` names it in its cursors."""
    return Connection(PROVIDER, ReadList(place, PROVIDER.order, PROVIDER_OPERANDS))


@strawberry.type(description="Who published it. One per `domain`.")
class Provider(Node):
    domain: str = column("domain", description="What tells providers apart.")
    name: str = column("name", description="The name most files use; ties go to the most recent file.")
    names: list[str] = column(
        "names", Kind.JSON, description="Every name that files use for this domain, most used first."
    )
    images: list[Image] = declared(
        Items("images"), first(), description="As the newest file that gives any has them."
    )
    articles: ArticleConnection = declared(
        articles("Provider.articles", Match("provider_domain", parent="domain")),
        *ARTICLE_LIST,
        description="What it published, newest first unless `orderBy` says otherwise.",
    )


@strawberry.type(description="A provider on a page, and where it stands.")
class ProviderEdge:
    cursor: str = declared(Part.EDGE_CURSOR, description="Pass it as `after` or `before`.")
    node: Provider = declared(Part.EDGE_NODE, description="The provider.")


@strawberry.type(description="A page of a list of providers.")
class ProviderConnection:
    edges: list[ProviderEdge] = declared(Part.EDGES, description="The page, with cursors.")
    nodes: list[Provider] = declared(
        Part.NODES, description="The edges' nodes, for clients that need no cursors."
    )
    page_info: PageInfo = declared(Part.PAGE_INFO, description="Where the page stands in the list.")
    total_count: int = declared(Part.TOTAL_COUNT, description="How many there are in all, whatever the page.")
