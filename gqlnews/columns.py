"""Table of the columns of an article.

The raw front matter model, the database row, the insert statement, the filter input, the order enum and the
covering indexes are derived from this table.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto


class ColumnType(Enum):
    """Type of a column: how it is stored, converted to JSON, and compared by its filter."""

    TEXT = auto()
    INTEGER = auto()
    REAL = auto()
    BOOLEAN = auto()  # stored as 0 or 1
    INSTANT = auto()  # sort key of a date (timestamps.py)
    PATH = auto()  # path of a folder
    ITEMS = auto()  # list of texts (`encode_list` in text_keys.py)
    JSON = auto()  # JSON text


@dataclass(frozen=True, slots=True)
class Filter:
    """A field of `ArticleFilter`; `positive`: a boolean that compares a number with 0."""

    field: str
    description: str
    positive: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """A value of `ArticleOrderField`; `nullable`: the column may be null."""

    value: str
    description: str
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class ArticleColumn:
    """A column of the table `article`.

    Its value is the attribute of `ParsedArticle` with its name, or derived in `ingest/rows.py`. `key`: the
    column holds the value of this front matter key, unchanged. `compared`: filters, orders or facets read the
    column, so the covering indexes contain it. `of_group`: it is copied to the tables of `GROUPS`, by whose
    indexes the articles of a group are filtered and sorted. `of_file`: the value may differ for the same
    content. `editor_only`: null for all other audiences.
    """

    name: str
    type: ColumnType = ColumnType.TEXT
    key: str | None = None
    filter: Filter | None = None
    order: Order | None = None
    compared: bool = False
    of_group: bool = False
    of_file: bool = False
    editor_only: bool = False

    @property
    def in_index(self) -> bool:
        return self.compared or self.filter is not None or self.order is not None

    @property
    def folded(self) -> str | None:
        """The column with the case-folded text, null in a row where SQLite's lower() returns the same."""
        is_text = self.type is ColumnType.TEXT and self.filter is not None
        return f"{self.name}{FOLDED_SUFFIX}" if is_text else None


FOLDED_SUFFIX = "_folded"

ARTICLE_COLUMNS = (
    ArticleColumn("slug", filter=Filter("slug", "Filter by slug."), of_group=True),
    ArticleColumn(
        "title",
        filter=Filter("title", "Filter by headline."),
        order=Order("TITLE", "By title, compared by code point."),
    ),
    ArticleColumn("category", key="category", filter=Filter("category", "Filter by category.")),
    ArticleColumn("type", filter=Filter("type", "Filter by type.")),
    ArticleColumn("language", filter=Filter("language", "Filter by language.")),
    ArticleColumn("topic_slugs", ColumnType.ITEMS, filter=Filter("topic", "Filter by topic slugs.")),
    ArticleColumn("author_slugs", ColumnType.ITEMS, filter=Filter("author", "Filter by author slugs.")),
    ArticleColumn("section", ColumnType.PATH, filter=Filter("section", "Filter by section.")),
    ArticleColumn("provider_domain", filter=Filter("provider", "Filter by provider domain.")),
    ArticleColumn(
        "published_at",
        ColumnType.INSTANT,
        filter=Filter("published_date_time", "Filter by publication date."),
        order=Order("PUBLISHED_DATE_TIME", "By publication date."),
        of_group=True,
    ),
    ArticleColumn(
        "updated_key",
        ColumnType.INSTANT,
        filter=Filter("updated_at", "Filter by the file's modification time."),
        order=Order("UPDATED_AT", "By the modification time of the file, `updatedAt`."),
        of_file=True,
    ),
    ArticleColumn(
        "modified_at",
        ColumnType.INSTANT,
        filter=Filter("modified_date_time", "Filter by modification date."),
        order=Order("MODIFIED_DATE_TIME", "By modification date.", nullable=True),
    ),
    ArticleColumn(
        "quality",
        ColumnType.INTEGER,
        filter=Filter("quality", "Filter by quality."),
        order=Order("QUALITY", "By quality.", nullable=True),
        of_group=True,
    ),
    ArticleColumn(
        "heat",
        ColumnType.INTEGER,
        key="heat",
        filter=Filter("heat", "Filter by heat."),
        order=Order("HEAT", "By heat.", nullable=True),
        of_group=True,
    ),
    ArticleColumn(
        "published",
        ColumnType.BOOLEAN,
        filter=Filter("published", "Whether the article is public."),
        of_group=True,
    ),
    ArticleColumn(
        "has_image",
        ColumnType.BOOLEAN,
        filter=Filter("has_image", "Whether the article has an image."),
        of_group=True,
    ),
    ArticleColumn(
        "related_count",
        ColumnType.INTEGER,
        filter=Filter("has_related", "Whether the article lists related coverage.", positive=True),
    ),
    ArticleColumn("heat_log", ColumnType.REAL, compared=True),
    ArticleColumn("published_seconds", ColumnType.REAL, compared=True),
    ArticleColumn("secured", editor_only=True),
    ArticleColumn("extra", ColumnType.JSON, editor_only=True),
    ArticleColumn("updated_at", of_file=True),
    *map(ArticleColumn, ("node_id", "published_date_time", "excerpt", "url", "web_url", "original_url")),
    *map(ArticleColumn, ("amp_web_url", "cdn_amp_web_url", "provider_name", "revision")),
    *map(ArticleColumn, ("featured_content", "body", "prose", "linked_html", "html")),
    *map(ArticleColumn, ("modified_date_time", "web_path", "translation_key")),
    *(ArticleColumn(name, ColumnType.JSON) for name in ("images", "provider_images", "table_of_contents")),
    *(ArticleColumn(name, ColumnType.INTEGER) for name in ("word_count", "reading_minutes")),
    *(ArticleColumn(name, ColumnType.INTEGER) for name in ("url_line", "url_column")),
    *(ArticleColumn(name, ColumnType.INTEGER) for name in ("published_line", "published_column")),
)

CONTENT_COLUMNS = tuple(column for column in ARTICLE_COLUMNS if not column.of_file)
KEY_COLUMNS = tuple(column for column in ARTICLE_COLUMNS if column.key is not None)
FILTER_COLUMNS = tuple(
    name
    for column in ARTICLE_COLUMNS
    if column.filter is not None
    for name in (column.name, column.folded)
    if name is not None
)
FOLDED_COLUMNS = tuple(column for column in ARTICLE_COLUMNS if column.folded is not None)
TEXT_COLUMNS = "title, excerpt, provider, topics, body, related"
"""Columns of the full-text indexes, and of the views that they index."""
TOKENIZER = "unicode61 remove_diacritics 2"
"""Tokenizer of the full-text indexes."""
GROUP_COLUMNS = tuple(column.name for column in ARTICLE_COLUMNS if column.of_group)
GROUPS = {"article_topic": "topic", "article_author": "author", "article_section": "section"}
"""Tables with a row for each article and each group that it is in, and the column of the group's key."""


def index_statements(custom: Iterable[str] = ()) -> dict[str, str]:
    """Return the covering indexes, CREATE statements by name; `custom` are the columns of custom fields.

    A filter, an order or a facet reads only the index, never the wide rows. The partial indexes contain
    `published` too: otherwise SQLite would look it up in the table.
    """
    compared = (column for column in ARTICLE_COLUMNS if column.in_index)
    names = (name for column in compared for name in (column.name, column.folded) if name)
    of_group = _newest_first(GROUP_COLUMNS)
    return {
        f"{name}{suffix}": f"CREATE INDEX {name}{suffix} ON {table} ({columns}){condition}"
        for name, table, columns in (
            ("article_newest", "article", _newest_first((*names, *custom))),
            *((f"{table}_newest", table, f"{key}, {of_group}") for table, key in GROUPS.items()),
        )
        for suffix, condition in (("", ""), ("_public", " WHERE published = 1"))
    }


def _newest_first(columns: Iterable[str]) -> str:
    others = (column for column in columns if column not in ("published_at", "slug"))
    return ", ".join(("published_at DESC", "slug", *others))
