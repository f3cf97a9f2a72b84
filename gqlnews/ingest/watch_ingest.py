"""Watch-ingest: ingest every change to a content folder within some tens of milliseconds.

1. Wait for leadership: only one process at a time runs watch-ingest on a database.
2. Watch the folder; ingest all of it, then each batch of changed paths, and at the instant at which an
   article appears or expires that article.
3. After a failure, retry until the ingest succeeds: the same paths if the database was locked, and the
   whole folder after any other failure, because the state of the store is unknown then.
"""

import logging
import math
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import chain, repeat
from pathlib import Path

from gqlnews.content.models import ParseOptions
from gqlnews.database.sqlite.damage import (
    DamageReport,
    Identity,
    get_identity,
    read_report,
    record_identity,
    translate_errors,
    write_report,
)
from gqlnews.database.sqlite.ingest_failure import clear_failure, report_failure
from gqlnews.database.sqlite.leader_lock import acquire_leadership
from gqlnews.database.sqlite.rebuild import hold_swap_lock, rebuild
from gqlnews.database.sqlite.wal_checkpoint import WalCheckpointer
from gqlnews.database.sqlite.writer import BUSY_TIMEOUT, open_writer
from gqlnews.discovery.config_files import outside_stamp
from gqlnews.discovery.watcher import Batch, WatchOptions, watch
from gqlnews.errors import (
    CommandError,
    ContentFolderError,
    DamagedDatabaseError,
    LockedDatabaseError,
    StorageError,
)
from gqlnews.ingest.change_detection import relevant_paths
from gqlnews.ingest.pipeline import IngestReport, ingest
from gqlnews.timestamps import to_epoch_ns

SHORT_BUSY_TIMEOUT = 0.25  # seconds; short because signals are not handled while SQLite waits for a lock
_BACKOFF = (0.1, 0.2, 0.4, 0.8, 1.6)  # seconds
_MAX_BACKOFF = 2.0
_MAX_FOLDER_BACKOFF = 0.5
MIN_REBUILD_INTERVAL = 60.0  # seconds; a rebuild does not help if the file is damaged again immediately
DAMAGED_AGAIN_SUFFIX = f"again, less than {MIN_REBUILD_INTERVAL:.0f} s after a rebuild: check the disk"


LogEvent = Callable[..., None]
"""Logs an event: `log(message, level, **fields)`. The default level is INFO."""


@dataclass(frozen=True)
class WatchIngestOptions:
    """Configuration of watch-ingest.

    `processes` is the number of parser processes, None for one per processor. `poll` disables file system
    events. `prepare` is called with each new writer connection. `now_ns` is the wall clock.
    """

    folder: Path
    database: Path
    options: ParseOptions
    processes: int | None
    poll: bool
    log: LogEvent
    prepare: Callable[[sqlite3.Connection], None]
    now_ns: Callable[[], int] = time.time_ns


def run_watch_ingest(config: WatchIngestOptions) -> None:
    """Ingest every change, forever. Raises KeyboardInterrupt, or what a signal handler raises."""
    failures = FailureReporter(config.log, config.database)
    lock = _wait_for_leadership(config, failures)
    try:
        _run_as_leader(config, failures)
    finally:
        os.close(lock)


def _wait_for_leadership(config: WatchIngestOptions, failures: "FailureReporter") -> int:
    for delay in backoff():
        try:
            lock = acquire_leadership(config.database)
        except OSError as error:
            failures.report_failure(
                f"the lock file of database {config.database} cannot be used ({error}): check the disk"
            )
            time.sleep(delay)
        else:
            failures.report_recovery()
            return lock
    raise AssertionError("the retries never end")


def _run_as_leader(config: WatchIngestOptions, failures: "FailureReporter") -> None:
    config.log("watching", folder=config.folder, database=config.database)
    session = _IngestSession(config, failures)
    options = WatchOptions(
        config.poll,
        lambda message: config.log(message, logging.WARNING),
        session.full_scan_seconds,
        session.needs_rescan,
        session.seconds_until_due,
    )
    try:
        for batch in watch(config.folder, options):
            session.apply_with_retry(batch)
    finally:
        session.close()


def backoff() -> Iterator[float]:
    """Yield the seconds between retries."""
    return chain(_BACKOFF, repeat(_MAX_BACKOFF))


class _IngestSession:
    """The writer connection of watch-ingest. It opens the database, and rebuilds it if it is damaged."""

    def __init__(self, config: WatchIngestOptions, failures: "FailureReporter") -> None:
        self._config = config
        self._failures = failures
        self._db: sqlite3.Connection | None = None
        self._checkpointer = WalCheckpointer(config.database)
        self._identity: Identity | None = None
        self._damage: DamageReport | None = None
        self._rebuild_after = 0.0  # by time.monotonic()
        self._is_fully_ingested = False  # whether the whole folder was ingested into the open file
        self._full_scan_seconds = 0.0
        self._problem_count = -1
        self._due_ns: int | None = None  # when the next article appears or expires
        self._outside_stamp = outside_stamp(config.folder, config.options.config_path)

    def full_scan_seconds(self) -> float:
        """Return the duration of the last ingest of the whole folder."""
        return self._full_scan_seconds

    def is_replaced(self) -> bool:
        """Return whether the database file was replaced or deleted since it was opened."""
        return self._identity != get_identity(self._config.database)

    def needs_rescan(self) -> bool:
        """Return whether a full scan is needed although no file in the folder has changed."""
        return (
            self.is_replaced()
            or self._known_damage() is not None
            or self._outside_stamp != outside_stamp(self._config.folder, self._config.options.config_path)
        )

    def seconds_until_due(self) -> float:
        """Return the time until the next article appears or expires."""
        return math.inf if self._due_ns is None else (self._due_ns - self._config.now_ns()) / 1_000_000_000

    def apply_with_retry(self, batch: Batch) -> None:
        """Ingest the batch; retry with backoff until it succeeds."""
        for delay in backoff():
            try:
                self._rebuild_if_damaged()
                with hold_swap_lock(self._config.database):
                    if self._is_irrelevant(batch):
                        return
                    report = self._ingest(batch)
            except DamagedDatabaseError as error:
                batch = None
                self._handle_damage(error)
                if time.monotonic() < self._rebuild_after:
                    self._failures.report_failure(f"{error.reason} {DAMAGED_AGAIN_SUFFIX}")
                    time.sleep(delay)
            except LockedDatabaseError as error:
                self._failures.report_failure(str(error), after=BUSY_TIMEOUT)
                time.sleep(delay)
            except ContentFolderError as error:
                batch = None
                self._failures.report_failure(str(error))
                time.sleep(min(delay, _MAX_FOLDER_BACKOFF))
            except Exception as error:
                if _is_interrupt(error):
                    raise
                batch = None
                self.close()  # the state of the connection is unknown
                self._failures.report_failure(_failure_reason(error))
                time.sleep(delay)
            else:
                self._failures.report_ingested()
                self._log_report(report)
                return

    def close(self) -> None:
        """Close the database."""
        if self._db is not None:
            with hold_swap_lock(self._config.database):
                self._db.close()
        self._db = self._identity = None
        self._is_fully_ingested = False

    def _handle_damage(self, error: DamagedDatabaseError) -> None:
        """Record the damage and report it to the servers, which are not ready until the rebuild."""
        identity = self._identity or get_identity(self._config.database)
        self.close()
        if identity is not None:
            self._damage = DamageReport(identity, error.reason)
            write_report(self._config.database, identity, error)

    def _known_damage(self) -> DamageReport | None:
        """Return the known damage of the file; None for `MIN_REBUILD_INTERVAL` seconds after a rebuild."""
        if time.monotonic() < self._rebuild_after:
            return None
        identity = get_identity(self._config.database)
        if identity is None:
            self._damage = None  # the next file may get the same inode
        if self._damage is not None and self._damage.identity == identity:
            return self._damage
        return read_report(self._config.database)

    def _rebuild_if_damaged(self) -> None:
        if (damage := self._known_damage()) is None:
            return
        self.close()
        config = self._config
        try:
            rebuild_damaged(self._failures, config.database, damage, self._fill)
        except StorageError as error:
            if isinstance(error.__cause__, DamagedDatabaseError):
                self._rebuild_after = time.monotonic() + MIN_REBUILD_INTERVAL
            raise
        self._rebuild_after = time.monotonic() + MIN_REBUILD_INTERVAL
        self._damage = None

    def _fill(self, db: sqlite3.Connection) -> IngestReport:
        config = self._config
        config.prepare(db)
        return ingest(db, config.folder, config.options, processes=config.processes, now_ns=config.now_ns)

    def _is_irrelevant(self, batch: Batch) -> bool:
        """Return whether the batch has paths, and none of them can affect the store."""
        if not batch or not self._is_fully_ingested or self._db is None or self._failures.is_reported:
            return False
        with translate_errors(self._config.database):
            return not relevant_paths(self._db, self._config.folder, batch)

    def _ingest(self, batch: Batch) -> IngestReport:
        db, config = self._get_writer(), self._config
        paths = batch if self._is_fully_ingested else None
        if paths is None:
            self._outside_stamp = outside_stamp(config.folder, config.options.config_path)
        report = ingest(
            db,
            config.folder,
            config.options,
            processes=config.processes,
            now_ns=config.now_ns,
            paths=paths,
        )
        self._due_ns = None if report.next_due is None else to_epoch_ns(report.next_due)
        self._checkpointer.after_commit(db)
        if paths is None:
            self._full_scan_seconds, self._is_fully_ingested = report.seconds, True
            import_module("gqlnews.content.parse_file")  # load the parsers before the first change
        return report

    def _get_writer(self) -> sqlite3.Connection:
        if self._db is not None and self.is_replaced():
            self.close()
        if self._db is None:
            self._db = open_writer(self._config.database, busy_timeout=SHORT_BUSY_TIMEOUT)
            self._config.prepare(self._db)
            self._identity = get_identity(self._config.database)
            record_identity(self._config.database)
        return self._db

    def _log_report(self, report: IngestReport) -> None:
        changes = report.added, report.changed, report.removed
        if any(changes) or report.problems != self._problem_count:
            added, changed, removed = changes
            self._config.log(
                "ingested",
                added=added,
                changed=changed,
                removed=removed,
                problems=report.problems,
                ms=round(report.seconds * 1000, 1),
            )
        self._problem_count = report.problems


class FailureReporter:
    """Log why the ingest fails, each time the reason changes, and when it succeeds again.

    It also reports both to the servers of the database.
    """

    def __init__(self, log: LogEvent, database: Path) -> None:
        self._log, self._database = log, database
        self._since: float | None = None
        self._reported_reason: str | None = None
        self._damaged: Identity | None = None

    @property
    def is_reported(self) -> bool:
        """Whether a failure was logged and is not over."""
        return self._reported_reason is not None

    def report_failure(self, reason: str, *, after: float = 0.0) -> None:
        """Log the reason if it has changed, and if the failures have lasted for at least `after` seconds."""
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        if reason != self._reported_reason and now - self._since >= after:
            self._log("ingest failed", logging.WARNING, reason=reason)
            self._reported_reason = reason
            report_failure(self._database, reason)

    def report_damage(self, database: Path, damage: DamageReport) -> None:
        """Log the damage once per database file, even if several rebuilds of it fail."""
        if damage.identity != self._damaged:
            self._log("database damaged", logging.WARNING, database=database, reason=damage.reason)
        self._damaged = damage.identity

    def report_rebuilt(self, database: Path, result: IngestReport) -> None:
        ms = round(result.seconds * 1000, 1)
        self._log("database rebuilt", database=database, articles=result.articles, ms=ms)
        self._damaged = None

    def report_ingested(self) -> None:
        """Report the success to the servers, as an earlier process may have reported a failure."""
        clear_failure(self._database)
        self.report_recovery()

    def report_recovery(self) -> None:
        """Log the recovery if a failure was logged."""
        if self._reported_reason is not None and self._since is not None:
            self._log("ingest recovered", after_s=round(time.monotonic() - self._since, 1))
        self._reported_reason = self._since = None


def rebuild_damaged(
    failures: FailureReporter,
    database: Path,
    damage: DamageReport,
    fill: Callable[[sqlite3.Connection], IngestReport],
) -> None:
    """Rebuild the damaged store, and log it, unless another process has already replaced the damaged file.

    Raises DatabaseError or a subclass, and what `fill` raises.
    """
    failures.report_damage(database, damage)
    if (result := rebuild(database, fill, damage.identity)) is not None:
        failures.report_rebuilt(database, result)


def _is_interrupt(error: Exception) -> bool:
    """Return whether a signal interrupted a statement; sqlite3 drops the exception of the handler."""
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT


def _failure_reason(error: Exception) -> str:
    if isinstance(error, CommandError):
        return str(error)
    return f"{type(error).__name__}: {error}; the ingest is retried; please report this if it persists"
