"""The first ingest of a database, which uses a bulk-load mode."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gqlnews.content.models import ParseOptions
from gqlnews.database.sqlite.connection import connect_to_read
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.errors import ContentFolderError
from gqlnews.ingest.pipeline import ingest
from tests.ingest.conftest import RunIngest
from tests.ingest.folder import Folder


@pytest.fixture
def reader(database: Path, db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Another connection that has already read from the database."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("SELECT count(*) FROM article").fetchall()
        yield connection


def modes(db: sqlite3.Connection) -> tuple[str, int]:
    """Return (journal mode, whether foreign keys are enforced)."""
    (journal,), (keys,) = (
        db.execute(f"PRAGMA {name}").fetchone() for name in ("journal_mode", "foreign_keys")
    )
    return journal, keys


def counted(db: sqlite3.Connection) -> int:
    (count,) = db.execute("SELECT count(*) FROM article").fetchone()
    return int(count)


def test_after_a_bulk_load_wal_is_enabled(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.article("a.md")
    run_ingest()
    assert modes(db) == ("wal", 1)


def test_after_a_failed_bulk_load_wal_is_enabled(tmp_path: Path, db: sqlite3.Connection) -> None:
    with pytest.raises(ContentFolderError):
        ingest(db, tmp_path / "nowhere", ParseOptions())
    assert modes(db) == ("wal", 1)


def test_an_open_reader_sees_the_content_before_and_after(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, reader: sqlite3.Connection
) -> None:
    folder.article("a.md")
    seen: list[int] = []
    run_ingest(progress=lambda _done, _total: seen.append(counted(reader)))
    assert (set(seen), counted(reader), modes(db)) == ({0}, 1, ("wal", 1))


def test_a_reader_that_opens_during_a_bulk_load_sees_the_content_before_and_after(
    folder: Folder, run_ingest: RunIngest, database: Path
) -> None:
    folder.article("a.md")
    seen: list[int] = []

    def look(_done: int, _total: int) -> None:
        with closing(sqlite3.connect(database)) as other:
            seen.append(counted(other))

    run_ingest(progress=look)
    with closing(open_writer(database)) as other:
        assert (set(seen), counted(other)) == ({0}, 1)


KILLED = """
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA journal_mode = DELETE").fetchone()
db.execute("PRAGMA cache_size = 5")
db.execute("BEGIN IMMEDIATE")
db.executemany("INSERT INTO topic_use VALUES (?, ?, 1, 1)", [(str(n), "x" * 500) for n in range(5000)])
os._exit(9)
"""


def test_a_reader_can_open_the_database_after_a_killed_bulk_load(database: Path) -> None:
    """Pages are already in the file, and a rollback journal has their old content."""
    open_writer(database).close()
    subprocess.run([sys.executable, "-c", KILLED, str(database)], check=False, timeout=60)  # noqa: S603
    assert database.with_name(f"{database.name}-journal").stat().st_size > 0
    with closing(connect_to_read(database)) as connection:
        assert connection.execute("SELECT count(*) FROM topic_use").fetchone() == (0,)
