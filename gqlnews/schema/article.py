"""Articles, and their connections."""

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from gqlnews.query.arguments import Arguments, ResolvedArguments, read_slice
from gqlnews.query.connection_args import ConnectionArguments
from gqlnews.query.entities import JoinTable, OrderTerm
from gqlnews.query.fields import (
    Connection,
    ConnectionField,
    Group,
    JoinKey,
    JsonArray,
    Many,
    MoreLikeThis,
    Neighbor,
    One,
)
from gqlnews.schema.facets import ArticleFacets
from gqlnews.schema.fields import (
    ARTICLE,
    ARTICLES_OF_AUTHOR,
    ARTICLES_OF_TOPIC,
    ORDER_BY,
    PAGE,
    SCOPED,
    SEARCH_INDEX,
    STORY_OF_ARTICLE,
    WHERE,
    argument,
    article_column,
    field,
    first,
)
from gqlnews.schema.inputs import (
    ARTICLE_COLLAPSE_RULES,
    ARTICLE_FILTER_FIELDS,
    ARTICLE_ORDER_TERMS,
    ArticleFilter,
    ArticleOrder,
    Neighbours,
)
from gqlnews.schema.node import JSON, DateTime, Node, PageInfo
from gqlnews.schema.related import Coverage, Heading, Related

if TYPE_CHECKING:
    from gqlnews.schema.author import Author
    from gqlnews.schema.provider import Topic
    from gqlnews.schema.section import Section
    from gqlnews.schema.story import Story

RELATED = Many(JoinKey("article_id", parent="id"), position="position", arguments=read_slice)
TOPICS = Many(
    JoinKey("slug", parent="id"),
    through=JoinTable("article_topic", source_key="article_id", target_key="topic", position="position"),
)
AUTHORS = Many(
    JoinKey("slug", parent="id"),
    through=JoinTable("article_author", source_key="article_id", target_key="author", position="position"),
)
TRANSLATIONS = Many(
    JoinKey("id", parent="id"),
    through=JoinTable("translation", source_key="article_id", target_key="target_id", position="position"),
)
STORY_OF = One(JoinKey("slug", parent="id"), through=STORY_OF_ARTICLE)

NEIGHBOR_GROUPS = {
    "SECTION": Group("section"),
    "TOPIC": Group(through=ARTICLES_OF_TOPIC, position="position"),
    "AUTHOR": Group(through=ARTICLES_OF_AUTHOR, position="position"),
    "LANGUAGE": Group("language"),
}


def _read_neighbors(arguments: Arguments) -> ResolvedArguments:
    within = arguments.get("within")
    return ResolvedArguments(None if within is None else NEIGHBOR_GROUPS.get(within.name))


def _neighbor(description: str, *, backward: bool) -> Any:
    return field(
        Neighbor(JoinKey("id", parent="id"), _read_neighbors, backward=backward),
        argument("within", Neighbours | None, description="Where to look. Defaults to `ALL`."),
        description=description,
    )


DEFAULT_SIMILAR = 5
SIMILAR = MoreLikeThis(
    ARTICLE,
    words=JoinTable("article_words", source_key="article_id", target_key="words"),
    counts=JoinTable("search_word", source_key="word", target_key="documents", visibility=SCOPED),
    urls=JoinTable("article_url", source_key="article_id", target_key="url"),
    referenced_urls=JoinTable("related", source_key="article_id", target_key="url"),
    arguments=partial(read_slice, default=DEFAULT_SIMILAR),
)

ARTICLE_WHERE = argument("where", ArticleFilter | None, description=WHERE)
ARTICLE_LIST = (
    *PAGE,
    ARTICLE_WHERE,
    argument("order_by", list[ArticleOrder] | None, description=ORDER_BY),
)


def articles(
    list_id: str,
    match: JoinKey | None = None,
    through: JoinTable | None = None,
    order: tuple[OrderTerm, ...] = ARTICLE.order,
) -> Connection:
    """Declare a connection of articles with the default order `order`. `list_id` identifies it in cursors."""
    read_arguments = ConnectionArguments(
        list_id,
        order,
        ARTICLE_FILTER_FIELDS,
        ARTICLE_ORDER_TERMS,
        ARTICLE_COLLAPSE_RULES,
        SEARCH_INDEX,
    )
    shortcut = None if match else ARTICLES_OF_TOPIC
    return Connection(ARTICLE, read_arguments, match, through, shortcut=shortcut)


@strawberry.type(description="An article, read from one Markdown file.")
class Article(Node, Coverage):
    slug: str = article_column(
        "slug",
        description="Unique key: the file's path relative to the content folder, without its extension.",
    )
    published_date_time: DateTime = article_column(
        "published_date_time", description="When the article was published."
    )
    modified_date_time: DateTime | None = article_column(
        "modified_date_time", description="When the article was last changed, as its file says."
    )
    language: str | None = article_column(
        "language",
        description="Language in lower-case BCP 47, as the file or its place says; null where nothing does.",
    )
    path: str | None = article_column("web_path", description="The path of `webUrl`, from the first slash.")
    article: Annotated["Article", strawberry.lazy("gqlnews.schema.article")] | None = field(
        One(JoinKey("id", parent="id")), description="The article itself."
    )
    category: str | None = article_column("category", description="Category as given in the front matter.")
    heat: int | None = article_column(
        "heat",
        description=(
            "Popularity score from the front matter; higher means more attention. A 32-bit integer without "
            "further bounds: usually 0 or more, and -1 where it was not measured. Null if the file has none."
        ),
    )
    published: bool = article_column(
        "published",
        description=(
            "Whether the article is public. Other articles are visible to editors only, unless the server "
            "shows them to every caller (`--unpublished`)."
        ),
    )
    topics: list[Annotated["Topic", strawberry.lazy("gqlnews.schema.provider")]] = field(
        TOPICS, description="Topics of the article, in file order."
    )
    authors: list[Annotated["Author", strawberry.lazy("gqlnews.schema.author")]] = field(
        AUTHORS, description="Authors of the article, in file order."
    )
    section: Annotated["Section", strawberry.lazy("gqlnews.schema.section")] | None = field(
        One(JoinKey("path", parent="section")),
        description="The section that the article is in; null at the top of the content root.",
    )
    translations: list[Annotated["Article", strawberry.lazy("gqlnews.schema.article")]] = field(
        TRANSLATIONS, description="The same article in other languages that the caller may see, by language."
    )
    next: Annotated["Article", strawberry.lazy("gqlnews.schema.article")] | None = _neighbor(
        "The next newer article in the default order, among those of `within`.", backward=True
    )
    previous: Annotated["Article", strawberry.lazy("gqlnews.schema.article")] | None = _neighbor(
        "The next older article in the default order, among those of `within`.", backward=False
    )
    related: list[Related] = field(
        RELATED,
        first(),
        argument("offset", int | None, 0, "Number of entries to skip."),
        description="Related coverage as listed by the article's editor, in file order.",
    )
    related_count: int = article_column("related_count", description="Total number of entries in `related`.")
    referenced_by: Annotated["ArticleConnection", strawberry.lazy("gqlnews.schema.article")] = field(
        articles(
            "Article.referencedBy",
            JoinKey("id", parent="id"),
            JoinTable("related", "target_id", "article_id"),
        ),
        *ARTICLE_LIST,
        description="Articles that list this one in `related`, newest first unless `orderBy` says otherwise.",
    )
    similar: list[Annotated["Article", strawberry.lazy("gqlnews.schema.article")]] = field(
        SIMILAR,
        argument("first", int | None, DEFAULT_SIMILAR, "Maximum number of articles to return."),
        description=(
            "Articles with the most similar text, most similar first. Excludes the article itself and those "
            "listed in `related`."
        ),
    )
    story: Annotated["Story", strawberry.lazy("gqlnews.schema.story")] | None = field(
        STORY_OF,
        description=(
            "The story that the article belongs to, among the articles the caller may see; null if none."
        ),
    )
    featured_content: str | None = article_column(
        "featured_content",
        description="Embed that represents the article, such as a video player, as sanitized HTML.",
    )
    body: str | None = article_column(
        "body", description="The Markdown source below the front matter; null if there is none."
    )
    html: str | None = article_column("html", description="`body` rendered as sanitized HTML.")
    table_of_contents: list[Heading] = field(
        JsonArray("table_of_contents"), description="Headings of `body`, in document order."
    )
    word_count: int = article_column(
        "word_count",
        description=(
            "Number of words in `body`, separated by whitespace, without template syntax such as shortcodes. "
            "In scripts without spaces, such as Chinese, each character counts as a word."
        ),
    )
    reading_minutes: int | None = article_column(
        "reading_minutes",
        description=(
            "Reading time in minutes, rounded up, at 240 words per minute, and 500 characters per minute in "
            "scripts without spaces; null if there is no body."
        ),
    )
    secured: str | None = article_column(
        "secured",
        description="Opaque payload, exactly as in the file. Editors only: null for other callers.",
    )
    extra: JSON | None = article_column(
        "extra",
        description=(
            "Front matter keys that this schema does not define, unchanged. Editors only: null for other "
            "callers."
        ),
    )
    updated_at: DateTime = article_column(
        "updated_at",
        description=(
            "Modification time of the file when its current content was ingested, rounded down to "
            "milliseconds."
        ),
    )
    revision: str = article_column(
        "revision", description="Hash of the file's content, which changes if and only if the file does."
    )


@strawberry.type(description="An article in a connection, with its cursor.")
class ArticleEdge:
    cursor: str = field(ConnectionField.EDGE_CURSOR, description="Cursor to pass as `after` or `before`.")
    node: Article = field(ConnectionField.EDGE_NODE, description="The article.")


@strawberry.type(description="A page of a list of articles.")
class ArticleConnection:
    edges: list[ArticleEdge] = field(
        ConnectionField.EDGES, description="The edges of the page: each article with its cursor."
    )
    nodes: list[Article] = field(
        ConnectionField.NODES, description="The articles of the page, for clients that do not need cursors."
    )
    page_info: PageInfo = field(ConnectionField.PAGE_INFO, description="Information for paging.")
    total_count: int = field(
        ConnectionField.TOTAL_COUNT,
        description="Total number of matching articles, on all pages. Computed only if selected.",
    )
    facets: ArticleFacets = field(
        ConnectionField.FACETS, description="Counts and statistics of all matching articles, on all pages."
    )
