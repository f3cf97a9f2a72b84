"""Articles, and connections of them."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from gqlnews.plan.arguments import read_slice, slice_arguments
from gqlnews.plan.declare import Connection, Items, Junction, Kind, Many, Match, One, OrderTerm, Part, Similar
from gqlnews.plan.lists import ReadList
from gqlnews.schema.coverage import Coverage
from gqlnews.schema.entities import ARTICLE, ARTICLES_OF_TOPIC, STORY_OF_ARTICLE
from gqlnews.schema.facets import ArticleFacets
from gqlnews.schema.fields import ORDER_BY, PAGE, WHERE, argument, column, declared, first
from gqlnews.schema.filters import ARTICLE_OPERANDS, ArticleFilter
from gqlnews.schema.heading import Heading
from gqlnews.schema.image import Image
from gqlnews.schema.node import Node
from gqlnews.schema.orders import ARTICLE_ORDERS, ARTICLES_ALIKE, ArticleOrder
from gqlnews.schema.page_info import PageInfo
from gqlnews.schema.related import Related
from gqlnews.schema.scalars import JSON, DateTime

if TYPE_CHECKING:
    from gqlnews.schema.story import Story
    from gqlnews.schema.topic import Topic

RELATED = Many(Match("article_id", parent="id"), position="position", arguments=slice_arguments)
TOPICS = Many(
    Match("slug", parent="id"),
    through=Junction("article_topic", near="article_id", far="topic", position="position"),
)
STORY_OF = One(Match("slug", parent="id"), through=STORY_OF_ARTICLE)

MOST_SIMILAR = 5  # unless `first` says otherwise
SIMILAR = Similar(
    ARTICLE,
    index="search",
    words="article_words",
    counts="search_word",
    named=Junction("article_url", near="url", far="article_id"),
    lists=Junction("related", near="article_id", far="url"),
    arguments=lambda arguments: read_slice(arguments, default=MOST_SIMILAR),
)

ARTICLE_LIST = (
    *PAGE,
    argument("where", ArticleFilter | None, description=WHERE),
    argument("order_by", list[ArticleOrder] | None, description=ORDER_BY),
)


def articles(
    place: str,
    match: Match | None = None,
    through: Junction | None = None,
    order: tuple[OrderTerm, ...] = ARTICLE.order,
) -> Connection:
    """A connection of articles, in `order` where the request names none; `place` names it in its cursors."""
    read = ReadList(place, order, ARTICLE_OPERANDS, ARTICLE_ORDERS, ARTICLES_ALIKE)
    shortcut = None if match else ARTICLES_OF_TOPIC
    return Connection(ARTICLE, read, match, through, shortcut=shortcut)


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
    referenced_by: Annotated["ArticleConnection", strawberry.lazy("gqlnews.schema.article")] = declared(
        articles(
            "Article.referencedBy", Match("id", parent="id"), Junction("related", "target_id", "article_id")
        ),
        *ARTICLE_LIST,
        description=(
            "Articles whose related coverage lists this one, newest first: the same edges, walked backwards."
        ),
    )
    similar: list[Annotated["Article", strawberry.lazy("gqlnews.schema.article")]] = declared(
        SIMILAR,
        argument("first", int | None, MOST_SIMILAR, "How many at most."),
        description=(
            "Stored articles most like this one by their words, most like first; never itself, and never one "
            "that its `related` lists already."
        ),
    )
    story: Annotated["Story", strawberry.lazy("gqlnews.schema.story")] | None = declared(
        STORY_OF,
        description=(
            "The story it belongs to, of the articles that the caller may see; null where it stands alone."
        ),
    )
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
        description="How many match `where` in all, whatever the page. Costs nothing unless asked for.",
    )
    facets: ArticleFacets = declared(
        Part.FACETS, description="How what matches `where` splits up, whatever the page."
    )
