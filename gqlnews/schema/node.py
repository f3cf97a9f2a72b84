"""Global object identification and `PageInfo` (Relay), and the custom scalars."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, NewType

import orjson
import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from gqlnews.query.arguments import ResolvedArguments
from gqlnews.query.fields import ConnectionField
from gqlnews.schema.fields import column, field

# Global IDs consist of type and natural key, so they survive a rebuild of the store.


@strawberry.interface(description="An object with a globally unique ID (Relay global object identification).")
class Node:
    id: strawberry.ID = column(
        "node_id", description="Globally unique, opaque ID. Stays the same when the store is rebuilt."
    )


def node_argument(arguments: Mapping[str, Any]) -> ResolvedArguments:
    return _bind_refs([arguments["id"]])


def nodes_argument(arguments: Mapping[str, Any]) -> ResolvedArguments:
    return _bind_refs(arguments["ids"])


def _bind_refs(ids: list[str]) -> ResolvedArguments:
    """Bind `refs`, a JSON array of `[type, natural key]` (`["", ""]` for an invalid ID), and `limit`."""
    refs = orjson.dumps([_parse_id(text) for text in ids]).decode()
    return ResolvedArguments(values={"refs": refs, "limit": len(ids)})


def _parse_id(text: str) -> tuple[str, str]:
    try:
        decoded = base64.b64decode(text, validate=True)
        name, colon, key = decoded.decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    canonical = base64.b64encode(decoded).decode() == text
    # SQLite's JSON ends at a NUL, and PostgreSQL refuses it.
    return (name, key) if colon and canonical and "\0" not in name + key else ("", "")


@strawberry.type(description="Information about a page of a connection.")
class PageInfo:
    has_next_page: bool = field(
        ConnectionField.HAS_NEXT_PAGE,
        description="Whether there are items after this page. Exact for both paging directions.",
    )
    has_previous_page: bool = field(
        ConnectionField.HAS_PREVIOUS_PAGE,
        description="Whether there are items before this page. Exact for both paging directions.",
    )
    start_cursor: str | None = field(
        ConnectionField.START_CURSOR, description="The cursor of the first edge; null if the page is empty."
    )
    end_cursor: str | None = field(
        ConnectionField.END_CURSOR, description="The cursor of the last edge; null if the page is empty."
    )


# Custom scalars. They need no serializers, because the store returns values in their final form.

DateTime = NewType("DateTime", str)
URL = NewType("URL", str)
Duration = NewType("Duration", str)
JSON = NewType("JSON", object)


def parse_string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a string, got {value!r}")
    return value


SCALARS: dict[object, ScalarDefinition] = {
    DateTime: strawberry.scalar(
        name="DateTime",
        description=(
            "An instant in ISO 8601 / RFC 3339 format, in UTC with a `Z`, e.g. `2021-04-15T13:00:00Z`. "
            "Has fractional seconds only if the file does."
        ),
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        parse_value=parse_string,
    ),
    URL: strawberry.scalar(
        name="URL",
        description=(
            "A URL as given in the file, except that HTML entities such as `&amp;` are decoded, and relative "
            "URLs are resolved against the base URL if one is configured."
        ),
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3986",
        parse_value=parse_string,
    ),
    Duration: strawberry.scalar(
        name="Duration",
        description="An ISO 8601 duration in weeks, days, hours, minutes and seconds, e.g. `P2D` or `PT6H`.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#appendix-A",
        parse_value=parse_string,
    ),
    JSON: strawberry.scalar(
        name="JSON", description="Any JSON value.", specified_by_url="https://www.rfc-editor.org/rfc/rfc8259"
    ),
}

CONFIG = StrawberryConfig(scalar_map=SCALARS, enable_experimental_incremental_execution=True)
