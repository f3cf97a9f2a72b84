"""Watch-ingest: ingest every change to a content folder within milliseconds.

1. Wait for leadership: one process at a time does this for a database.
2. Watch the folder; ingest all of it, then each batch of changed paths.
3. Retry what failed until it succeeds: the same paths if only the lock was busy, else the whole folder,
   because the state of the store is uncertain then.
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

from gqlnews.content.models import ParseOptions
from gqlnews.database.sqlite.damage import (
    DamageReport,
    Identity,
    identity_of,
    record_ours,
    report,
    reported,
    translate_errors,
)
from gqlnews.database.sqlite.database_handle import WalCheckpointer
from gqlnews.database.sqlite.leader_lock import acquire_leadership
from gqlnews.database.sqlite.rebuild import in_use, rebuild
from gqlnews.database.sqlite.writer import WAIT_SECONDS, open_writer
from gqlnews.discovery.watcher import Batch, WatchOptions, watch
from gqlnews.errors import (
    ContentFolderError,
    DamagedDatabaseError,
    LockedDatabaseError,
    StartupError,
    StorageError,
)
from gqlnews.ingest.change_detection import relevant_paths
from gqlnews.ingest.pipeline import IngestReport, ingest

WAIT_AT_ONCE = 0.25  # busy timeout in seconds; short, as SQLite ignores signals while it waits
_BACKOFF = (0.1, 0.2, 0.4, 0.8, 1.6)
_MAX_BACKOFF = 2.0
_FOLDER_PAUSE = 0.5
DAMAGED_AGAIN = "again, a short while after the database was rebuilt: check its disk"
BETWEEN_REBUILDS = 60.0  # seconds; a rebuild does not help if the file is damaged again immediately


class Log(Protocol):
    """Structured logger, one event per line."""

    def note(self, message: str, **fields: object) -> None:
        """Log an expected event."""

    def warn(self, message: str, **fields: object) -> None:
        """Log an event that needs an operator's attention."""


@dataclass(frozen=True)
class WatchIngestOptions:
    """Configuration of watch-ingest.

    `processes` is the number of parser processes. `poll` watches without the operating system's
    notifications. `prepare` is called with each new writer connection.
    """

    folder: Path
    database: Path
    options: ParseOptions
    processes: int | None
    poll: bool
    log: Log
    prepare: Callable[[sqlite3.Connection], None]


def run_watch_ingest(job: WatchIngestOptions) -> None:
    """Keep the store equal to the folder, forever. Raises KeyboardInterrupt or a signal handler's error."""
    trouble = FailureReporter(job.log)
    lock = _wait_for_leadership(job, trouble)
    try:
        _run_as_leader(job, trouble)
    finally:
        os.close(lock)


def _wait_for_leadership(job: WatchIngestOptions, trouble: "FailureReporter") -> int:
    for pause in backoff():
        try:
            lock = acquire_leadership(job.database)
        except OSError as error:
            trouble.tell(f"database {job.database} has no lock beside it ({error}): check the disk")
            time.sleep(pause)
        else:
            trouble.is_over()
            return lock
    raise AssertionError("there is always another try")


def _run_as_leader(job: WatchIngestOptions, trouble: "FailureReporter") -> None:
    job.log.note("watching", folder=job.folder, database=job.database)
    store = _IngestSession(job, trouble)
    options = WatchOptions(job.poll, job.log.warn, store.seconds, store.needs_rescan)
    try:
        for batch in watch(job.folder, options):
            store.apply_with_retry(batch)
    finally:
        store.close()


def backoff() -> Iterator[float]:
    """Backoff: seconds between retries."""
    return chain(_BACKOFF, repeat(_MAX_BACKOFF))


class _IngestSession:
    """The database of a watch-ingest session, open or not."""

    def __init__(self, job: WatchIngestOptions, trouble: "FailureReporter") -> None:
        self._job = job
        self._trouble = trouble
        self._db: sqlite3.Connection | None = None
        self._checkpoints = WalCheckpointer(job.database)
        self._file: Identity | None = None
        self._damage: DamageReport | None = None
        self._rebuild_after = 0.0  # by time.monotonic()
        self._is_known = False  # whether the whole folder was ingested into the open file
        self._seconds = 0.0
        self._problems = -1

    def seconds(self) -> float:
        """Duration of the last ingest of the whole folder."""
        return self._seconds

    def is_gone(self) -> bool:
        """Return whether the file at the path is not the one that is open."""
        return self._file != identity_of(self._job.database)

    def needs_rescan(self) -> bool:
        """Return whether there is work to do although no file in the folder has changed."""
        return self.is_gone() or self._damage_to_mend() is not None

    def apply_with_retry(self, batch: Batch) -> None:
        """Ingest the batch; retry with backoff until it succeeds."""
        for pause in backoff():
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
                    self._trouble.tell(f"{error.reason} {DAMAGED_AGAIN}")
                    time.sleep(pause)
            except LockedDatabaseError as error:
                self._trouble.tell(str(error), after=WAIT_SECONDS)
                time.sleep(pause)
            except ContentFolderError as error:
                batch = None
                self._trouble.tell(str(error))
                time.sleep(min(pause, _FOLDER_PAUSE))
            except Exception as error:
                if _is_interrupt(error):
                    raise
                batch = None
                self.close()  # the state of the connection is unknown
                self._trouble.tell(_reason(error))
                time.sleep(pause)
            else:
                self._trouble.is_over()
                self._log_report(report)
                return

    def close(self) -> None:
        """Close the database."""
        if self._db is not None:
            with in_use(self._job.database):
                self._db.close()
        self._db = self._file = None
        self._is_known = False

    def _note_damage(self, error: DamagedDatabaseError) -> None:
        """Record the damage and report it to the servers, which are then not ready until a rebuild."""
        identity = self._file or identity_of(self._job.database)
        self.close()
        if identity is not None:
            self._damage = DamageReport(identity, error.reason)
            report(self._job.database, identity, error)

    def _damage_to_mend(self) -> DamageReport | None:
        """Return known damage of the file at this path; None for `BETWEEN_REBUILDS` after a rebuild."""
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
        """Return whether no path of the batch can affect the store."""
        if batch is None or not self._is_known or self._db is None or self._trouble.is_reported:
            return False
        with translate_errors(self._job.database):
            return not relevant_paths(self._db, self._job.folder, batch)

    def _ingest(self, batch: Batch) -> IngestReport:
        db, job = self._opened(), self._job
        paths = batch if self._is_known else None
        report = ingest(db, job.folder, job.options, processes=job.processes, paths=paths)
        self._checkpoints.after_commit(db)
        if paths is None:
            self._seconds, self._is_known = report.seconds, True
            import_module("gqlnews.content.parse_file")  # load the parsers before the first edit
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

    def _log_report(self, report: IngestReport) -> None:
        changes = report.added, report.changed, report.removed
        if any(changes) or report.problems != self._problems:
            added, changed, removed = changes
            self._job.log.note(
                "ingested",
                added=added,
                changed=changed,
                removed=removed,
                problems=report.problems,
                ms=round(report.seconds * 1000, 1),
            )
        self._problems = report.problems


class FailureReporter:
    """Log why ingesting fails: once per reason, and once when it succeeds again."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._since: float | None = None
        self._reported_reason: str | None = None
        self._damaged: Identity | None = None

    @property
    def is_reported(self) -> bool:
        """Whether a failure was logged and is not over."""
        return self._reported_reason is not None

    def tell(self, reason: str, *, after: float = 0.0) -> None:
        """Log the reason unless it was just logged; only after failures have lasted for `after` seconds."""
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        if reason != self._reported_reason and now - self._since >= after:
            self._log.warn("ingest failed", reason=reason)
            self._reported_reason = reason

    def tell_damage(self, database: Path, damage: DamageReport) -> None:
        """Log the damage once per file, however often a rebuild is tried."""
        if damage.identity != self._damaged:
            self._log.warn("database damaged", database=database, reason=damage.reason)
        self._damaged = damage.identity

    def tell_rebuilt(self, database: Path, made: IngestReport) -> None:
        ms = round(made.seconds * 1000, 1)
        self._log.note("database rebuilt", database=database, articles=made.articles, ms=ms)
        self._damaged = None

    def is_over(self) -> None:
        """Log the recovery if a failure was logged."""
        if self._reported_reason is not None and self._since is not None:
            self._log.note("ingest recovered", after_s=round(time.monotonic() - self._since, 1))
        self._reported_reason = self._since = None


def rebuild_damaged(
    trouble: FailureReporter,
    database: Path,
    damage: DamageReport,
    fill: Callable[[sqlite3.Connection], IngestReport],
) -> None:
    """Rebuild the store that is damaged, and log it. Does nothing if the damaged file was already replaced.

    Raises DatabaseError and what `fill` raises.
    """
    trouble.tell_damage(database, damage)
    if (made := rebuild(database, fill, damage.identity)) is not None:
        trouble.tell_rebuilt(database, made)


def _is_interrupt(error: Exception) -> bool:
    """Return whether a signal interrupted a statement; sqlite3 drops the exception of the handler."""
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT


def _reason(error: Exception) -> str:
    if isinstance(error, StartupError):
        return str(error)
    return f"{type(error).__name__}: {error}; it is tried again, please report it if it stays"
