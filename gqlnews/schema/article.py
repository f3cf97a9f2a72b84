"""Articles, and their connections."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from gqlnews.query.arguments import read_slice, slice_arguments
from gqlnews.query.connection_args import ConnectionArguments
from gqlnews.query.fields import (
    Connection,
    ConnectionField,
    JoinKey,
    JoinTable,
    JsonArray,
    Kind,
    Many,
    MoreLikeThis,
    One,
    OrderTerm,
)
from gqlnews.schema.facets import ArticleFacets
from gqlnews.schema.fields import (
    ARTICLE,
    ARTICLES_OF_TOPIC,
    ORDER_BY,
    PAGE,
    STORY_OF_ARTICLE,
    WHERE,
    argument,
    column,
    declared,
    first,
)
from gqlnews.schema.inputs import (
    ARTICLE_OPERANDS,
    ARTICLE_ORDERS,
    ARTICLES_ALIKE,
    ArticleFilter,
    ArticleOrder,
)
from gqlnews.schema.node import JSON, DateTime, Node, PageInfo
from gqlnews.schema.related import Coverage, Heading, Image, Related

if TYPE_CHECKING:
    from gqlnews.schema.provider import Topic
    from gqlnews.schema.story import Story

RELATED = Many(JoinKey("article_id", parent="id"), position="position", arguments=slice_arguments)
TOPICS = Many(
    JoinKey("slug", parent="id"),
    through=JoinTable("article_topic", near="article_id", far="topic", position="position"),
)
STORY_OF = One(JoinKey("slug", parent="id"), through=STORY_OF_ARTICLE)

MAX_SIMILAR = 5  # unless `first` says otherwise
SIMILAR = MoreLikeThis(
    ARTICLE,
    index="search",
    words="article_words",
    counts="search_word",
    named=JoinTable("article_url", near="url", far="article_id"),
    lists=JoinTable("related", near="article_id", far="url"),
    arguments=lambda arguments: read_slice(arguments, default=MAX_SIMILAR),
)

ARTICLE_LIST = (
    *PAGE,
    argument("where", ArticleFilter | None, description=WHERE),
    argument("order_by", list[ArticleOrder] | None, description=ORDER_BY),
)


def articles(
    place: str,
    match: JoinKey | None = None,
    through: JoinTable | None = None,
    order: tuple[OrderTerm, ...] = ARTICLE.order,
) -> Connection:
    """Declare a connection of articles. `order` is the default; `place` ties cursors to this connection."""
    read = ConnectionArguments(place, order, ARTICLE_OPERANDS, ARTICLE_ORDERS, ARTICLES_ALIKE)
    shortcut = None if match else ARTICLES_OF_TOPIC
    return Connection(ARTICLE, read, match, through, shortcut=shortcut)


@strawberry.type(description="An article, read from one Markdown file.")
class Article(Node, Coverage):
    slug: str = column(
        "slug",
        description="Unique key: the file's path relative to the content folder, without its extension.",
    )
    published_date_time: DateTime = column(
        "published_date_time", description="When the article was published."
    )
    category: str | None = column("category", description="Category as given in the front matter.")
    heat: int | None = column(
        "heat", description="Popularity score from the front matter; higher means more attention."
    )
    published: bool = column(
        "published",
        Kind.BOOLEAN,
        description="Whether the article is public. Only editors can see unpublished articles.",
    )
    topics: list[Annotated["Topic", strawberry.lazy("gqlnews.schema.provider")]] = declared(
        TOPICS, description="Topics of the article, in file order."
    )
    image: Image | None = declared(
        JsonArray("images", single=True), description="The first of `images`; null if there are none."
    )
    related: list[Related] = declared(
        RELATED,
        first(),
        argument("offset", int | None, 0, "Number of entries to skip."),
        description="Related coverage as listed by the article's editor, in file order.",
    )
    related_count: int = column("related_count", description="Total number of entries in `related`.")
    referenced_by: Annotated["ArticleConnection", strawberry.lazy("gqlnews.schema.article")] = declared(
        articles(
            "Article.referencedBy",
            JoinKey("id", parent="id"),
            JoinTable("related", "target_id", "article_id"),
        ),
        *ARTICLE_LIST,
        description="Articles that list this one in `related`, newest first unless `orderBy` says otherwise.",
    )
    similar: list[Annotated["Article", strawberry.lazy("gqlnews.schema.article")]] = declared(
        SIMILAR,
        argument("first", int | None, MAX_SIMILAR, "Maximum number of articles to return."),
        description=(
            "Articles with the most similar text, most similar first. Excludes the article itself and those "
            "listed in `related`."
        ),
    )
    story: Annotated["Story", strawberry.lazy("gqlnews.schema.story")] | None = declared(
        STORY_OF,
        description=(
            "The story that the article belongs to, among the articles the caller may see; null if none."
        ),
    )
    featured_content: str | None = column(
        "featured_content",
        description="Embed that represents the article, such as a video player, as sanitized HTML.",
    )
    body: str | None = column(
        "body", description="The Markdown source below the front matter; null if there is none."
    )
    html: str | None = column("html", description="`body` rendered as sanitized HTML.")
    table_of_contents: list[Heading] = declared(
        JsonArray("table_of_contents"), description="Headings of `body`, in document order."
    )
    word_count: int = column(
        "word_count",
        description=(
            "Number of words in `body`, separated by whitespace. In scripts without spaces, such as Chinese, "
            "each character counts as a word."
        ),
    )
    reading_minutes: int | None = column(
        "reading_minutes",
        description="Reading time in minutes, rounded up, at 240 words per minute; null if there is no body.",
    )
    secured: str | None = column(
        "secured",
        sealed=True,
        description="Opaque payload, exactly as in the file. Editors only: null for other callers.",
    )
    extra: JSON | None = column(
        "extra",
        Kind.JSON,
        sealed=True,
        description=(
            "Front matter keys that this schema does not define, unchanged. Editors only: null for other "
            "callers."
        ),
    )
    updated_at: DateTime = column(
        "updated_at", description="Modification time of the file when its current content was ingested."
    )
    revision: str = column(
        "revision", description="Hash of the file's content, which changes if and only if the file does."
    )


@strawberry.type(description="An article in a connection, with its cursor.")
class ArticleEdge:
    cursor: str = declared(ConnectionField.EDGE_CURSOR, description="Cursor to pass as `after` or `before`.")
    node: Article = declared(ConnectionField.EDGE_NODE, description="The article.")


@strawberry.type(description="A page of a list of articles.")
class ArticleConnection:
    edges: list[ArticleEdge] = declared(
        ConnectionField.EDGES, description="The edges of the page: each article with its cursor."
    )
    nodes: list[Article] = declared(
        ConnectionField.NODES, description="The articles of the page, for clients that do not need cursors."
    )
    page_info: PageInfo = declared(ConnectionField.PAGE_INFO, description="Information for paging.")
    total_count: int = declared(
        ConnectionField.TOTAL_COUNT,
        description="Total number of matching articles, on all pages. Computed only if selected.",
    )
    facets: ArticleFacets = declared(
        ConnectionField.FACETS, description="Counts and statistics of all matching articles, on all pages."
    )
