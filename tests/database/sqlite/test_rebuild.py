"""Locks and permissions when a new store replaces the old one."""

import fcntl
import logging
import os
import shutil
import sqlite3
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from gqlnews.content.models import ParseOptions
from gqlnews.database.sqlite.connection import connect_to_read
from gqlnews.database.sqlite.damage import DamageReport, damaged_error, get_identity
from gqlnews.database.sqlite.leader_lock import acquire_leadership, acquire_lock, leader_lock_path
from gqlnews.database.sqlite.rebuild import hold_swap_lock, rebuild, rebuilt_path, swap_lock_path
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.errors import LockedDatabaseError, StorageError
from gqlnews.ingest.watch_ingest import FailureReporter, WatchIngestOptions, _IngestSession

SOON = 20.0  # seconds
NOBODY = 65534


@pytest.fixture
def store(database: Path) -> Path:
    open_writer(database).close()
    return database


def ends(work: Callable[[], object]) -> bool:
    """Whether `work` returns within SOON; otherwise its thread is abandoned."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(SOON)
    return not thread.is_alive()


def test_an_interrupted_swap_does_not_block_users_of_the_database(store: Path) -> None:
    def nested() -> None:
        with hold_swap_lock(store):
            shutil.copy(store, rebuilt_path(store))
            with hold_swap_lock(store):
                connect_to_read(store, 0.0).close()

    assert ends(nested)
    connect_to_read(store).close()
    assert not rebuilt_path(store).exists()


def test_a_connection_that_may_not_wait_does_not_wait_for_a_swap(store: Path) -> None:
    def connect() -> None:
        with pytest.raises(LockedDatabaseError):
            connect_to_read(store, 0.0)
        tried.append(store)

    tried: list[Path] = []
    swap = acquire_lock(swap_lock_path(store), fcntl.LOCK_EX)
    try:
        assert ends(connect)
        assert tried
    finally:
        os.close(swap)


def test_a_damaged_new_file_is_an_error_that_names_the_database(store: Path) -> None:
    def fill(db: sqlite3.Connection) -> None:
        raise damaged_error(f"{store}-building", "malformed")

    with pytest.raises(StorageError, match=r"store\.db cannot be rebuilt \(malformed\): check its disk"):
        rebuild(store, fill)


def log(message: str, level: int = logging.INFO, **fields: object) -> None:
    """Log that drops everything."""


def test_a_rebuild_with_a_damaged_new_file_is_not_repeated_immediately(store: Path, tmp_path: Path) -> None:
    tries = list[Path]()

    def fill(db: sqlite3.Connection) -> None:
        tries.append(store)
        raise damaged_error(store, "malformed")

    watcher = _IngestSession(
        WatchIngestOptions(tmp_path, store, ParseOptions(), 1, False, log, fill), FailureReporter(log, store)
    )
    identity = get_identity(store)
    assert identity is not None
    watcher._damage = DamageReport(identity, "malformed")
    with pytest.raises(StorageError):
        watcher._rebuild_if_damaged()
    watcher._rebuild_if_damaged()
    assert len(tries) == 1


def test_a_rebuild_preserves_permissions(store: Path) -> None:
    store.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(store, NOBODY, NOBODY)
    before = store.stat()
    rebuild(store, lambda db: None)
    after = store.stat()
    assert stat.S_IMODE(after.st_mode) == 0o640
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that every user may write to, even if tests run as root."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


@contextmanager
def another_user() -> Iterator[None]:
    """Run as a user who owns nothing if this process is root, and else unchanged."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_lock_files_of_another_user_work(shared: Path) -> None:
    database = shared / "store.db"
    with closing(open_writer(database)):
        pass
    for path in (swap_lock_path(database), leader_lock_path(database)):
        path.touch()
        path.chmod(0o444)
    with another_user():
        with pytest.raises(PermissionError):
            swap_lock_path(database).open("r+b")
        with hold_swap_lock(database), pytest.raises(BlockingIOError):
            acquire_lock(swap_lock_path(database), fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(acquire_leadership(database))
