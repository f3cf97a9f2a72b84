"""Inputs of lists: `where`, `orderBy` and `collapse`, with the columns that they refer to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import strawberry
from strawberry.types.base import StrawberryObjectDefinition, has_object_definition
from strawberry.utils.str_converters import to_camel_case

from gqlnews.columns import ARTICLE_COLUMNS, ArticleColumn, ColumnType
from gqlnews.query.arguments import Arguments, ResolvedArguments
from gqlnews.query.connection_args import NULL_LOW
from gqlnews.query.entities import NamedObjects, OrderTerm
from gqlnews.query.fields import CollapseBy
from gqlnews.query.filters import FilterField, FilterFields, FilterFieldType
from gqlnews.schema.fields import AUTHOR, DECLARATION, PROVIDER, SECTION, STORY_OF_ARTICLE, TOPIC
from gqlnews.schema.node import DateTime, Duration
from gqlnews.text_keys import topic_slug

# Filters for `where`. Each field declares the column that it compares, and its type.


def optional_field(description: str, *, name: str | None = None) -> Any:
    """Define an optional input field."""
    return strawberry.field(name=name, default=strawberry.UNSET, description=description)


NAMED_OBJECTS = {
    "topic_slugs": NamedObjects(TOPIC, "name", "a topic", topic_slug),
    "author_slugs": NamedObjects(AUTHOR, "name", "an author", topic_slug),
    "section": NamedObjects(SECTION, "title", "a section"),
    "provider_domain": NamedObjects(PROVIDER, "name", "a provider"),
}
"""The objects whose keys a column of an article has, by column."""


def filter_field(column: str, type_: FilterFieldType, description: str) -> Any:
    """Define an optional filter field that compares a column."""
    declaration = FilterField(column, type_, refers_to=NAMED_OBJECTS.get(column))
    return strawberry.field(
        default=strawberry.UNSET, description=description, metadata={DECLARATION: declaration}
    )


def collect_filter_fields(filter_: type) -> FilterFields:
    """Collect the declarations of a filter's fields by their GraphQL names."""
    assert has_object_definition(filter_)
    definition: StrawberryObjectDefinition = filter_.__strawberry_definition__
    return {
        to_camel_case(field.python_name): field.metadata[DECLARATION]
        for field in definition.fields
        if DECLARATION in field.metadata
    }


@strawberry.input(
    description="Filter for strings. Compares exactly, by code point, unless a field says otherwise."
)
class StringFilter:
    eq: str | None = optional_field("Equals this value.")
    ne: str | None = optional_field("Does not equal this value. Also matches a missing value.")
    in_: list[str] | None = optional_field(
        "Equals one of these values. An empty list matches nothing.", name="in"
    )
    not_in: list[str] | None = optional_field("Equals none of these values. Also matches a missing value.")
    starts_with: str | None = optional_field("Starts with this text.")
    contains: str | None = optional_field(
        "Contains this text, ignoring case (Unicode) but not accents. There are no wildcards."
    )
    is_null: bool | None = optional_field("Whether the value is missing (`true`) or present (`false`).")


@strawberry.input(description="Filter for fields with a set of values.")
class SetFilter:
    any: list[str] | None = optional_field("Has at least one of these values. An empty list matches nothing.")
    all: list[str] | None = optional_field("Has all of these values. An empty list matches everything.")
    none: list[str] | None = optional_field("Has none of these values. An empty list matches everything.")


@strawberry.input(description="Filter for sections.")
class SectionFilter:
    eq: str | None = optional_field("Is in this section, not in one below it.")
    in_: list[str] | None = optional_field(
        "Is in one of these sections. An empty list matches nothing.", name="in"
    )
    under: str | None = optional_field("The section and everything below it.")


@strawberry.input(description="Filter for integers.")
class IntFilter:
    eq: int | None = optional_field("Equals this value.")
    ne: int | None = optional_field("Does not equal this value. Also matches a missing value.")
    in_: list[int] | None = optional_field(
        "Equals one of these values. An empty list matches nothing.", name="in"
    )
    not_in: list[int] | None = optional_field("Equals none of these values. Also matches a missing value.")
    gt: int | None = optional_field("Greater than this value.")
    gte: int | None = optional_field("Greater than or equal to this value.")
    lt: int | None = optional_field("Less than this value.")
    lte: int | None = optional_field("Less than or equal to this value.")
    is_null: bool | None = optional_field("Whether the value is missing (`true`) or present (`false`).")


@strawberry.input(description="Filter for dates, which are compared as instants, not as text.")
class DateTimeFilter:
    eq: DateTime | None = optional_field("At this instant.")
    gt: DateTime | None = optional_field("After this instant.")
    gte: DateTime | None = optional_field("At or after this instant.")
    lt: DateTime | None = optional_field("Before this instant.")
    lte: DateTime | None = optional_field("At or before this instant.")
    within_last: Duration | None = optional_field(
        "Within this duration before now, e.g. `P2D` or `PT6H`. Includes future dates."
    )


_FILTER_TYPES: dict[ColumnType, tuple[type, FilterFieldType]] = {
    ColumnType.TEXT: (StringFilter, FilterFieldType.TEXT),
    ColumnType.INTEGER: (IntFilter, FilterFieldType.INTEGER),
    ColumnType.BOOLEAN: (bool, FilterFieldType.IS_POSITIVE),
    ColumnType.INSTANT: (DateTimeFilter, FilterFieldType.INSTANT),
    ColumnType.PATH: (SectionFilter, FilterFieldType.PATH),
    ColumnType.ITEMS: (SetFilter, FilterFieldType.ITEMS),
}


def with_column_filters(filter_: type) -> type:
    """Add the filter fields that the table of columns declares."""
    for column in ARTICLE_COLUMNS:
        if column.filter is None:
            continue
        kind = ColumnType.BOOLEAN if column.filter.positive else column.type
        annotation, field_type = _FILTER_TYPES[kind]
        filter_.__annotations__[column.filter.field] = annotation | None
        definition = filter_field(column.name, field_type, column.filter.description)
        setattr(filter_, column.filter.field, definition)
    return filter_


@strawberry.input(description="Filter for articles. All given fields must match.")
@with_column_filters
class ArticleFilter:
    and_: list["ArticleFilter"] | None = optional_field(
        "All of these filters match. An empty list matches everything.", name="and"
    )
    or_: list["ArticleFilter"] | None = optional_field(
        "At least one of these filters matches. An empty list matches nothing.", name="or"
    )
    not_: "ArticleFilter | None" = optional_field("This filter does not match.", name="not")
    matches: str | None = filter_field(
        "search", FilterFieldType.FULL_TEXT, "Full-text query, with the syntax of `search`."
    )


@strawberry.input(description="Filter for providers. All given fields must match.")
class ProviderFilter:
    domain: StringFilter | None = filter_field("domain", FilterFieldType.TEXT, "Filter by domain.")
    name: StringFilter | None = filter_field("name", FilterFieldType.TEXT, "Filter by the provider's `name`.")


AUTHOR_FILTER_FIELDS = {"name": FilterField("name", FilterFieldType.TEXT)}
ARTICLE_FILTER_FIELDS = collect_filter_fields(ArticleFilter)
PROVIDER_FILTER_FIELDS = collect_filter_fields(ProviderFilter)


@dataclass(frozen=True, slots=True)
class FilteringArguments:
    """Argument reader of a list of articles that is not an ordinary connection."""

    read: Callable[[Arguments, FilterFields], ResolvedArguments]
    filter_fields: FilterFields = field(default_factory=lambda: ARTICLE_FILTER_FIELDS)

    def __call__(self, arguments: Arguments) -> ResolvedArguments:
        return self.read(arguments, self.filter_fields)


# Orders for `orderBy`, and rules for `collapse`.


@strawberry.enum(description="Where items without a value are sorted.")
class NullsOrder(Enum):
    FIRST = strawberry.enum_value("FIRST", description="Before all others, regardless of direction.")
    LAST = strawberry.enum_value("LAST", description="After all others, regardless of direction.")


_ORDERED_COLUMNS = {column.order.value: column for column in ARTICLE_COLUMNS if column.order is not None}

_ORDER_VALUES = {
    value: strawberry.enum_value(value, description=column.order.description)
    for value, column in _ORDERED_COLUMNS.items()
    if column.order is not None
}
_OrderField: type[Enum] = Enum("ArticleOrderField", _ORDER_VALUES)  # type: ignore[misc]  # values from the table
ArticleOrderField = strawberry.enum(_OrderField, description="Fields by which articles can be sorted.")


@strawberry.enum(description="Sort direction.")
class OrderDirection(Enum):
    ASC = strawberry.enum_value("ASC", description="Ascending, lowest first.")
    DESC = strawberry.enum_value("DESC", description="Descending, highest first.")


@strawberry.input(
    description=(
        "A sort key for articles. In a list of keys, each breaks the ties of those before it. Remaining ties "
        "are broken by `slug`, ascending, so the order is total."
    )
)
class ArticleOrder:
    field: Enum = strawberry.field(graphql_type=ArticleOrderField, description="The field to sort by.")
    direction: OrderDirection = strawberry.field(
        default=OrderDirection.DESC, description="The sort direction."
    )
    nulls: NullsOrder = strawberry.field(
        default=NullsOrder.LAST, description="Where articles without a value are sorted."
    )


@strawberry.enum(description="Fields by which authors can be sorted.")
class AuthorOrderField(Enum):
    NAME = strawberry.enum_value("NAME", description="By name, compared by code point.")
    COUNT = strawberry.enum_value("COUNT", description="By number of articles.")


@strawberry.enum(description="Fields by which topics can be sorted.")
class TopicOrderField(Enum):
    SLUG = strawberry.enum_value("SLUG", description="By slug, compared by code point.")
    COUNT = strawberry.enum_value("COUNT", description="By number of articles.")


@strawberry.enum(description="Fields by which providers can be sorted.")
class ProviderOrderField(Enum):
    DOMAIN = strawberry.enum_value("DOMAIN", description="By domain, compared by code point.")
    COUNT = strawberry.enum_value("COUNT", description="By number of articles.")


def _ascending() -> Any:
    return strawberry.field(default=OrderDirection.ASC, description="The sort direction.")


@strawberry.input(description="Order of authors. Ties are broken by `slug`, ascending.")
class AuthorOrder:
    field: AuthorOrderField = strawberry.field(description="The field to sort by.")
    direction: OrderDirection = _ascending()


@strawberry.input(description="Order of topics. Ties are broken by `slug`, ascending.")
class TopicOrder:
    field: TopicOrderField = strawberry.field(description="The field to sort by.")
    direction: OrderDirection = _ascending()


@strawberry.input(description="Order of providers. Ties are broken by `domain`, ascending.")
class ProviderOrder:
    field: ProviderOrderField = strawberry.field(description="The field to sort by.")
    direction: OrderDirection = _ascending()


_COUNT = OrderTerm("article_count", numeric=True)
AUTHOR_ORDER_TERMS = {"NAME": OrderTerm("name"), "COUNT": _COUNT}
TOPIC_ORDER_TERMS = {"SLUG": OrderTerm("slug"), "COUNT": _COUNT}
PROVIDER_ORDER_TERMS = {"DOMAIN": OrderTerm("domain"), "COUNT": _COUNT}


@strawberry.enum(
    description="How duplicates are recognized. Only the first of them in the sort order is returned."
)
class Collapse(Enum):
    URL = strawberry.enum_value("URL", description="Articles with the same `url` are duplicates.")
    STORY = strawberry.enum_value("STORY", description="Articles of the same story are duplicates.")


@strawberry.enum(
    description=(
        "Where neighbours are looked for: everything, the article's section, its first topic, its first "
        "author, its language."
    )
)
class Neighbours(Enum):
    ALL = strawberry.enum_value("ALL", description="All articles.")
    SECTION = strawberry.enum_value("SECTION", description="The articles of the same section.")
    TOPIC = strawberry.enum_value("TOPIC", description="The articles about its first topic.")
    AUTHOR = strawberry.enum_value("AUTHOR", description="The articles by its first author.")
    LANGUAGE = strawberry.enum_value("LANGUAGE", description="The articles in the same language.")


@strawberry.enum(description="Sort orders for stories.")
class StoryOrder(Enum):
    LATEST = strawberry.enum_value("LATEST", description="By `lastPublished`, newest first.")
    SIZE = strawberry.enum_value("SIZE", description="By number of articles, largest first.")


def _order_term(column: ArticleColumn) -> OrderTerm:
    nullable = column.order is not None and column.order.nullable
    return OrderTerm(
        column.name,
        missing=NULL_LOW if nullable else None,
        numeric=column.type is ColumnType.INTEGER,
    )


ARTICLE_ORDER_TERMS = {value: _order_term(column) for value, column in _ORDERED_COLUMNS.items()}
ARTICLE_COLLAPSE_RULES = {"URL": CollapseBy(column="url"), "STORY": CollapseBy(through=STORY_OF_ARTICLE)}
