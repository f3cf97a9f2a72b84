"""`gqlnews serve` and `gqlnews ingest --watch`: ingest what changed, serve it, and watch the folder."""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from types import FrameType

import typer

from gqlnews.app import documents_of
from gqlnews.cli.commands import MAY_PASS, ROLLED_BACK, fill, ingest_folder, run_ingest
from gqlnews.cli.content_options import IngestTarget
from gqlnews.cli.formatters import Banner
from gqlnews.cli.run_server import Ready, serve
from gqlnews.cli.supervisor import SupervisedProcess, exit_on_signal, make_interruptible
from gqlnews.cli.worker import start_worker, wait_until_ready
from gqlnews.config.settings import LogFormat, ServerSettings
from gqlnews.database.sqlite.connection import connect_to_read, has_content
from gqlnews.database.sqlite.damage import DamageReport, identity_of
from gqlnews.database.sqlite.writer import WAIT_SECONDS
from gqlnews.errors import DamagedDatabaseError, DatabaseError, LockedDatabaseError, StartupError
from gqlnews.ingest.pipeline import IngestReport
from gqlnews.ingest.watch_ingest import (
    WAIT_AT_ONCE,
    FailureReporter,
    WatchIngestOptions,
    backoff,
    rebuild_damaged,
    run_watch_ingest,
)
from gqlnews.schema.query import build_schema
from gqlnews.server.observability import logs
from gqlnews.server.uvicorn.run import NAMES, base_url, listen

# `gqlnews ingest --watch`: ingest the folder, then every change, until a signal.


WATCH_STOPPED = "the database holds everything that was ingested"


class ServerLog:
    """Logger for watch-ingest that writes to the server's log."""

    def note(self, message: str, **fields: object) -> None:
        logs.note(message, **fields)

    def warn(self, message: str, **fields: object) -> None:
        logs.log.log(logging.WARNING, message, extra={logs.FIELDS: fields})


def run_watch(
    source: IngestTarget, *, rebuild: bool, poll: bool, until_eof: bool, log_format: LogFormat
) -> None:
    """Watch and ingest the folder until a signal, or until standard input ends. Raises StartupError."""
    logs.configure(log_format)
    options = WatchIngestOptions(
        source.folder,
        source.database,
        source.options,
        source.processes,
        poll,
        ServerLog(),
        make_interruptible,
    )
    if until_eof:
        _exit_on_stdin_eof()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends this process
        stops = exit_on_signal(WATCH_STOPPED, code=0, say=logs.note, by=(signal.SIGTERM,))
    else:
        try:
            run_ingest(source, rebuild=rebuild)
        except (*MAY_PASS, DamagedDatabaseError) as error:  # `run_watch_ingest` retries
            if rebuild:  # `run_watch_ingest` does not rebuild
                raise
            ServerLog().warn("ingest failed", reason=str(error))
        sys.stdout.flush()
        stops = exit_on_signal(WATCH_STOPPED, code=0)
    with stops:
        run_watch_ingest(options)


def _exit_on_stdin_eof() -> None:
    threading.Thread(target=_exit_at_eof, daemon=True).start()


def _exit_at_eof() -> None:
    """Exit at the end of standard input, whatever is running: SQLite rolls back an unfinished transaction."""
    try:
        while os.read(0, 4096):
            pass
    finally:
        os._exit(0)


# The ingest before serving, retried after transient errors.


def ingest_before_serving(source: IngestTarget, *, follows: bool) -> IngestReport | None:
    """Ingest until it succeeds, with backoff; log each new reason once.

    Returns None if it failed, but an earlier ingest left content to serve and a watcher (`follows`) keeps
    retrying. Raises StartupError for permanent errors.
    """
    trouble = FailureReporter(ServerLog())
    for pause in backoff():
        try:
            report = _ingest_or_rebuild(source, trouble)
        except MAY_PASS as error:
            trouble.tell(str(error), after=WAIT_SECONDS if isinstance(error, LockedDatabaseError) else 0.0)
            if follows and trouble.is_reported and _has_content(source):
                return None
            time.sleep(pause)
        else:
            trouble.is_over()
            return report
    raise AssertionError("there is always another try")


def _ingest_or_rebuild(source: IngestTarget, trouble: FailureReporter) -> IngestReport:
    identity = identity_of(source.database)
    try:
        return ingest_folder(source, WAIT_AT_ONCE)
    except DamagedDatabaseError as error:
        if identity is None:
            raise
        damage = DamageReport(identity, error.reason)
    rebuild_damaged(trouble, source.database, damage, partial(fill, source))
    return ingest_folder(source, WAIT_AT_ONCE)


def _has_content(source: IngestTarget) -> bool:
    try:
        with closing(connect_to_read(source.database)) as db:
            return has_content(db)
    except DatabaseError:
        return False


# Start the watch-ingest process of a server: `gqlnews ingest FOLDER --watch`, which ends with the server.


def start_watcher(source: IngestTarget, log_format: LogFormat, *, poll: bool) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603 - our own program, run by our own interpreter
        [sys.executable, "-m", "gqlnews", *_command(source, log_format, poll=poll)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        process_group=0,  # Ctrl-C is for the server, which ends this process
    )


def _command(source: IngestTarget, log_format: LogFormat, *, poll: bool) -> list[str]:
    options = source.options
    command = ["ingest", str(source.folder), "--db", str(source.database), "--watch", "--until-eof"]
    command += ["--log-format", log_format]
    if options.base_url is not None:
        command += ["--base-url", options.base_url]
    for host in options.iframe_hosts:
        command += ["--allowed-iframe-host", host]
    if source.processes is not None:
        command += ["--ingest-workers", str(source.processes)]
    return [*command, "--force-polling"] if poll else command


# `gqlnews serve`: ingest what changed, serve it, and watch the folder.


NOT_SERVED = "nothing was served"

Process = subprocess.Popen[bytes]


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """Serve options: address, log format and number of worker processes; `watch`: watch the folder."""

    host: str
    port: int
    log_format: LogFormat
    workers: int
    watch: bool
    poll: bool


def run_server(source: IngestTarget, serving: ServeOptions, settings: ServerSettings) -> None:
    """Serve until a signal. Raises StartupError if that fails before anything is served."""
    logs.configure(serving.log_format)
    with closing(listen(serving.host, serving.port)) as listener:
        if settings.http.documents is not None:
            documents_of(settings, build_schema())  # report errors in the documents before the ingest
        with exit_on_signal(ROLLED_BACK):
            report = ingest_before_serving(source, follows=serving.watch)

        url = base_url(listener)

        def on_ready(articles: int) -> None:
            _print_banner(Banner(settings, source.folder, url, articles, report), serving.log_format)

        with _watcher(source, serving):
            if serving.workers == 1:
                serve(listener, settings, on_ready)
            else:
                _run_workers(listener, serving, settings, on_ready)


@contextmanager
def _watcher(source: IngestTarget, serving: ServeOptions) -> Iterator[None]:
    if not serving.watch:
        yield
        return
    follower = SupervisedProcess(
        "follower", lambda: start_watcher(source, serving.log_format, poll=serving.poll)
    )
    try:
        yield
    finally:
        follower.stop()


def _run_workers(
    listener: socket.socket, serving: ServeOptions, settings: ServerSettings, on_ready: Ready
) -> None:
    """Run several worker processes until a signal, which is forwarded to them; restart workers that exit."""
    start = partial(start_worker, listener, serving.log_format, settings)
    with exit_on_signal(NOT_SERVED):
        started, articles = _start_workers(start, serving.workers)
    workers = [SupervisedProcess("worker", start, process) for process in started]

    def tell(number: int, frame: FrameType | None) -> None:
        listener.close()  # so that the socket closes when the last worker has stopped
        for worker in workers:
            worker.signal(number)

    before = {number: signal.signal(number, tell) for number in NAMES}
    on_ready(articles)
    try:
        for worker in workers:
            worker.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _start_workers(start: Callable[[], Process], count: int) -> tuple[list[Process], int]:
    """Start all workers or none; return them, and how many articles a client without a token sees."""
    processes: list[Process] = []
    try:
        processes.extend(start() for _ in range(count))
        served = [wait_until_ready(process) for process in processes]
        if None in served:
            raise StartupError("a process that serves could not start: its log says why")
        return processes, max(one.articles for one in served if one is not None)
    except BaseException:
        for process in processes:
            process.kill()
            process.wait()
        raise


def _print_banner(banner: Banner, log_format: LogFormat) -> None:
    """Print the banner on standard output; with JSON logs, log it as an event instead."""
    if log_format is LogFormat.TEXT:
        typer.echo(banner.text())
    else:
        logs.note("serving", **banner.fields())
