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
from gqlnews.errors import DamagedDatabaseError, FolderError, LockedDatabaseError, StartupError, StorageError
from gqlnews.store.checkpoint import Checkpoints
from gqlnews.store.damage import DamageReport, record_ours, report, reported
from gqlnews.store.database import WAIT_SECONDS, open_writer
from gqlnews.store.failures import explaining
from gqlnews.store.ingest import IngestReport, ingest
from gqlnews.store.leading import lead
from gqlnews.store.location import Identity, identity_of
from gqlnews.store.part import concerned
from gqlnews.store.rebuild import in_use, rebuild

WAIT_AT_ONCE = 0.25  # seconds for another's lock at once: SQLite heeds no signal while it waits
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6)
_LONGEST_PAUSE = 2.0
_FOLDER_PAUSE = 0.5
AGAIN_DAMAGED = "again, a short while after the database was rebuilt: check its disk"
BETWEEN_REBUILDS = 60.0  # seconds: what is damaged again at once, a rebuild does not mend


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
    circumstances = Circumstances(job.poll, job.log.warn, store.seconds, store.is_disturbed)
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
        self._file: Identity | None = None
        self._damage: DamageReport | None = None
        self._rebuild_after = 0.0  # by time.monotonic()
        self._is_known = False  # whether it was once made equal to the folder
        self._seconds = 0.0
        self._problems = -1

    def seconds(self) -> float:
        """How long it last took to look at the whole folder."""
        return self._seconds

    def is_gone(self) -> bool:
        """Whether the database file is not the one that is open."""
        return self._file != identity_of(self._job.database)

    def is_disturbed(self) -> bool:
        """Whether there is work to do although no file of the folder has changed."""
        return self.is_gone() or self._damage_to_mend() is not None

    def take(self, batch: Batch) -> None:
        """Take it in, however often that must be tried."""
        for pause in pauses():
            try:
                self._rebuild_if_damaged()
                with in_use(self._job.database):
                    if self._is_idle(batch):
                        return
                    report = self._ingest(batch)
            except DamagedDatabaseError as error:
                batch = None
                self._note_damage(error)
                if time.monotonic() < self._rebuild_after:
                    self._trouble.tell(f"{error.reason} {AGAIN_DAMAGED}")
                    time.sleep(pause)
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
            with in_use(self._job.database):
                self._db.close()
        self._db = self._file = None
        self._is_known = False

    def _note_damage(self, error: DamagedDatabaseError) -> None:
        """Remember it and tell the servers: they are not ready until the new store is there."""
        identity = self._file or identity_of(self._job.database)
        self.close()
        if identity is not None:
            self._damage = DamageReport(identity, error.reason)
            report(self._job.database, identity, error)

    def _damage_to_mend(self) -> DamageReport | None:
        """Known damage of the file at this path, unless the last rebuild was a short while ago."""
        if time.monotonic() < self._rebuild_after:
            return None
        identity = identity_of(self._job.database)
        if identity is None:
            self._damage = None  # the next file may get the same inode
        if self._damage is not None and self._damage.identity == identity:
            return self._damage
        return reported(self._job.database)

    def _rebuild_if_damaged(self) -> None:
        if (damage := self._damage_to_mend()) is None:
            return
        self.close()
        job = self._job
        try:
            rebuild_damaged(self._trouble, job.database, damage, self._fill)
        except StorageError as error:
            if isinstance(error.__cause__, DamagedDatabaseError):
                self._rebuild_after = time.monotonic() + BETWEEN_REBUILDS
            raise
        self._rebuild_after = time.monotonic() + BETWEEN_REBUILDS
        self._damage = None

    def _fill(self, db: sqlite3.Connection) -> IngestReport:
        job = self._job
        job.prepare(db)
        return ingest(db, job.folder, job.options, processes=job.processes)

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
            self._db = open_writer(self._job.database, wait=WAIT_AT_ONCE)
            self._job.prepare(self._db)
            self._file = identity_of(self._job.database)
            record_ours(self._job.database)
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
        self._damaged: Identity | None = None

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

    def tell_damage(self, database: Path, damage: DamageReport) -> None:
        """Log it once for each file, however often a rebuild is tried."""
        if damage.identity != self._damaged:
            self._log.warn("database damaged", database=database, reason=damage.reason)
        self._damaged = damage.identity

    def tell_rebuilt(self, database: Path, made: IngestReport) -> None:
        ms = round(made.seconds * 1000, 1)
        self._log.note("database rebuilt", database=database, articles=made.articles, ms=ms)
        self._damaged = None

    def is_over(self) -> None:
        """Say so, where trouble was told."""
        if self._told is not None and self._since is not None:
            self._log.note("taken in again", after_s=round(time.monotonic() - self._since, 1))
        self._told = self._since = None


def rebuild_damaged(
    trouble: Trouble, database: Path, damage: DamageReport, fill: Callable[[sqlite3.Connection], IngestReport]
) -> None:
    """Swap in a new store for the damaged one, and log it. Nothing happens where that was replaced already.

    Raises DatabaseError and what `fill` raises.
    """
    trouble.tell_damage(database, damage)
    if (made := rebuild(database, fill, damage.identity)) is not None:
        trouble.tell_rebuilt(database, made)


def _is_interrupt(error: Exception) -> bool:
    """Whether a signal ended a statement: what its handler raised was lost there."""
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT


def _reason(error: Exception) -> str:
    if isinstance(error, StartupError):
        return str(error)
    return f"{type(error).__name__}: {error}; it is tried again, please report it if it stays"
