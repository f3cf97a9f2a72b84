"""Authors of articles, and their connection."""

import strawberry

from gqlnews.query.arguments import Arguments, ReadArguments, ResolvedArguments
from gqlnews.query.connection_args import ConnectionArguments
from gqlnews.query.fields import Connection, ConnectionField, JoinKey, JsonArray
from gqlnews.schema.article import ARTICLE_LIST, ArticleConnection, articles
from gqlnews.schema.fields import ARTICLES_OF_AUTHOR, AUTHOR, column, field
from gqlnews.schema.inputs import AUTHOR_FILTER_FIELDS, AUTHOR_ORDER_TERMS
from gqlnews.schema.node import URL, Node, PageInfo
from gqlnews.schema.related import Image


def authors(list_id: str) -> Connection:
    """Declare a connection of authors, ordered by name. `list_id` identifies it in cursors."""
    read = ConnectionArguments(list_id, AUTHOR.order, AUTHOR_FILTER_FIELDS, AUTHOR_ORDER_TERMS)
    return Connection(AUTHOR, _filter_by_name(read))


def _filter_by_name(read: ReadArguments) -> ReadArguments:
    def read_arguments(arguments: Arguments) -> ResolvedArguments:
        return read({**arguments, "where": {"name": arguments.get("name")}})

    return read_arguments


@strawberry.type(description="An author of articles. Authors with the same slug are one.")
class Author(Node):
    slug: str = column("slug", description="Unique slug, e.g. `jane-doe` for `Jane Doe`.")
    name: str = column(
        "name", description="Name in the author data of the site or of a file, else as most files spell it."
    )
    url: URL | None = column("url", description="Page of the author.")
    image: Image | None = field(JsonArray("image", single=True), description="Picture of the author.")
    bio: str | None = column("bio", description="Short biography.")
    article_count: int = column("article_count", description="Number of articles that the caller may see.")
    articles: ArticleConnection = field(
        articles("Author.articles", JoinKey("id", parent="slug"), ARTICLES_OF_AUTHOR),
        *ARTICLE_LIST,
        description="Articles by the author, newest first unless `orderBy` says otherwise.",
    )


@strawberry.type(description="An author in a connection, with its cursor.")
class AuthorEdge:
    cursor: str = field(ConnectionField.EDGE_CURSOR, description="Cursor to pass as `after` or `before`.")
    node: Author = field(ConnectionField.EDGE_NODE, description="The author.")


@strawberry.type(description="A page of a list of authors.")
class AuthorConnection:
    edges: list[AuthorEdge] = field(
        ConnectionField.EDGES, description="The edges of the page: each author with its cursor."
    )
    nodes: list[Author] = field(
        ConnectionField.NODES, description="The authors of the page, for clients that do not need cursors."
    )
    page_info: PageInfo = field(ConnectionField.PAGE_INFO, description="Information for paging.")
    total_count: int = field(
        ConnectionField.TOTAL_COUNT, description="Total number of matching authors, on all pages."
    )
