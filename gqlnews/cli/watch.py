"""`gqlnews ingest --watch`: ingest the folder, then every change, until a signal."""

import logging
import os
import signal
import sys
import threading

from gqlnews.cli.content_options import IngestTarget
from gqlnews.cli.ingest import MAY_PASS, run_ingest
from gqlnews.cli.signals import heed_signals, stoppable
from gqlnews.config.settings import LogFormat
from gqlnews.errors import DamagedDatabaseError
from gqlnews.ingest.watch_ingest import WatchIngestOptions, follow
from gqlnews.server.observability import logs

KEPT = "the database holds all that was taken in"


class ServerLog:
    """Logger for watch-ingest that writes to the server's log."""

    def note(self, message: str, **fields: object) -> None:
        logs.note(message, **fields)

    def warn(self, message: str, **fields: object) -> None:
        logs.log.log(logging.WARNING, message, extra={logs.FIELDS: fields})


def run_follow(
    source: IngestTarget, *, anew: bool, poll: bool, until_eof: bool, log_format: LogFormat
) -> None:
    """Watch and ingest the folder until a signal, or until standard input ends. Raises StartupError."""
    logs.configure(log_format)
    following = WatchIngestOptions(
        source.folder, source.database, source.options, source.processes, poll, ServerLog(), heed_signals
    )
    if until_eof:
        _end_with_input()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends this process
        stops = stoppable(KEPT, code=0, say=logs.note, by=(signal.SIGTERM,))
    else:
        try:
            run_ingest(source, anew=anew)
        except (*MAY_PASS, DamagedDatabaseError) as error:  # `follow` retries
            if anew:  # `follow` does not rebuild
                raise
            ServerLog().warn("not taken in", reason=str(error))
        sys.stdout.flush()
        stops = stoppable(KEPT, code=0)
    with stops:
        follow(following)


def _end_with_input() -> None:
    threading.Thread(target=_exit_at_eof, daemon=True).start()


def _exit_at_eof() -> None:
    """Exit at the end of standard input, whatever is running: SQLite rolls back an unfinished transaction."""
    try:
        while os.read(0, 4096):
            pass
    finally:
        os._exit(0)
