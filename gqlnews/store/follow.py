"""A store that follows its folder: every change to a file is taken in some milliseconds after it.

1. Wait until no other process follows into this database.
2. Have the folder watched, take in all of it, then what changes, batch by batch.
3. What could not be taken in is tried again until it is. Where only the lock was in the way, the same paths;
   else the whole folder, as nothing is sure any more.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import chain, repeat
from pathlib import Path
from typing import Protocol

from gqlnews.content.records import ReadOptions
from gqlnews.content.watch import Batch, Circumstances, watch
from gqlnews.errors import FolderError, LockedDatabaseError, StartupError
from gqlnews.store.checkpoint import Checkpoints
from gqlnews.store.database import WAIT_SECONDS, open_writer
from gqlnews.store.failures import explaining
from gqlnews.store.ingest import IngestReport, ingest
from gqlnews.store.leading import lead
from gqlnews.store.part import concerned

_WAIT = 0.25  # seconds for another's lock at once: SQLite heeds no signal while it waits
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6)
_LONGEST_PAUSE = 2.0
_FOLDER_PAUSE = 0.5


class Log(Protocol):
    """Where one is told what happens, an event a line."""

    def note(self, message: str, **fields: object) -> None:
        """It goes on as it should."""

    def warn(self, message: str, **fields: object) -> None:
        """Somebody must do something."""


@dataclass(frozen=True)
class Following:
    """What follows what: a database a folder, read with these options by so many processes.

    `poll` watches without the system's help, `prepare` is called with each connection that is opened.
    """

    folder: Path
    database: Path
    options: ReadOptions
    processes: int | None
    poll: bool
    log: Log
    prepare: Callable[[sqlite3.Connection], None]


def follow(job: Following) -> None:
    """Keep the store equal to the folder, for ever. Raises KeyboardInterrupt, or what a signal raises."""
    trouble = Trouble(job.log)
    lock = _elected(job, trouble)
    try:
        _lead(job, trouble)
    finally:
        os.close(lock)


def _elected(job: Following, trouble: "Trouble") -> int:
    for pause in pauses():
        try:
            lock = lead(job.database)
        except OSError as error:
            trouble.tell(f"database {job.database} has no lock beside it ({error}): check the disk")
            time.sleep(pause)
        else:
            trouble.is_over()
            return lock
    raise AssertionError("there is always another try")


def _lead(job: Following, trouble: "Trouble") -> None:
    job.log.note("following", folder=job.folder, database=job.database)
    store = _Store(job, trouble)
    circumstances = Circumstances(job.poll, job.log.warn, store.seconds, store.is_gone)
    try:
        for batch in watch(job.folder, circumstances):
            store.take(batch)
    finally:
        store.close()


def pauses() -> Iterator[float]:
    """Seconds between tries."""
    return chain(_PAUSES, repeat(_LONGEST_PAUSE))


class _Store:
    """The database, open or not."""

    def __init__(self, job: Following, trouble: "Trouble") -> None:
        self._job = job
        self._trouble = trouble
        self._db: sqlite3.Connection | None = None
        self._checkpoints = Checkpoints(job.database)
        self._file: tuple[int, int] | None = None
        self._is_known = False  # whether it was once made equal to the folder
        self._seconds = 0.0
        self._problems = -1

    def seconds(self) -> float:
        """How long it last took to look at the whole folder."""
        return self._seconds

    def is_gone(self) -> bool:
        """Whether the database file is not the one that is open."""
        return self._file != _identity(self._job.database)

    def take(self, batch: Batch) -> None:
        """Take it in, however often that must be tried."""
        for pause in pauses():
            try:
                if self._is_idle(batch):
                    return
                report = self._ingest(batch)
            except LockedDatabaseError as error:
                self._trouble.tell(str(error), after=WAIT_SECONDS)
                time.sleep(pause)
            except FolderError as error:
                batch = None
                self._trouble.tell(str(error))
                time.sleep(min(pause, _FOLDER_PAUSE))
            except Exception as error:
                if _is_interrupt(error):
                    raise
                batch = None
                self.close()  # whatever it was, it is not carried on
                self._trouble.tell(_reason(error))
                time.sleep(pause)
            else:
                self._trouble.is_over()
                self._tell(report)
                return

    def close(self) -> None:
        """Leave the database."""
        if self._db is not None:
            self._db.close()
        self._db = self._file = None
        self._is_known = False

    def _is_idle(self, batch: Batch) -> bool:
        """Whether nothing of it can concern the store."""
        if batch is None or not self._is_known or self._db is None or self._trouble.is_told:
            return False
        with explaining(self._job.database):
            return not concerned(self._db, self._job.folder, batch)

    def _ingest(self, batch: Batch) -> IngestReport:
        db, job = self._opened(), self._job
        paths = batch if self._is_known else None
        report = ingest(db, job.folder, job.options, processes=job.processes, paths=paths)
        self._checkpoints.after_commit(db)
        if paths is None:
            self._seconds, self._is_known = report.seconds, True
            import_module("gqlnews.content.read")  # the first edit need not wait for parsers
        return report

    def _opened(self) -> sqlite3.Connection:
        if self._db is not None and self.is_gone():
            self.close()
        if self._db is None:
            self._db = open_writer(self._job.database, wait=_WAIT)
            self._job.prepare(self._db)
            self._file = _identity(self._job.database)
        return self._db

    def _tell(self, report: IngestReport) -> None:
        changes = report.added, report.changed, report.removed
        if any(changes) or report.problems != self._problems:
            added, changed, removed = changes
            self._job.log.note(
                "taken in",
                added=added,
                changed=changed,
                removed=removed,
                problems=report.problems,
                ms=round(report.seconds * 1000, 1),
            )
        self._problems = report.problems


class Trouble:
    """Why nothing can be taken in, told once where it changes and once where it is over."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._since: float | None = None
        self._told: str | None = None

    @property
    def is_told(self) -> bool:
        """Whether it is not over."""
        return self._told is not None

    def tell(self, reason: str, *, after: float = 0.0) -> None:
        """Say it, unless it was said; not before there was trouble for `after` seconds."""
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        if reason != self._told and now - self._since >= after:
            self._log.warn("not taken in", reason=reason)
            self._told = reason

    def is_over(self) -> None:
        """Say so, where trouble was told."""
        if self._told is not None and self._since is not None:
            self._log.note("taken in again", after_s=round(time.monotonic() - self._since, 1))
        self._told = self._since = None


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and inode."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _is_interrupt(error: Exception) -> bool:
    """Whether a signal ended a statement: what its handler raised was lost there."""
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT


def _reason(error: Exception) -> str:
    if isinstance(error, StartupError):
        return str(error)
    return f"{type(error).__name__}: {error}; it is tried again, please report it if it stays"
