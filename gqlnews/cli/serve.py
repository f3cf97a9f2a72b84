"""`gqlnews serve`: ingest what changed, serve it, and start the process that watches the folder."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import FrameType

import typer

from gqlnews.app import load_trusted_documents
from gqlnews.cli.banner import Banner
from gqlnews.cli.commands import (
    ROLLED_BACK,
    TRANSIENT_ERRORS,
    ingest_folder,
    ingest_with_progress,
    read_summary,
)
from gqlnews.cli.content_options import IngestTarget
from gqlnews.cli.ready_file import WriteReady, open_ready_file, ready_members, stored_problems
from gqlnews.cli.run_server import OnReady, run_server
from gqlnews.cli.supervisor import SupervisedProcess, exit_on_signal
from gqlnews.cli.watch import supervise_watcher
from gqlnews.cli.worker import start_worker, wait_until_ready
from gqlnews.config.settings import ConnectionSettings, ServerSettings
from gqlnews.config.values import LogFormat
from gqlnews.custom_fields import CustomField
from gqlnews.database.sqlite.connection import has_stored_content, read_custom_fields
from gqlnews.database.sqlite.damage import DamageReport, get_identity
from gqlnews.database.sqlite.leader_lock import has_leader
from gqlnews.database.sqlite.read_only import is_read_only
from gqlnews.database.sqlite.schedule import read_schedule
from gqlnews.database.sqlite.writer import BUSY_TIMEOUT
from gqlnews.discovery.scan import open_root
from gqlnews.errors import CommandError, DamagedDatabaseError, LockedDatabaseError
from gqlnews.ingest.pipeline import IngestReport
from gqlnews.ingest.watch_ingest import (
    SHORT_BUSY_TIMEOUT,
    FailureReporter,
    backoff,
    rebuild_damaged,
)
from gqlnews.schema.query import build_schema
from gqlnews.server.observability import logs
from gqlnews.server.observability.logs import stop_signals
from gqlnews.server.uvicorn.exit_timer import EXIT_AFTER_SECONDS, PARENT_DELAY, exit_after, exit_now
from gqlnews.server.uvicorn.run import base_url, bind, is_loopback

NOTHING_SERVED = "nothing was served"

Process = subprocess.Popen[bytes]


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """Options of `gqlnews serve` other than the ingest target and the server settings.

    With `watch`, a separate process watches the folder and ingests every change; with `force_polling`, it
    scans the folder at intervals instead of receiving file system events. `ready_file` is written once the
    server accepts requests. `warnings` are to be logged. `reader` is None if its default applies: on if the
    server listens on a loopback address.
    """

    host: str
    port: int
    log_format: LogFormat
    workers: int
    watch: bool
    force_polling: bool
    ready_file: Path | None
    warnings: tuple[str, ...]
    reader: bool | None
    connections: ConnectionSettings


def run_serve(target: IngestTarget, options: ServeOptions, settings: ServerSettings) -> None:
    """Ingest what changed, then serve until a signal. Raises CommandError if the server cannot start."""
    with ExitStack() as stack:
        listener, write_ready = stack.enter_context(open_listener(options))
        if options.reader is None:
            settings = replace(settings, reader=is_loopback(listener))
        if settings.http.persisted_documents:
            # report errors in the documents before the ingest
            load_trusted_documents(settings, build_schema(_declared_fields(target)))
        with exit_on_signal(ROLLED_BACK):
            report = ingest_before_serving(target, has_watcher=options.watch)

        url, summary, schedule = base_url(listener), read_summary(target), read_schedule(target.database)
        is_watched = options.watch or has_leader(target.database)

        def on_ready(articles: int) -> None:
            write_ready(ready_members(url, target.folder, articles, settings, stored_problems(target)))
            problems = None if report is None else report.problems
            banner = Banner(settings, target.folder, url, articles, problems, summary, schedule, is_watched)
            print_banner(banner, options.log_format)

        if options.watch:
            watcher = supervise_watcher(target, options.log_format, force_polling=options.force_polling)
            stack.callback(watcher.stop)
        run_servers(listener, options, settings, on_ready)


@contextmanager
def open_listener(options: ServeOptions) -> Iterator[tuple[socket.socket, WriteReady]]:
    """Configure the log, and bind the port while the block serves; exit at its end. Raises CommandError."""
    logs.configure(options.log_format)
    for warning in options.warnings:
        logs.log.warning(warning)
    with exit_on_signal(NOTHING_SERVED):
        with (
            open_ready_file(options.ready_file) as write_ready,
            closing(bind(options.host, options.port)) as listener,
        ):
            yield listener, write_ready
        exit_now()  # both signals are ignored since the one that stopped the server


def run_servers(
    listener: socket.socket, options: ServeOptions, settings: ServerSettings, on_ready: OnReady
) -> None:
    """Serve until a signal, in this process or in worker processes."""
    if options.workers == 1:
        run_server(listener, settings, on_ready, options.connections)
    else:
        _run_workers(listener, options, settings, on_ready)


def _run_workers(
    listener: socket.socket, options: ServeOptions, settings: ServerSettings, on_ready: OnReady
) -> None:
    """Run several worker processes until a signal, which is forwarded to them; restart those that exit."""
    connections = options.connections
    start = partial(start_worker, listener, options.log_format, settings, connections)
    started, articles = _start_workers(start, options.workers)
    workers = [SupervisedProcess("worker", start, process) for process in started]

    def forward(number: int, frame: FrameType | None) -> None:
        delay = 0 if number == signal.SIGINT else connections.drain_delay
        exit_after(EXIT_AFTER_SECONDS[signal.Signals(number)] + delay + PARENT_DELAY)
        listener.close()  # so that the socket closes when the last worker has stopped
        for worker in workers:
            worker.signal(number)

    for number in stop_signals():
        signal.signal(number, forward)
    on_ready(articles)
    for worker in workers:
        worker.wait()
    for number in stop_signals():
        signal.signal(number, signal.SIG_IGN)


def _start_workers(start: Callable[[], Process], count: int) -> tuple[list[Process], int]:
    """Start all workers or none.

    Returns the processes, and the number of articles that a client without a token sees. Raises CommandError.
    """
    processes: list[Process] = []
    try:
        processes.extend(start() for _ in range(count))
        articles = [wait_until_ready(process) for process in processes]
        if None in articles:
            raise CommandError("a worker process could not start: see its messages above")
        return processes, max(filter(None, articles), default=0)
    except BaseException as error:
        for process in processes:
            process.kill()
            process.wait()
        if isinstance(error, OSError):
            raise CommandError(
                f"the worker processes cannot be started ({error.strerror or error}): "
                "raise the limits of processes and memory, or use fewer --workers"
            ) from error
        raise


def print_banner(banner: Banner, log_format: LogFormat) -> None:
    """Print the banner on standard output; with JSON logs, log it as an event instead."""
    if log_format is LogFormat.TEXT:
        typer.echo(banner.text())
    else:
        logs.log_event("serving", **banner.fields())


# The ingest before serving, retried after transient errors.


def ingest_before_serving(target: IngestTarget, *, has_watcher: bool) -> IngestReport | None:
    """Ingest, and retry after transient errors with backoff; log the reason whenever it changes.

    Returns None if nothing was ingested, as in `attempt_ingest`. Raises CommandError for permanent errors.
    """
    attempts = attempt_ingest(target, has_watcher=has_watcher)
    try:
        while True:
            time.sleep(next(attempts))
    except StopIteration as result:
        report: IngestReport | None = result.value
        return report


def attempt_ingest(target: IngestTarget, *, has_watcher: bool) -> Generator[float, None, IngestReport | None]:
    """Ingest; after each transient error, yield the seconds to wait before the next attempt.

    Without `has_watcher`, a store on a read-only file system is not updated. With it, the watcher process
    keeps retrying, so after a reported failure this returns None if the database has content from an earlier
    ingest. Raises CommandError for permanent errors.
    """
    if not has_watcher and _is_read_only(target):
        return None
    reporter = FailureReporter(logs.log_event, target.database)
    for pause in backoff():
        try:
            report = _ingest_or_rebuild(target, reporter)
        except TRANSIENT_ERRORS as error:
            reporter.report_failure(
                str(error), after=BUSY_TIMEOUT if isinstance(error, LockedDatabaseError) else 0.0
            )
            if has_watcher and reporter.is_reported and has_stored_content(target.database):
                return None
            yield pause
        else:
            reporter.report_ingested()
            return report
    raise AssertionError("backoff never ends")


def _ingest_or_rebuild(target: IngestTarget, reporter: FailureReporter) -> IngestReport:
    identity = get_identity(target.database)
    try:
        return ingest_folder(target, SHORT_BUSY_TIMEOUT)
    except DamagedDatabaseError as error:
        if identity is None:
            raise
        damage = DamageReport(identity, error.reason)
    rebuild_damaged(reporter, target.database, damage, partial(ingest_with_progress, target))
    return ingest_folder(target, SHORT_BUSY_TIMEOUT)


def _declared_fields(target: IngestTarget) -> tuple[CustomField, ...]:
    """Return the fields that the ingest will store: the present ones if the configuration is invalid."""
    from gqlnews.discovery.find_config import (
        find_config,  # imports the parsers, which a standby has no use for
    )

    with open_root(target.folder) as folder:
        config = find_config(folder, target.options.config_path).config
    return read_custom_fields(target.database) if config is None else config.fields


def _is_read_only(target: IngestTarget) -> bool:
    """Return whether the database has content, and cannot be updated as its file system is read-only."""
    return target.database.exists() and is_read_only(target.database) and has_stored_content(target.database)
