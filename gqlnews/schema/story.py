"""Stories: articles that list each other, and how they unfolded."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from gqlnews.plan.arguments import Arguments, Inputs
from gqlnews.plan.conditions import Operator, Test
from gqlnews.plan.declare import Connection, Groups, Match, One, OrderTerm, Part
from gqlnews.plan.lists import ListShape, read_page
from gqlnews.schema.article import ARTICLE_LIST, ArticleConnection, articles
from gqlnews.schema.entities import ARTICLE, ARTICLES_OF_STORY, STORY
from gqlnews.schema.facets import ProviderCount
from gqlnews.schema.fields import column, declared
from gqlnews.schema.node import Node
from gqlnews.schema.page_info import PageInfo
from gqlnews.schema.scalars import DateTime

if TYPE_CHECKING:
    from gqlnews.schema.article import Article

OLDEST_FIRST = (OrderTerm("published_at"), OrderTerm("slug"))
LARGEST_FIRST = (OrderTerm("size", descending=True, number=True), *STORY.order)
MEMBERS = Match("id", parent="slug")


def story_arguments(arguments: Arguments) -> Inputs:
    """Those of `stories`; its cursors hold for one order."""
    by_size = arguments["orderBy"].name == "SIZE"
    order, place = (LARGEST_FIRST, "Query.stories by size") if by_size else (STORY.order, "Query.stories")
    page, values = read_page(arguments, place, order)
    values["size"] = max(2, arguments["minSize"])
    return Inputs(ListShape(page, order, Test("size", Operator.AT_LEAST, "size")), values)


STORIES = Connection(STORY, story_arguments)


@strawberry.type(
    description=(
        "The coverage of one event: articles that list each other as related, and whoever they list each "
        "other with (the connected components of mutual links; an article outside one has no story)."
    )
)
class Story(Node):
    title: str = column("title", description="The title of its `lead`.")
    lead: Annotated["Article", strawberry.lazy("gqlnews.schema.article")] = declared(
        One(Match("id", parent="lead_id")),
        description="The hottest article, ties to the highest quality, then the newest.",
    )
    size: int = column("size", description="How many articles it has.")
    first_published: DateTime = column("first_published", description="When its oldest was published.")
    last_published: DateTime = column("last_published", description="When its newest was published.")
    providers: list[ProviderCount] = declared(
        Groups("provider_domain", entity=ARTICLE, match=MEMBERS, through=ARTICLES_OF_STORY),
        description="Who covers it, most articles first.",
    )
    articles: ArticleConnection = declared(
        articles("Story.articles", MEMBERS, ARTICLES_OF_STORY, order=OLDEST_FIRST),
        *ARTICLE_LIST,
        description="Oldest first unless `orderBy` says otherwise: the story as it unfolded.",
    )


@strawberry.type(description="A story on a page, and where it stands.")
class StoryEdge:
    cursor: str = declared(Part.EDGE_CURSOR, description="Pass it as `after`.")
    node: Story = declared(Part.EDGE_NODE, description="The story.")


@strawberry.type(description="A page of a list of stories.")
class StoryConnection:
    edges: list[StoryEdge] = declared(Part.EDGES, description="The page, with cursors.")
    nodes: list[Story] = declared(
        Part.NODES, description="The edges' nodes, for clients that need no cursors."
    )
    page_info: PageInfo = declared(Part.PAGE_INFO, description="Where the page stands in the list.")
    total_count: int = declared(Part.TOTAL_COUNT, description="How many there are in all, whatever the page.")
