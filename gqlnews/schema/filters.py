"""Filter inputs for `where`. Each field declares the column that it tests, and its operand type."""

from typing import Any

import strawberry
from strawberry.types.base import StrawberryObjectDefinition, has_object_definition
from strawberry.utils.str_converters import to_camel_case

from gqlnews.query.filters import Operand, Operands, OperandType
from gqlnews.schema.fields import DECLARATION
from gqlnews.schema.scalars import DateTime, Duration


def optional(description: str, *, name: str | None = None) -> Any:
    """Define an optional input field."""
    return strawberry.field(name=name, default=strawberry.UNSET, description=description)


def tests(column: str, compared: OperandType, description: str) -> Any:
    """Define an optional filter field that tests a column."""
    operand = Operand(column, compared)
    return strawberry.field(
        default=strawberry.UNSET, description=description, metadata={DECLARATION: operand}
    )


def collect_operands(filter_: type) -> Operands:
    """Collect the operands of a filter's fields by their GraphQL names."""
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
    eq: str | None = optional("Equals this value.")
    ne: str | None = optional("Does not equal this value. Also matches a missing value.")
    in_: list[str] | None = optional("Equals one of these values. An empty list matches nothing.", name="in")
    not_in: list[str] | None = optional("Equals none of these values. Also matches a missing value.")
    starts_with: str | None = optional("Starts with this text.")
    contains: str | None = optional(
        "Contains this text, ignoring case (Unicode) but not accents. There are no wildcards."
    )
    is_null: bool | None = optional("Whether the value is missing (`true`) or present (`false`).")


@strawberry.input(description="Filter for fields with a set of values.")
class SetFilter:
    any: list[str] | None = optional("Has at least one of these values. An empty list matches nothing.")
    all: list[str] | None = optional("Has all of these values. An empty list matches everything.")
    none: list[str] | None = optional("Has none of these values. An empty list matches everything.")


@strawberry.input(description="Filter for integers.")
class IntFilter:
    eq: int | None = optional("Equals this value.")
    ne: int | None = optional("Does not equal this value. Also matches a missing value.")
    in_: list[int] | None = optional("Equals one of these values. An empty list matches nothing.", name="in")
    not_in: list[int] | None = optional("Equals none of these values. Also matches a missing value.")
    gt: int | None = optional("Greater than this value.")
    gte: int | None = optional("Greater than or equal to this value.")
    lt: int | None = optional("Less than this value.")
    lte: int | None = optional("Less than or equal to this value.")
    is_null: bool | None = optional("Whether the value is missing (`true`) or present (`false`).")


@strawberry.input(description="Filter for dates, which are compared as instants, not as text.")
class DateTimeFilter:
    eq: DateTime | None = optional("At this instant.")
    gt: DateTime | None = optional("After this instant.")
    gte: DateTime | None = optional("At or after this instant.")
    lt: DateTime | None = optional("Before this instant.")
    lte: DateTime | None = optional("At or before this instant.")
    within_last: Duration | None = optional(
        "Within this duration before now, e.g. `P2D` or `PT6H`. Includes future dates."
    )


@strawberry.input(description="Filter for articles. All given fields must match.")
class ArticleFilter:
    and_: list["ArticleFilter"] | None = optional(
        "All of these filters match. An empty list matches everything.", name="and"
    )
    or_: list["ArticleFilter"] | None = optional(
        "At least one of these filters matches. An empty list matches nothing.", name="or"
    )
    not_: "ArticleFilter | None" = optional("This filter does not match.", name="not")
    slug: StringFilter | None = tests("slug", OperandType.TEXT, "Filter by slug.")
    title: StringFilter | None = tests("title", OperandType.TEXT, "Filter by headline.")
    category: StringFilter | None = tests("category", OperandType.TEXT, "Filter by category.")
    type: StringFilter | None = tests("type", OperandType.TEXT, "Filter by type.")
    topic: SetFilter | None = tests("topic_slugs", OperandType.ITEMS, "Filter by topic slugs.")
    provider: StringFilter | None = tests("provider_domain", OperandType.TEXT, "Filter by provider domain.")
    published_date_time: DateTimeFilter | None = tests(
        "published_at", OperandType.INSTANT, "Filter by publication date."
    )
    updated_at: DateTimeFilter | None = tests(
        "updated_key", OperandType.INSTANT, "Filter by the file's modification time."
    )
    quality: IntFilter | None = tests("quality", OperandType.INTEGER, "Filter by quality.")
    heat: IntFilter | None = tests("heat", OperandType.INTEGER, "Filter by heat.")
    published: bool | None = tests("published", OperandType.COUNT, "Whether the article is public.")
    has_image: bool | None = tests("has_image", OperandType.COUNT, "Whether the article has an image.")
    has_related: bool | None = tests(
        "related_count", OperandType.COUNT, "Whether the article lists related coverage."
    )
    matches: str | None = tests(
        "search", OperandType.FULL_TEXT, "Full-text query, with the syntax of `search`."
    )


@strawberry.input(description="Filter for providers. All given fields must match.")
class ProviderFilter:
    domain: StringFilter | None = tests("domain", OperandType.TEXT, "Filter by domain.")
    name: StringFilter | None = tests("name", OperandType.TEXT, "Filter by the provider's `name`.")


ARTICLE_OPERANDS = collect_operands(ArticleFilter)
PROVIDER_OPERANDS = collect_operands(ProviderFilter)
