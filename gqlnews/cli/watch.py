"""`gqlnews ingest --watch`: ingest the folder, then every change, until a signal."""

import logging
import os
import signal
import sys
import threading

from gqlnews.cli.content_options import IngestTarget
from gqlnews.cli.ingest import MAY_PASS, run_ingest
from gqlnews.cli.signals import exit_on_signal, make_interruptible
from gqlnews.config.settings import LogFormat
from gqlnews.errors import DamagedDatabaseError
from gqlnews.ingest.watch_ingest import WatchIngestOptions, run_watch_ingest
from gqlnews.server.observability import logs

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
