"""The history of changes in a SQLite store.

No transaction is open between two pages, so that checkpoints can reset the write-ahead log.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gqlnews.database.change_history import StoreState
from gqlnews.database.protocol import RequiredVersion
from gqlnews.database.sqlite.connection import connect_to_read, read_transaction
from gqlnews.database.sqlite.damage import get_identity, translate_errors
from gqlnews.database.sqlite.migrations import newest_version
from gqlnews.database.sqlite.writer import check_header
from gqlnews.errors import DatabaseError

CACHE_KIB = 8 * 1024  # each row is read once

_STATE = """
SELECT substr(version, 1, instr(version, '-')), number, max(forgotten, images_pruned),
    (SELECT max(number) FROM site WHERE audience IN (:scope, 2 * :scope)), custom_fields
FROM site, store WHERE audience = :scope
"""


class SqliteHistory:
    """The store at a path, and the file that replaces it there."""

    def __init__(self, path: Path) -> None:
        self.label = f"database {path}"
        self._path = path
        self._identity, self._db = get_identity(path), _connect(path)

    def close(self) -> None:
        self._db.close()

    def follow(self) -> bool:
        identity = get_identity(self._path)
        if identity == self._identity:
            return False
        self._db.close()
        self._identity, self._db = identity, _connect(self._path)
        return True

    def marker(self) -> object:
        with translate_errors(self._path):
            return self._db.execute("PRAGMA data_version").fetchone()

    @contextmanager
    def transaction(self, required: RequiredVersion | None) -> Iterator[None]:
        with translate_errors(self._path), read_transaction(self._db):
            if check_header(self._db, self._path, newest_version()) == 0:
                raise _no_content(self._path)
            yield

    def read_state(self, scope: int) -> StoreState:
        return StoreState(*self._db.execute(_STATE, {"scope": scope}).fetchone())

    def execute(self, sql: str, bound: Mapping[str, object]) -> Iterable[Sequence[Any]]:
        return self._db.execute(sql, bound)


def _connect(path: Path) -> sqlite3.Connection:
    if not path.exists():  # opening it would leave a lock file there
        raise _no_content(path)
    db = connect_to_read(path)
    db.execute("PRAGMA mmap_size = 0").fetchall()  # no SIGBUS if the file is truncated
    db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    db.text_factory = str
    return db


def _no_content(path: Path) -> DatabaseError:
    state = "has no content" if path.exists() else "does not exist"
    return DatabaseError(f"database {path} {state}: run `gqlnews ingest FOLDER --db {path}`")
