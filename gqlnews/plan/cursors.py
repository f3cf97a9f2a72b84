"""Cursors: where an edge stands in its list, in a form that SQL can make and Python can check.

A cursor is the hex of the JSON array `[place, key, …]`. Hex and not base64, because SQLite has it built in:
a callback into Python for each edge would wait for the interpreter lock. `place` names the list and its
order, so a cursor of another list is refused.
"""

import json
import re

from gqlnews.errors import Code, RequestError

_HEX = re.compile(r"(?:[0-9a-f]{2})+")


def decode_cursor(cursor: str, place: str, keys: int, *, argument: str) -> list[str]:
    """The `keys` order values of a cursor made for `place`; refuses every other text."""
    values = _parse(cursor)
    if values is None:
        raise RequestError(
            Code.BAD_CURSOR, f"`{argument}` is no cursor: pass one that `pageInfo` or an edge gave."
        )
    if values[0] != place or len(values) != keys + 1:
        raise RequestError(
            Code.BAD_CURSOR, f"`{argument}` is a cursor of another list or order: pass one of this list's."
        )
    return values[1:]


def _parse(cursor: str) -> list[str] | None:
    if not _HEX.fullmatch(cursor):
        return None
    try:
        values = json.loads(bytes.fromhex(cursor))
    except (ValueError, RecursionError):
        return None
    if isinstance(values, list) and values and all(_is_text(value) for value in values):
        return values
    return None


def _is_text(value: object) -> bool:
    """Whether it is a string that SQLite can hold: JSON can spell half a character, `\\ud800`."""
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)
