"""Writer connection: open, create and migrate the database. Readers are opened in `connection.py`.

Opening a writer takes these steps:

1. Check the header. A file that is not a database, or is another application's, is rejected untouched.
2. Set the page size of an empty file, then switch to write-ahead logging.
3. Run each missing migration in its own transaction, which also sets the version in the header. So if the
   process is killed in between, the next one continues with the migrations that are left. Consumers of the
   outbox have to start from a copy.
4. Create the covering indexes (columns.py) again that contain other columns than declared, and add the
   columns of custom fields to tables that lack them.
"""

import re
import secrets
import sqlite3
import time
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from gqlnews.columns import index_statements
from gqlnews.custom_fields import (
    COLUMN_PREFIX,
    CustomField,
    decode_fields,
    encode_fields,
    field_columns,
    indexed_columns,
    item_views,
)
from gqlnews.database.sqlite.damage import APPLICATION_ID, delete_report, translate_errors
from gqlnews.database.sqlite.migrations import migrations, statements
from gqlnews.database.sqlite.read_only import is_read_only
from gqlnews.errors import DatabaseError, NewerDatabaseError, UnknownDatabaseError
from gqlnews.text_keys import casefold_key, escape_list_item, log2_heat, path_of, related_id
from gqlnews.timestamps import to_epoch_seconds

PAGE_BYTES = 8192  # most article rows fit a page
CACHE_KIB = 8 * 1024  # a larger cache is no faster, and a sort uses the same amount again
BUSY_TIMEOUT = 5.0
_RETRY_DELAY = 0.01  # seconds

_TABLES_WITH_FIELDS = ("article", "article_before")  # they have the columns of custom fields

# In one statement, because another process may be creating the database right now.
_HEADER = (
    "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master)"
    " FROM pragma_application_id, pragma_user_version"
)

RESET_OUTBOX = (
    "UPDATE outbox SET sequence = sequence + 1, token = lower(hex(randomblob(8)))",
    "UPDATE outbox_consumer SET sequence = NULL, token = NULL",
    "DELETE FROM outbox_page",
    "DELETE FROM outbox_batch",
)
"""Make all consumers of the outbox (outbox.py) start from a copy of the store."""

Migrations = Sequence[tuple[int, str]]


def open_writer(
    path: Path, *, busy_timeout: float = BUSY_TIMEOUT, known_migrations: Migrations | None = None
) -> sqlite3.Connection:
    """Open the writer connection to the database at `path`; create or migrate it if necessary.

    The connection is in autocommit mode: callers run BEGIN themselves. `busy_timeout` is the busy timeout in
    seconds, `known_migrations` the migrations, by default those of this program. Raises DatabaseError or a
    subclass.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        advice = "choose another path with --db"
        raise DatabaseError(f"database {path} cannot be created, {error.strerror}: {advice}") from error
    if path.exists() and is_read_only(path):
        raise DatabaseError(
            f"database {path} is on a read-only file system, so it cannot be updated: choose another path "
            "with --db, or serve it as it is with `gqlnews serve --no-watch`"
        )
    with translate_errors(path, opening=True):
        db = sqlite3.connect(path, timeout=busy_timeout, isolation_level=None)
        try:
            _prepare(db, path, migrations() if known_migrations is None else known_migrations, busy_timeout)
            if known_migrations is None:
                _reconcile_schema(db)
        except BaseException:
            db.close()
            raise
    return db


def check_header(db: sqlite3.Connection, path: Path, newest: int) -> int:
    """Return the schema version of the database, 0 for an empty file.

    Raises UnknownDatabaseError for another application's file, NewerDatabaseError for a newer version.
    """
    application, version, tables = db.execute(_HEADER).fetchone()
    if application != APPLICATION_ID and (application, version, tables) != (0, 0, 0):
        raise UnknownDatabaseError(
            f"database {path} belongs to another application: choose another file with --db"
        )
    if version > newest:
        raise NewerDatabaseError(
            f"database {path} was created by a newer gqlnews (its version is {version}, this program knows "
            f"{newest}): update gqlnews, or choose another file with --db"
        )
    return int(version)


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Write transaction: commit at the end of the block, roll back if it raises."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # SQLite rolls back by itself if, for example, the disk is full
            db.execute("ROLLBACK")
        raise


def enable_wal(db: sqlite3.Connection, busy_timeout: float) -> str:
    """Switch to write-ahead logging; return the resulting journal mode.

    The busy timeout does not apply to this statement, and two processes may create a database at the same
    time: hence the retry loop.
    """
    deadline = time.monotonic() + busy_timeout
    while True:
        try:
            return str(db.execute("PRAGMA journal_mode = WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_DELAY)


def fetch_int(db: sqlite3.Connection, sql: str) -> int:
    """Return the one integer that `sql` selects."""
    (value,) = db.execute(sql).fetchone()
    return int(value)


def database_path(db: sqlite3.Connection) -> str:
    """Return the path of the database without accessing the file, which may not be readable."""
    _, _, path = db.execute("PRAGMA database_list").fetchone()
    return str(path)


def execute_all(db: sqlite3.Connection, statements: Iterable[str]) -> None:
    """Execute the statements, which have no parameters, in order."""
    for statement in statements:
        db.execute(statement)


def _prepare(db: sqlite3.Connection, path: Path, known_migrations: Migrations, busy_timeout: float) -> None:
    newest = max(version for version, _ in known_migrations)
    version = check_header(db, path, newest)
    if version == 0:
        db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    mode = enable_wal(db, busy_timeout)
    if mode != "wal":
        raise DatabaseError(
            f"database {path} cannot use write-ahead logging (journal mode {mode}): move it to a local disk"
        )
    db.execute("PRAGMA synchronous = NORMAL")  # only a power failure or OS crash loses commits, the last
    db.execute("PRAGMA foreign_keys = ON")
    db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    for name, function in _FUNCTIONS.items():
        db.create_function(name, 1, function, deterministic=True)
    for number, script in known_migrations:
        if number > version:
            _migrate(db, number, script)
    if version == 0:
        delete_report(path)


def _migrate(db: sqlite3.Connection, number: int, script: str) -> None:
    """Run one migration, unless another process has run it already."""
    with transaction(db):
        if fetch_int(db, "PRAGMA user_version") >= number:
            return
        execute_all(db, statements(script))
        if number == 1:
            _init_store(db)
        if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'outbox'").fetchone():
            execute_all(db, RESET_OUTBOX)  # no batch contains what a migration changes
        db.execute(f"PRAGMA user_version = {number}")


def stored_fields(db: sqlite3.Connection) -> tuple[CustomField, ...]:
    """Return the custom fields of the last ingest."""
    (text,) = db.execute("SELECT custom_fields FROM store").fetchone()
    return decode_fields(text)


def declare_fields(db: sqlite3.Connection, fields: Sequence[CustomField]) -> bool:
    """Add what custom fields need, in the current transaction; return whether the fields differ from before.

    A column stays when its field goes, because running servers may still read it; its values do not.
    """
    text = encode_fields(fields)
    if db.execute("SELECT custom_fields FROM store").fetchone() == (text,):
        return False
    for table in _TABLES_WITH_FIELDS:
        _add_field_columns(db, table, fields)
        _clear_undeclared_columns(db, table, fields)
    views = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'view'")}
    execute_all(db, (statement for name, statement in item_views(fields) if name not in views))
    db.execute("UPDATE store SET custom_fields = ?", (text,))
    _create_indexes(db)
    return True


def _add_field_columns(db: sqlite3.Connection, table: str, fields: Sequence[CustomField]) -> None:
    for name, sql_type in _missing_columns(db, table, fields).items():
        db.execute(f"ALTER TABLE {table} ADD COLUMN {name} {sql_type}")


def _clear_undeclared_columns(db: sqlite3.Connection, table: str, fields: Sequence[CustomField]) -> None:
    """Set the columns of fields that are gone to null: declared again, they have no value from before."""
    declared = field_columns(fields)
    for name in _column_names(db, table):
        if name.startswith(COLUMN_PREFIX) and name not in declared:
            db.execute(f"UPDATE {table} SET {name} = NULL WHERE {name} IS NOT NULL")  # noqa: S608


def _column_names(db: sqlite3.Connection, table: str) -> set[str]:
    return {name for (name,) in db.execute("SELECT name FROM pragma_table_info(?)", (table,))}


def _missing_columns(db: sqlite3.Connection, table: str, fields: Sequence[CustomField]) -> Mapping[str, str]:
    existing = _column_names(db, table)
    return {name: type_ for name, type_ in field_columns(fields).items() if name not in existing}


def _reconcile_schema(db: sqlite3.Connection) -> None:
    """Create the covering indexes again that differ from the table of columns, and missing columns."""
    fields = stored_fields(db)
    if _outdated_indexes(db) or any(_missing_columns(db, table, fields) for table in _TABLES_WITH_FIELDS):
        with transaction(db):
            for table in _TABLES_WITH_FIELDS:
                _add_field_columns(db, table, fields)
            _create_indexes(db)


def _create_indexes(db: sqlite3.Connection) -> None:
    for name, statement in _outdated_indexes(db).items():
        db.execute(f"DROP INDEX IF EXISTS {name}")
        db.execute(statement)


def _outdated_indexes(db: sqlite3.Connection) -> dict[str, str]:
    expected = index_statements(indexed_columns(stored_fields(db)))
    stored = dict(db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index'"))
    return {name: sql for name, sql in expected.items() if stored.get(name) != sql}


def _init_store(db: sqlite3.Connection) -> None:
    epoch = secrets.token_hex(6)  # the column `line` of `store`
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute("INSERT INTO store (id, line, last_version, fingerprint) VALUES (1, ?, 0, '')", (epoch,))
    db.executemany(
        "INSERT INTO site (audience, version, article_count, provider_count, topic_count)"
        " VALUES (?, ?, 0, 0, 0)",
        [(audience, f"{epoch}-0") for audience in (0, 1, 2)],
    )


# Tokenizer that splits and folds words like the full-text index, without access to the index.


MIN_WORD_LENGTH = 4
"""Minimum length; shorter words say little about a text's subject."""

_MARKS = re.compile("[\u0300-\u0331]")
_WORD = re.compile(rf"\w[\w\u0300-\u0331]{{{MIN_WORD_LENGTH - 1},}}")
_ASCII_WORD = re.compile(rf"[a-z0-9]{{{MIN_WORD_LENGTH},}}")


def tokenize(text: str) -> str:
    """Return the distinct words of `text` with 4 or more characters as a JSON array, folded as in the index.

    For scripts that SQLite folds differently from Python, a word may not match the index.
    """
    if text.isascii():
        return msgspec.json.encode(sorted(set(_ASCII_WORD.findall(text.lower())))).decode()
    words = set(_WORD.findall(text.lower().replace("_", " ")))
    folded = {word if word.isascii() else _folded(word) for word in words}
    return msgspec.json.encode(sorted(word for word in folded if len(word) >= MIN_WORD_LENGTH)).decode()


def _folded(word: str) -> str:
    return "".join(map(_folded_letter, _MARKS.sub("", word)))


@cache
def _folded_letter(letter: str) -> str:
    """Fold a letter to lower case; remove accents from Latin letters."""
    base = unicodedata.normalize("NFD", letter)[0]
    if base.isascii():
        return base.lower()
    folded = letter.casefold()
    return folded if len(folded) == 1 else letter.lower()


def _compress_text(text: str) -> bytes:
    return zlib.compress(text.encode(), level=1)  # it is decompressed in before_texts.py


# SQL functions of the writer. Migrations, which never change, call them by these names.
_FUNCTIONS: Mapping[str, Callable[[Any], str | bytes | float | None]] = {
    "folded": casefold_key,
    "as_item": escape_list_item,
    "heat_log_of": log2_heat,
    "seconds_of": to_epoch_seconds,
    "words_of": tokenize,
    "related_id_of": related_id,
    "path_of": path_of,
    "compress_text": _compress_text,
}
