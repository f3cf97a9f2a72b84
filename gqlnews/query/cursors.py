"""Keyset pagination cursors, encoded in SQL and validated in Python.

A cursor is the hex encoding of the JSON array `[place, key, …]`. It is hex and not base64 because `hex()` is
built into SQLite: a Python callback per edge would contend for the GIL. `place` is the scope of the cursor,
the list and its order (`Topic.articles` for every topic), so cursors of another field or order are rejected.
"""

import json
import re
from collections.abc import Sequence

from gqlnews.errors import Code, RequestError
from gqlnews.query.fields import OrderTerm

Key = str | int

_HEX = re.compile(r"(?:[0-9a-f]{2})+")
_MOST = 2**63  # exclusive upper bound of SQLite's integers


def decode_cursor(cursor: str, place: str, terms: Sequence[OrderTerm], *, argument: str) -> list[Key]:
    """Decode a cursor issued for `place` into one key per order term; raises RequestError for other text."""
    values = _parse(cursor)
    if values is None:
        raise bad_cursor(argument)
    if values[0] != place or len(values) != len(terms) + 1:
        raise RequestError(
            Code.BAD_CURSOR, f"`{argument}` is a cursor of another list or order: pass one of this list's."
        )
    keys = values[1:]
    if any(isinstance(key, int) is not term.number for key, term in zip(keys, terms, strict=True)):
        raise bad_cursor(argument)
    return keys


def bad_cursor(argument: str) -> RequestError:
    return RequestError(
        Code.BAD_CURSOR, f"`{argument}` is no cursor: pass one that `pageInfo` or an edge gave."
    )


def _parse(cursor: str) -> list[Key] | None:
    if not _HEX.fullmatch(cursor):
        return None
    try:
        values = json.loads(bytes.fromhex(cursor))
    except (ValueError, RecursionError):
        return None
    if isinstance(values, list) and values and all(_is_key(value) for value in values):
        return values
    return None


def _is_key(value: object) -> bool:
    """Whether SQLite can store the value: JSON allows larger integers and lone surrogates (`\\ud800`)."""
    if isinstance(value, str):
        return not any("\ud800" <= character <= "\udfff" for character in value)
    return isinstance(value, int) and not isinstance(value, bool) and -_MOST <= value < _MOST
