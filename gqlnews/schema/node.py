"""Relay global object identification, with IDs of type and natural key that survive a store rebuild."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import orjson
import strawberry

from gqlnews.query.arguments import ResolvedArguments
from gqlnews.schema.fields import column


@strawberry.interface(description="An object with a globally unique ID (Relay global object identification).")
class Node:
    id: strawberry.ID = column(
        "node_id", description="Globally unique, opaque ID. Stays the same when the store is rebuilt."
    )


def node_argument(arguments: Mapping[str, Any]) -> ResolvedArguments:
    return _refs([arguments["id"]])


def nodes_argument(arguments: Mapping[str, Any]) -> ResolvedArguments:
    return _refs(arguments["ids"])


def _refs(ids: list[str]) -> ResolvedArguments:
    """Bind `refs`, a JSON array of `[type, natural key]` (`["", ""]` for an invalid ID), and `limit`."""
    refs = orjson.dumps([_read_id(text) for text in ids]).decode()
    return ResolvedArguments(values={"refs": refs, "limit": len(ids)})


def _read_id(text: str) -> tuple[str, str]:
    try:
        decoded = base64.b64decode(text, validate=True)
        name, colon, key = decoded.decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    canonical = base64.b64encode(decoded).decode() == text
    return (name, key) if colon and canonical and "\0" not in key else ("", "")  # SQLite's JSON ends at a NUL
