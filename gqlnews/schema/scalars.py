"""Custom scalars. They need no serializers, because the store returns values in their final form."""

from typing import NewType

import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

DateTime = NewType("DateTime", str)
URL = NewType("URL", str)
Duration = NewType("Duration", str)
JSON = NewType("JSON", object)


def read_text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a string is needed, and this is {value!r}")
    return value


SCALARS: dict[object, ScalarDefinition] = {
    DateTime: strawberry.scalar(
        name="DateTime",
        description=(
            "An instant in ISO 8601 / RFC 3339 format, in UTC with a `Z`, e.g. `2021-04-15T13:00:00Z`. "
            "Has fractional seconds only if the file does."
        ),
        parse_value=read_text,
    ),
    URL: strawberry.scalar(
        name="URL",
        description=(
            "A URL as given in the file, except that HTML entities such as `&amp;` are decoded, and relative "
            "URLs are resolved against the base URL if one is configured."
        ),
        parse_value=read_text,
    ),
    Duration: strawberry.scalar(
        name="Duration",
        description="An ISO 8601 duration in weeks, days, hours, minutes and seconds, e.g. `P2D` or `PT6H`.",
        parse_value=read_text,
    ),
    JSON: strawberry.scalar(name="JSON", description="Any JSON value."),
}

CONFIG = StrawberryConfig(scalar_map=SCALARS, enable_experimental_incremental_execution=True)
