"""Build a new store beside the old one, and swap it in.

1. A lock ensures that one process at a time rebuilds a database.
2. The new store is filled under another name, closed, and synced to disk.
3. It is renamed to `news.db-rebuilt`. This commits the swap: if this process is killed, the next process that
   opens the database completes it.
4. The files beside the old database (`-wal`, `-shm`, `-journal`) are deleted. SQLite finds them by name only,
   and would apply their content to the new database.
5. The new database is renamed over the old one. Processes that have the old one open continue to read it, and
   servers open the new one within half a second (database_handle.py).

Between 4 and 5 no process may open the database, because that would create such files again. So every
connection is opened under a shared lock, and an ingest runs under it, since SQLite also deletes these files
by name when a writer closes. The swap holds the lock exclusively. Open readers need no lock: they delete no
files.
"""

import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from sqlite3 import Connection
from typing import TypeVar

from gqlnews.database.sqlite.damage import Identity, get_identity, has_gqlnews_header, report_path
from gqlnews.database.sqlite.leader_lock import acquire_lock
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.errors import DamagedDatabaseError, LockedDatabaseError, StorageError

SIDE_FILES = ("-wal", "-shm", "-journal")
_HEADER_BYTES = 100

T = TypeVar("T")


def swap_lock_path(database: Path) -> Path:
    """Path of the lock: `news.db-swap` for `news.db`."""
    return _beside(database, "swap")


def rebuilt_path(database: Path) -> Path:
    """Path of a new store that is complete."""
    return _beside(database, "rebuilt")


@contextmanager
def hold_swap_lock(database: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the shared swap lock, so that the file at this path is not replaced while the block runs.

    If the lock file cannot be opened, for lack of permission for example, the block runs without a lock.
    During a swap this waits for its end or, without `wait`, raises LockedDatabaseError. It first completes an
    interrupted swap, unless the lock is held, even by this thread: then a later call completes it.
    """
    if rebuilt_path(database).exists():
        with suppress(OSError):
            _complete_swap(database, fcntl.LOCK_NB)
    try:
        lock = acquire_lock(swap_lock_path(database), fcntl.LOCK_SH | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError as error:
        raise LockedDatabaseError(f"database {database} is being replaced by a new one: try again") from error
    except OSError:
        yield
        return
    try:
        yield
    finally:
        os.close(lock)


def rebuild(database: Path, fill: Callable[[Connection], T], replaces: Identity | None = None) -> T | None:
    """Swap in a new store filled by `fill`; return the result of `fill`.

    Returns None if another process has already replaced the file `replaces`. Raises DatabaseError,
    StorageError also if the new file is damaged, and what `fill` raises; the old store is unchanged then. The
    caller must check that the old file is a gqlnews database.
    """
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        lock = acquire_lock(_beside(database, "rebuild"), fcntl.LOCK_EX)
        try:
            if replaces is not None and get_identity(database) != replaces:
                return None
            result = _build(database, fill)
            _complete_swap(database)
        finally:
            os.close(lock)
    except DamagedDatabaseError as error:  # of the new file
        raise _rebuild_error(database, error.reason) from error
    except OSError as error:
        raise _rebuild_error(database, str(error)) from error
    return result


def _rebuild_error(database: Path, reason: str) -> StorageError:
    return StorageError(f"database {database} cannot be rebuilt ({reason}): check its disk")


def _build(database: Path, fill: Callable[[Connection], T]) -> T:
    building = _beside(database, "building")
    try:
        _remove(building)
        with closing(open_writer(building)) as db:
            result = fill(db)
        _copy_owner(database, building)
        _sync(building)
        os.replace(building, rebuilt_path(database))
    except BaseException:
        with suppress(OSError):
            _remove(building)
        raise
    return result


def _copy_owner(old: Path, new: Path) -> None:
    """Copy owner and permissions of the old file to the new one, as far as permitted."""
    with suppress(FileNotFoundError):
        status = old.stat()
        with suppress(PermissionError):
            os.chown(new, status.st_uid, status.st_gid)
        new.chmod(stat.S_IMODE(status.st_mode))


def _complete_swap(database: Path, lock_flags: int = 0) -> None:
    """Replace the old database, unless that is already done. `lock_flags` is 0 or LOCK_NB."""
    lock = acquire_lock(swap_lock_path(database), fcntl.LOCK_EX | lock_flags)
    try:
        rebuilt = rebuilt_path(database)
        if not rebuilt.exists():
            return
        _preserve_unknown_file(database)
        for suffix in SIDE_FILES:
            database.with_name(database.name + suffix).unlink(missing_ok=True)
        os.replace(rebuilt, database)
        _sync(database.parent)
        report_path(database).unlink(missing_ok=True)
    finally:
        os.close(lock)


def _preserve_unknown_file(database: Path) -> None:
    """Rename a file whose header is destroyed instead of deleting it: it may not be ours."""
    with suppress(FileNotFoundError):
        with database.open("rb") as file:
            header = file.read(_HEADER_BYTES)
        if header and not has_gqlnews_header(header):
            os.replace(database, _beside(database, "unknown"))


def _remove(database: Path) -> None:
    for suffix in ("", *SIDE_FILES):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Sync a file or a folder's entries to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _beside(database: Path, name: str) -> Path:
    return database.with_name(f"{database.name}-{name}")
