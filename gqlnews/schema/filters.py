"""Filters: what `where` takes. A field says which column it tests, and as what."""

from typing import Any

import strawberry
from strawberry.types.base import StrawberryObjectDefinition, has_object_definition
from strawberry.utils.str_converters import to_camel_case

from gqlnews.plan.filters import Compared, Operand, Operands
from gqlnews.schema.fields import DECLARATION
from gqlnews.schema.scalars import DateTime, Duration


def optional(description: str, *, name: str | None = None) -> Any:
    """A field of an input that may be left out."""
    return strawberry.field(name=name, default=strawberry.UNSET, description=description)


def tests(column: str, compared: Compared, description: str) -> Any:
    """A field of a filter that tests a column."""
    operand = Operand(column, compared)
    return strawberry.field(
        default=strawberry.UNSET, description=description, metadata={DECLARATION: operand}
    )


def operands_of(filter_: type) -> Operands:
    """What the fields of a filter test, by their names in the schema."""
    assert has_object_definition(filter_)
    definition: StrawberryObjectDefinition = filter_.__strawberry_definition__
    return {
        to_camel_case(field.python_name): field.metadata[DECLARATION]
        for field in definition.fields
        if DECLARATION in field.metadata
    }


@strawberry.input(description="Exact, by code point, unless said otherwise.")
class StringFilter:
    eq: str | None = optional("Is this.")
    ne: str | None = optional("Is not this, or is missing.")
    in_: list[str] | None = optional("Is one of these; nothing is one of none.", name="in")
    not_in: list[str] | None = optional("Is none of these, or is missing.")
    starts_with: str | None = optional("Begins with this.")
    contains: str | None = optional(
        "Anywhere in it, whatever the case of letters in Unicode; accents count; no character is a wildcard."
    )
    is_null: bool | None = optional("Is missing; with false, is there.")


@strawberry.input(description="On a set of values.")
class SetFilter:
    any: list[str] | None = optional("Has at least one of these; nothing has one of none.")
    all: list[str] | None = optional("Has each of these.")
    none: list[str] | None = optional("Has none of these.")


@strawberry.input(description="Whole numbers.")
class IntFilter:
    eq: int | None = optional("Is this.")
    ne: int | None = optional("Is not this, or is missing.")
    in_: list[int] | None = optional("Is one of these; nothing is one of none.", name="in")
    not_in: list[int] | None = optional("Is none of these, or is missing.")
    gt: int | None = optional("Is more than this.")
    gte: int | None = optional("Is this or more.")
    lt: int | None = optional("Is less than this.")
    lte: int | None = optional("Is this or less.")
    is_null: bool | None = optional("Is missing; with false, is there.")


@strawberry.input(description="Instants are compared as instants, not as text.")
class DateTimeFilter:
    eq: DateTime | None = optional("Is this instant.")
    gt: DateTime | None = optional("Is after it.")
    gte: DateTime | None = optional("Is this instant, or after it.")
    lt: DateTime | None = optional("Is before it.")
    lte: DateTime | None = optional("Is this instant, or before it.")
    within_last: Duration | None = optional("An ISO 8601 duration back from now: `P2D`, `PT6H`.")


@strawberry.input(description="Every field given must hold.")
class ArticleFilter:
    and_: list["ArticleFilter"] | None = optional("All of these hold.", name="and")
    or_: list["ArticleFilter"] | None = optional("At least one of these holds.", name="or")
    not_: "ArticleFilter | None" = optional("This does not hold.", name="not")
    slug: StringFilter | None = tests("slug", Compared.TEXT, "By slug.")
    title: StringFilter | None = tests("title", Compared.TEXT, "By headline.")
    category: StringFilter | None = tests("category", Compared.TEXT, "By category.")
    type: StringFilter | None = tests("type", Compared.TEXT, "By type.")
    topic: SetFilter | None = tests("topic_slugs", Compared.ITEMS, "By topic slug.")
    provider: StringFilter | None = tests("provider_domain", Compared.TEXT, "By provider domain.")
    published_date_time: DateTimeFilter | None = tests(
        "published_at", Compared.INSTANT, "By when it was published."
    )
    updated_at: DateTimeFilter | None = tests("updated_key", Compared.INSTANT, "By when its file changed.")
    quality: IntFilter | None = tests("quality", Compared.INTEGER, "By quality.")
    heat: IntFilter | None = tests("heat", Compared.INTEGER, "By heat.")
    published: bool | None = tests("published", Compared.COUNT, "Whether the public sees it.")
    has_image: bool | None = tests("has_image", Compared.COUNT, "Whether it has an image.")
    has_related: bool | None = tests("related_count", Compared.COUNT, "Whether it lists related coverage.")
    matches: str | None = tests("search", Compared.FULL_TEXT, "Full-text, with the syntax of `search`.")


@strawberry.input(description="Every field given must hold.")
class ProviderFilter:
    domain: StringFilter | None = tests("domain", Compared.TEXT, "By domain.")
    name: StringFilter | None = tests("name", Compared.TEXT, "By the name it goes by.")


ARTICLE_OPERANDS = operands_of(ArticleFilter)
PROVIDER_OPERANDS = operands_of(ProviderFilter)
