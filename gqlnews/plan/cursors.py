"""Cursors: where an edge stands in its list, in a form that SQL can make and Python can check.

A cursor is the hex of the JSON array `[place, key, …]`. Hex and not base64, because SQLite has it built in:
a callback into Python for each edge would wait for the interpreter lock. `place` names the list and its
order (`Topic.articles`, whatever the topic), so a cursor of another field or order is refused.
"""

import json
import re
from collections.abc import Sequence

from gqlnews.errors import Code, RequestError
from gqlnews.plan.declare import OrderTerm

Key = str | int

_HEX = re.compile(r"(?:[0-9a-f]{2})+")
_MOST = 2**63  # what SQLite's integers end before


def decode_cursor(cursor: str, place: str, terms: Sequence[OrderTerm], *, argument: str) -> list[Key]:
    """The keys of a cursor made for `place`, one for each term of the order; refuses every other text."""
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
    """Whether SQLite can hold it: JSON can spell larger integers, and half a character, `\\ud800`."""
    if isinstance(value, str):
        return not any("\ud800" <= character <= "\udfff" for character in value)
    return isinstance(value, int) and not isinstance(value, bool) and -_MOST <= value < _MOST
