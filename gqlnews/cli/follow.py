"""`gqlnews ingest --watch`: take in what changed, then what changes, until a signal."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable

from gqlnews.cli.source import Source
from gqlnews.cli.stopping import complain, heed_signals, stoppable
from gqlnews.server import logs
from gqlnews.settings import LogFormat
from gqlnews.store.follow import Following, follow

KEPT = "the database holds all that was taken in"


class _Log:
    """The log of the server."""

    def note(self, message: str, **fields: object) -> None:
        logs.note(message, **fields)

    def warn(self, message: str, **fields: object) -> None:
        logs.log.log(logging.WARNING, message, extra={logs.FIELDS: fields})


def run_follow(source: Source, *, poll: bool, until_eof: bool, log_format: LogFormat) -> None:
    """Follow the folder until a signal, or until standard input ends. Raises StartupError."""
    logs.configure(log_format)
    say: Callable[[str], None] = complain
    if until_eof:
        _end_with_input()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, whose end ends this too
        say = logs.note
    else:
        from gqlnews.cli.ingest import run_ingest

        run_ingest(source)
        sys.stdout.flush()
    with stoppable(KEPT, code=0, say=say):
        follow(
            Following(
                source.folder, source.database, source.options, source.processes, poll, _Log(), heed_signals
            )
        )


def _end_with_input() -> None:
    threading.Thread(target=_exit_at_eof, daemon=True).start()


def _exit_at_eof() -> None:
    """End this process with its standard input, whatever it is doing: SQLite undoes what was not finished."""
    try:
        while os.read(0, 4096):
            pass
    finally:
        os._exit(0)
