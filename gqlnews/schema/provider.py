"""Providers (publishers of articles) and topics."""

import strawberry

from gqlnews.query.connection_args import ConnectionArguments
from gqlnews.query.fields import Connection, ConnectionField, JoinKey, JsonArray, Kind
from gqlnews.schema.article import ARTICLE_LIST, ArticleConnection, articles
from gqlnews.schema.fields import ARTICLES_OF_TOPIC, PROVIDER, column, field, first
from gqlnews.schema.inputs import PROVIDER_FILTER_FIELDS, PROVIDER_ORDER_TERMS
from gqlnews.schema.node import URL, Node, PageInfo
from gqlnews.schema.related import Image

# Providers.


def providers(list_id: str) -> Connection:
    """Declare a connection of providers, ordered by domain. `list_id` identifies it in cursors."""
    read = ConnectionArguments(list_id, PROVIDER.order, PROVIDER_FILTER_FIELDS, PROVIDER_ORDER_TERMS)
    return Connection(PROVIDER, read)


@strawberry.type(description="A publisher of articles or related coverage, identified by its domain.")
class Provider(Node):
    domain: str = column("domain", description="Unique domain of the provider.")
    name: str = column("name", description="The name that most files use. Ties go to the most recent file.")
    names: list[str] = column(
        "names", Kind.JSON, description="All names that files use for this domain, most used first."
    )
    images: list[Image] = field(
        JsonArray("images"), first(), description="Images of the provider, from the newest file that has any."
    )
    url: URL | None = column(
        "url", description="The base URL of the provider, if it is the site itself; otherwise null."
    )
    article_count: int = column("article_count", description="Number of articles that the caller may see.")
    articles: ArticleConnection = field(
        articles("Provider.articles", JoinKey("provider_domain", parent="domain")),
        *ARTICLE_LIST,
        description="Articles by the provider, newest first unless `orderBy` says otherwise.",
    )


@strawberry.type(description="A provider in a connection, with its cursor.")
class ProviderEdge:
    cursor: str = field(ConnectionField.EDGE_CURSOR, description="Cursor to pass as `after` or `before`.")
    node: Provider = field(ConnectionField.EDGE_NODE, description="The provider.")


@strawberry.type(description="A page of a list of providers.")
class ProviderConnection:
    edges: list[ProviderEdge] = field(
        ConnectionField.EDGES, description="The edges of the page: each provider with its cursor."
    )
    nodes: list[Provider] = field(
        ConnectionField.NODES, description="The providers of the page, for clients that do not need cursors."
    )
    page_info: PageInfo = field(ConnectionField.PAGE_INFO, description="Information for paging.")
    total_count: int = field(
        ConnectionField.TOTAL_COUNT, description="Total number of matching providers, on all pages."
    )


# Topics. Names with the same slug are one topic.


@strawberry.type(description="A topic of articles.")
class Topic(Node):
    slug: str = column("slug", description="Unique slug, e.g. `computer-vision` for `Computer Vision`.")
    name: str = column("name", description="Name of the topic as most files spell it.")
    article_count: int = column("article_count", description="Number of articles that the caller may see.")
    articles: ArticleConnection = field(
        articles(
            "Topic.articles",
            JoinKey("id", parent="slug"),
            ARTICLES_OF_TOPIC,
        ),
        *ARTICLE_LIST,
        description="Articles about the topic, newest first unless `orderBy` says otherwise.",
    )
