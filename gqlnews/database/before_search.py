"""Temporary full-text index of articles as they were before changes, in one SQLite connection."""

import sqlite3
from collections.abc import Sequence

from gqlnews.columns import TEXT_COLUMNS, TOKENIZER

# ruff: noqa: S608 - these statements are built from constants only

BEFORE_SEARCH = "before_search"
"""Name of the index, which is in the statements that search it. Its rowids are ids of `article_before`."""

_CREATE = (
    f"CREATE VIRTUAL TABLE temp.{BEFORE_SEARCH} USING fts5 ({TEXT_COLUMNS}, content = '',"
    f" tokenize = '{TOKENIZER}')"
)
_CLEAR = f"INSERT INTO temp.{BEFORE_SEARCH} ({BEFORE_SEARCH}) VALUES ('delete-all')"
INSERT_INTO = f"INSERT INTO temp.{BEFORE_SEARCH} (rowid, {TEXT_COLUMNS})"
_INSERT = f"{INSERT_INTO} VALUES (?, ?, ?, ?, ?, ?, ?)"


def create_index(db: sqlite3.Connection) -> None:
    """Create the empty index on this connection, which must not be in a transaction."""
    db.execute(_CREATE)


def clear_index(db: sqlite3.Connection) -> None:
    db.execute(_CLEAR)


def insert_texts(db: sqlite3.Connection, image: int, texts: Sequence[str | None]) -> None:
    """Index the texts of a before-image, in the order of the columns."""
    db.execute(_INSERT, (image, *texts))
