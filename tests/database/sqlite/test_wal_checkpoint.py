"""The WAL is truncated when it is long and no reader needs it."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gqlnews.database.sqlite import wal_checkpoint
from gqlnews.database.sqlite.wal_checkpoint import WalCheckpointer


@pytest.fixture(autouse=True)
def a_short_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anything above this is long; nobody is waited for longer than a test takes."""
    monkeypatch.setattr(wal_checkpoint, "MAX_WAL_BYTES", 20_000)
    monkeypatch.setattr(wal_checkpoint, "WAIT_MS", 200)


@pytest.fixture
def reader(database: Path, db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(database, check_same_thread=False, isolation_level=None)) as connection:
        yield connection


def log_size(database: Path) -> int:
    return Path(f"{database}-wal").stat().st_size


def write(db: sqlite3.Connection, pages: int) -> None:
    db.execute("CREATE TABLE IF NOT EXISTS filler (text TEXT)")
    db.execute("INSERT INTO filler VALUES (?)", ("x" * 8192 * pages,))


def read(reader: sqlite3.Connection) -> None:
    """Open a read transaction on the present content."""
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM site").fetchone()


def test_a_long_wal_is_truncated(db: sqlite3.Connection, database: Path) -> None:
    write(db, 10)
    WalCheckpointer(database).after_commit(db)
    assert log_size(database) == 0


def test_a_short_wal_is_not_truncated(
    db: sqlite3.Connection, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal_checkpoint, "MAX_WAL_BYTES", 1 << 30)
    write(db, 10)
    before = log_size(database)
    WalCheckpointer(database).after_commit(db)
    assert log_size(database) == before


def test_a_database_without_a_wal_is_unchanged(db: sqlite3.Connection, tmp_path: Path) -> None:
    WalCheckpointer(tmp_path / "missing.db").after_commit(db)
    assert not db.in_transaction


def test_it_waits_for_a_reader_that_ends_soon(
    db: sqlite3.Connection, database: Path, reader: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal_checkpoint, "WAIT_MS", 10_000)
    write(db, 10)
    read(reader)
    write(db, 10)
    ending = threading.Timer(0.1, lambda: reader.execute("ROLLBACK"))
    ending.start()
    WalCheckpointer(database).after_commit(db)
    ending.join()
    assert log_size(database) == 0


def test_it_does_not_wait_for_a_long_reader_on_every_commit(
    db: sqlite3.Connection, database: Path, reader: sqlite3.Connection
) -> None:
    checkpoints = WalCheckpointer(database)
    write(db, 10)
    read(reader)
    write(db, 10)
    checkpoints.after_commit(db)
    reader.execute("ROLLBACK")
    checkpoints.after_commit(db)
    assert log_size(database) > 0


def test_a_failed_checkpoint_is_retried_later(
    db: sqlite3.Connection, database: Path, reader: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal_checkpoint, "RETRY_DELAY", 0.0)
    checkpoints = WalCheckpointer(database)
    write(db, 10)
    read(reader)
    write(db, 10)
    checkpoints.after_commit(db)
    reader.execute("ROLLBACK")
    checkpoints.after_commit(db)
    assert log_size(database) == 0


def test_the_busy_timeout_is_restored(db: sqlite3.Connection, database: Path) -> None:
    before = db.execute("PRAGMA busy_timeout").fetchone()
    write(db, 10)
    WalCheckpointer(database).after_commit(db)
    assert db.execute("PRAGMA busy_timeout").fetchone() == before
