"""Create snippets and match texts with SQLite's FTS5, for texts that PostgreSQL selected.

PostgreSQL returns, in place of a snippet, a JSON string of a random mark and a JSON array: the query as
`search_query.encode` wrote it, and the texts of `search_all_source`. `fill` replaces these strings. All texts
of a query are in one in-memory index, since FTS5 prepares the query again for each statement.

Where FTS5 loses instances (search_function.py), snippets of SQLite's whole index do not mark them; these do,
because all texts match.
"""

import json
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing

from gqlnews.columns import TEXT_COLUMNS, TOKENIZER

# ruff: noqa: S608 - these statements are built from constants only

SNIPPET_TOKENS = 24

_COLUMN_COUNT = len(TEXT_COLUMNS.split(", "))
_CREATE = f"CREATE VIRTUAL TABLE texts USING fts5 ({TEXT_COLUMNS}, tokenize = '{TOKENIZER}')"
_INSERT = f"INSERT INTO texts (rowid, {TEXT_COLUMNS}) VALUES ({', '.join('?' * (_COLUMN_COUNT + 1))})"
_MATCHING = "SELECT rowid FROM texts WHERE texts MATCH ?"

# The same expression as in gqlnews/query/sql/fts.py. U+E000 separates list items.
_SNIPPET = f"snippet(texts, -1, char(2), char(3), '…', {SNIPPET_TOKENS})"
for _raw, _safe in (
    ("'&'", "'&amp;'"),
    ("'<'", "'&lt;'"),
    ("'>'", "'&gt;'"),
    ("'\"'", "'&quot;'"),
    ("''''", "'&#39;'"),
    ("char(57344)", "'·'"),
    ("char(2)", "'<mark>'"),
    ("char(3)", "'</mark>'"),
):
    _SNIPPET = f"replace({_SNIPPET}, {_raw}, {_safe})"
_SNIPPETS = f"SELECT rowid, json_quote({_SNIPPET}) FROM texts WHERE texts MATCH ?"  # as SQLite escapes JSON

Texts = Sequence[str | None]
"""Texts of an article in the order of TEXT_COLUMNS."""


def fill(result: bytes, mark: bytes) -> bytes:
    """Replace the JSON strings that begin with `mark` by snippets, or by null where nothing matches."""
    if mark not in result:
        return result
    pattern = re.compile(rb'"' + re.escape(mark) + rb'([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL)
    strings = pattern.findall(result)
    requested: dict[str, dict[int, Texts]] = {}
    for number, string in enumerate(strings):
        query, *texts = json.loads(json.loads(b'"' + string + b'"'))
        requested.setdefault(json.loads(query)["fts5"], {})[number] = texts
    snippets: dict[int, bytes] = {}
    for expression, rows in requested.items():
        snippets.update(_snippets(rows, expression))
    numbers = iter(range(len(strings)))
    return pattern.sub(lambda _: snippets.get(next(numbers), b"null"), result)


def matching(texts: Mapping[int, Texts], expression: str) -> set[int]:
    """Return the keys of the texts that match a full-text expression."""
    with closing(_index(texts.items())) as db:
        return {number for (number,) in db.execute(_MATCHING, (expression,))}


def _snippets(texts: Mapping[int, Texts], expression: str) -> dict[int, bytes]:
    """Return the snippets as JSON."""
    with closing(_index(texts.items())) as db:
        return {number: snippet.encode() for number, snippet in db.execute(_SNIPPETS, (expression,))}


def _index(rows: Iterable[tuple[int, Texts]]) -> sqlite3.Connection:
    db = sqlite3.connect(":memory:")
    db.execute(_CREATE)
    db.executemany(_INSERT, ((number, *texts) for number, texts in rows))
    return db
