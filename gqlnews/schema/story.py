"""Stories: groups of articles that list each other as related coverage."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from gqlnews.query.arguments import Arguments, ResolvedArguments
from gqlnews.query.conditions import Comparison, Operator
from gqlnews.query.connection_args import ConnectionShape, read_page
from gqlnews.query.entities import OrderTerm
from gqlnews.query.fields import Connection, ConnectionField, JoinKey, One, TermsFacet
from gqlnews.schema.article import ARTICLE_LIST, ArticleConnection, articles
from gqlnews.schema.facets import ProviderCount
from gqlnews.schema.fields import ARTICLE, ARTICLES_OF_STORY, STORY, column, field
from gqlnews.schema.node import DateTime, Node, PageInfo

if TYPE_CHECKING:
    from gqlnews.schema.article import Article

OLDEST_FIRST = (OrderTerm("published_at"), OrderTerm("slug"))
LARGEST_FIRST = (OrderTerm("size", descending=True, numeric=True), *STORY.order)
MEMBERS = JoinKey("id", parent="slug")


def story_arguments(arguments: Arguments) -> ResolvedArguments:
    """Resolve the arguments of `stories`. Cursors are valid for the same `orderBy` only."""
    by_size = arguments["orderBy"].name == "SIZE"
    order, list_id = (LARGEST_FIRST, "Query.stories by size") if by_size else (STORY.order, "Query.stories")
    page, values = read_page(arguments, list_id, order)
    values["size"] = max(2, arguments["minSize"])
    return ResolvedArguments(ConnectionShape(page, order, Comparison("size", Operator.GTE, "size")), values)


STORIES = Connection(STORY, story_arguments)


@strawberry.type(
    description=(
        "The coverage of one event: a group of articles connected by mutual links in `related` (a connected "
        "component). Articles without mutual links have no story."
    )
)
class Story(Node):
    title: str = column("title", description="Title of the `lead` article.")
    lead: Annotated["Article", strawberry.lazy("gqlnews.schema.article")] = field(
        One(JoinKey("id", parent="lead_id")),
        description="The article with the highest heat. Ties go to the highest quality, then to the newest.",
    )
    size: int = column("size", description="Number of articles in the story.")
    first_published: DateTime = column(
        "first_published", description="Publication date of the oldest article."
    )
    last_published: DateTime = column("last_published", description="Publication date of the newest article.")
    providers: list[ProviderCount] = field(
        TermsFacet("provider_domain", entity=ARTICLE, match=MEMBERS, through=ARTICLES_OF_STORY),
        description="Providers in the story with their article counts, highest first.",
    )
    articles: ArticleConnection = field(
        articles("Story.articles", MEMBERS, ARTICLES_OF_STORY, order=OLDEST_FIRST),
        *ARTICLE_LIST,
        description="Articles of the story, oldest first unless `orderBy` says otherwise.",
    )


@strawberry.type(description="A story in a connection, with its cursor.")
class StoryEdge:
    cursor: str = field(ConnectionField.EDGE_CURSOR, description="Cursor to pass as `after`.")
    node: Story = field(ConnectionField.EDGE_NODE, description="The story.")


@strawberry.type(description="A page of a list of stories.")
class StoryConnection:
    edges: list[StoryEdge] = field(
        ConnectionField.EDGES, description="The edges of the page: each story with its cursor."
    )
    nodes: list[Story] = field(
        ConnectionField.NODES, description="The stories of the page, for clients that do not need cursors."
    )
    page_info: PageInfo = field(ConnectionField.PAGE_INFO, description="Information for paging.")
    total_count: int = field(
        ConnectionField.TOTAL_COUNT, description="Total number of matching stories, on all pages."
    )
