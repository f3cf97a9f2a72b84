"""Articles, and connections of them."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from gqlnews.plan.arguments import page_arguments, slice_arguments
from gqlnews.plan.declare import Connection, Items, Junction, Kind, Many, Match, Part
from gqlnews.schema.coverage import Coverage
from gqlnews.schema.entities import ARTICLE
from gqlnews.schema.fields import argument, column, declared, first
from gqlnews.schema.heading import Heading
from gqlnews.schema.image import Image
from gqlnews.schema.node import Node
from gqlnews.schema.page_info import PageInfo
from gqlnews.schema.related import Related
from gqlnews.schema.scalars import JSON, DateTime

if TYPE_CHECKING:
    from gqlnews.schema.topic import Topic

RELATED = Many(Match("article_id", parent="id"), position="position", arguments=slice_arguments)
TOPICS = Many(
    Match("slug", parent="id"),
    through=Junction("article_topic", near="article_id", far="topic", position="position"),
)


def articles(place: str, match: Match | None = None, through: Junction | None = None) -> Connection:
    """A connection of articles, newest first; `place` names it in its cursors."""
    return Connection(ARTICLE, place, page_arguments(place, len(ARTICLE.order)), match, through)


@strawberry.type(description="One Markdown file.")
class Article(Node, Coverage):
    slug: str = column("slug", description="The file's path below the content folder, without its extension.")
    published_date_time: DateTime = column("published_date_time", description="When it was published.")
    category: str | None = column("category", description="The front matter's own word.")
    heat: int | None = column("heat", description="How much attention it gets.")
    published: bool = column(
        "published",
        Kind.BOOLEAN,
        description="Whether the public sees it. An unpublished article exists only for an editor.",
    )
    topics: list[Annotated["Topic", strawberry.lazy("gqlnews.schema.topic")]] = declared(
        TOPICS, description="In file order."
    )
    image: Image | None = declared(Items("images", single=True), description="The first of `images`.")
    related: list[Related] = declared(
        RELATED,
        first(),
        argument("offset", int | None, 0, "How many to pass over first."),
        description="Related coverage as its editor listed it, in file order.",
    )
    related_count: int = column("related_count", description="How many entries `related` has.")
    featured_content: str | None = column(
        "featured_content",
        description="The embed that stands for the article (a video player), sanitised HTML.",
    )
    body: str | None = column(
        "body", description="The Markdown below the front matter, as written; null where there is none."
    )
    html: str | None = column("html", description="`body` as sanitised HTML.")
    table_of_contents: list[Heading] = declared(
        Items("table_of_contents"), description="Headings of `body`, in order."
    )
    word_count: int = column("word_count", description="Words of `body`, as blanks divide it.")
    reading_minutes: int | None = column(
        "reading_minutes",
        description="Whole minutes at 240 words a minute, at least 1 where there is a body.",
    )
    secured: str | None = column(
        "secured",
        sealed=True,
        description="The sealed payload, opaque, byte for byte; null unless the caller is an editor.",
    )
    extra: JSON | None = column(
        "extra",
        Kind.JSON,
        sealed=True,
        description=(
            "Front matter keys that this schema does not know, kept as they are; null unless the caller "
            "is an editor."
        ),
    )
    updated_at: DateTime = column(
        "updated_at", description="The file's modification time when its present content was taken in."
    )
    revision: str = column(
        "revision", description="A hash of the file's content: changes when and only when the file does."
    )


@strawberry.type(description="An article on a page, and where it stands.")
class ArticleEdge:
    cursor: str = declared(Part.EDGE_CURSOR, description="Pass it as `after` or `before`.")
    node: Article = declared(Part.EDGE_NODE, description="The article.")


@strawberry.type(description="A page of a list of articles.")
class ArticleConnection:
    edges: list[ArticleEdge] = declared(Part.EDGES, description="The page, with cursors.")
    nodes: list[Article] = declared(
        Part.NODES, description="The edges' nodes, for clients that need no cursors."
    )
    page_info: PageInfo = declared(Part.PAGE_INFO, description="Where the page stands in the list.")
    total_count: int = declared(
        Part.TOTAL_COUNT,
        description="How many there are in all, whatever the page. Costs nothing unless asked for.",
    )
