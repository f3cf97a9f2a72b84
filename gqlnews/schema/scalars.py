"""The scalars of the contract. Values come from the store as they are served: nothing is serialised here."""

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
            "An instant, ISO 8601 / RFC 3339 in UTC with a `Z`, e.g. `2021-04-15T13:00:00Z`. "
            "Sub-second digits only where the file has them."
        ),
        parse_value=read_text,
    ),
    URL: strawberry.scalar(
        name="URL",
        description=(
            "A URL. What the file HTML-escaped (`&amp;`) is unescaped, what is relative stands under the "
            "base URL where one is set; otherwise as the file gives it."
        ),
        parse_value=read_text,
    ),
    Duration: strawberry.scalar(
        name="Duration",
        description="An ISO 8601 duration without years and months, e.g. `P2D`, `PT6H`.",
        parse_value=read_text,
    ),
    JSON: strawberry.scalar(name="JSON", description="Any JSON value."),
}

CONFIG = StrawberryConfig(scalar_map=SCALARS, enable_experimental_incremental_execution=True)
