"""Combine the statements of a request into one SELECT, whose answer names the versions it was read from.

    SELECT versions, fits, CASE WHEN fits THEN v0 END, CASE WHEN fits THEN v1 END
    FROM (SELECT v0, v1, versions, coalesce(octet_length(v0), 0) + … <= 67108864 AS fits
        FROM (SELECT (SELECT …) AS versions, convert_to((SELECT …$1…)::text, 'UTF8') AS v0,
            convert_to((SELECT …$2…)::text, 'UTF8') AS v1 OFFSET 0) AS answer
        OFFSET 0) AS sized

`OFFSET 0` keeps PostgreSQL from computing the values twice. The driver does not decode bytes. The
versions come first, so that `site` is locked before other tables (replacement.py).
"""

import asyncio
import re
from collections.abc import Sequence
from functools import lru_cache

from gqlnews.database.protocol import Statements
from gqlnews.text_keys import SNIPPET_MARK, SearchExpression

# ruff: noqa: S608 - combined of statements, whose values are parameters

CACHED_TEXTS = 512

MAX_INLINE_BYTES = 65_536
"""Size of values up to which snippets are made on the event loop."""

VERSIONS = "SELECT string_agg(version, ' ' ORDER BY audience) FROM site"
"""SQL of the versions of all audiences, with spaces in between."""

FIRST_VALUE = 2
"""Column of the first statement's value, after the versions, and whether the values are within the limit."""

_MARK = SNIPPET_MARK.encode()
# A parameter, or a string or name that may contain the same characters.
_TOKEN = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|\$([0-9]+)")
_NOT_STORED = re.compile("[\0\ud800-\udfff]")


def combine(statements: Statements, max_bytes: int) -> tuple[str, list[object]]:
    """Return the SELECT and its parameters. `max_bytes` limits all values together, 0 does not."""
    counts = tuple(len(parameters) for _, parameters in statements)
    text = _combine(tuple(sql for sql, _ in statements), counts, max_bytes)
    return text, [encode_parameter(value) for _, some in statements for value in some]


def select_versions() -> tuple[str, list[object]]:
    """Return a SELECT of only the versions, and its parameters."""
    return combine((("SELECT 1", ()),), 0)


@lru_cache(CACHED_TEXTS)
def _combine(texts: tuple[str, ...], counts: tuple[int, ...], max_bytes: int) -> str:
    names, values, offset = [], [], 0
    for number, (text, count) in enumerate(zip(texts, counts, strict=True)):
        names.append(f"v{number}")
        values.append(f"convert_to(({renumber(text, offset)})::text, 'UTF8') AS v{number}")
        offset += count
    size = " + ".join(f"coalesce(octet_length({name}), 0)" for name in names)
    fits = f"{size} <= {max_bytes}" if max_bytes else "true"
    shown = ", ".join(f"CASE WHEN fits THEN {name} END" for name in names)
    return (
        f"SELECT versions, fits, {shown} FROM (SELECT *, {fits} AS fits FROM "
        f"(SELECT ({VERSIONS}) AS versions, {', '.join(values)} OFFSET 0) AS answer OFFSET 0) AS sized"
    )


def renumber(text: str, offset: int) -> str:
    """Add `offset` to the numbers of the parameters."""
    if offset == 0:
        return text
    return _TOKEN.sub(lambda found: f"${int(found[1]) + offset}" if found[1] else found[0], text)


def encode_parameter(value: object) -> object:
    """Return the value as the driver takes it.

    PostgreSQL refuses NUL and lone surrogates, so no stored text has them: they become a text that no content
    has either.
    """
    if isinstance(value, SearchExpression):
        # Imported only if there is a search, as it compiles a tokenizer.
        from gqlnews.database.postgresql.search_query import encode

        return encode(_NOT_STORED.sub(SNIPPET_MARK, value))
    return _NOT_STORED.sub(SNIPPET_MARK, value) if isinstance(value, str) else value


def has_snippets(values: Sequence[bytes | None]) -> bool:
    """Return whether `fill_snippets` would replace something."""
    return any(value is not None and _MARK in value for value in values)


async def fill_snippets(values: Sequence[bytes | None]) -> list[bytes | None]:
    """Replace what stands for snippets in the values; in a thread if these are large."""
    size = sum(len(value) for value in values if value is not None and _MARK in value)
    return await asyncio.to_thread(_fill_all, values) if size > MAX_INLINE_BYTES else _fill_all(values)


def _fill_all(values: Sequence[bytes | None]) -> list[bytes | None]:
    return [_fill(value) if value is not None and _MARK in value else value for value in values]


def _fill(value: bytes) -> bytes:
    # Imported only if there is a snippet, as it opens a full-text index in memory.
    from gqlnews.database.postgresql.snippets import fill

    filled: bytes = fill(value, _MARK)
    return filled
