"""`gqlnews ingest --watch`: ingest the folder, then every change, until a signal; also for a server.

It imports nothing of the server, so that it starts quickly.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from gqlnews.cli.commands import TRANSIENT_ERRORS, run_ingest
from gqlnews.cli.content_options import IngestTarget, content_arguments
from gqlnews.cli.supervisor import SupervisedProcess, exit_on_signal, make_interruptible
from gqlnews.config.values import LogFormat
from gqlnews.database.sqlite.ingest_failure import report_failure
from gqlnews.errors import DamagedDatabaseError
from gqlnews.ingest.watch_ingest import WatchIngestOptions, run_watch_ingest
from gqlnews.server.observability import logs

WATCH_STOPPED = "all completed ingests are in the database"


def watch_options(target: IngestTarget, *, force_polling: bool) -> WatchIngestOptions:
    """Return the options to watch the folder in this process, with its structured log."""
    return WatchIngestOptions(
        target.folder,
        target.database,
        target.options,
        target.processes,
        force_polling,
        logs.log_event,
        make_interruptible,
    )


def run_watch(
    target: IngestTarget, *, rebuild: bool, force_polling: bool, until_eof: bool, log_format: LogFormat
) -> None:
    """Watch and ingest the folder until a signal, or until standard input ends. Raises CommandError."""
    logs.configure(log_format)
    options = watch_options(target, force_polling=force_polling)
    if until_eof:
        exit_on_stdin_eof()
        exit_context = exit_on_signal(
            WATCH_STOPPED, code=0, print_message=logs.log_event, signals=(signal.SIGTERM,)
        )
    else:
        try:
            run_ingest(target, rebuild=rebuild)
        except (*TRANSIENT_ERRORS, DamagedDatabaseError) as error:  # `run_watch_ingest` retries
            if rebuild:  # `run_watch_ingest` does not rebuild
                raise
            logs.log_event("ingest failed", logging.WARNING, reason=str(error))
        sys.stdout.flush()
        exit_context = exit_on_signal(WATCH_STOPPED, code=0)
    with exit_context:
        run_watch_ingest(options)


def exit_on_stdin_eof(stop: Callable[[], None] = lambda: None) -> None:
    """Exit the process when standard input ends, after `stop`; SQLite rolls back an unfinished transaction.

    Ctrl-C is ignored: the server handles it, and stops this process.
    """

    def read_then_exit() -> None:
        try:
            while os.read(0, 4096):
                pass
            stop()
        finally:
            os._exit(0)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=read_then_exit, daemon=True).start()


# The process of a server, `gqlnews ingest FOLDER --watch --until-eof`. It exits when the server exits.


def supervise_watcher(
    target: IngestTarget,
    log_format: LogFormat,
    *,
    force_polling: bool,
    environment: Mapping[str, str] | None = None,
) -> SupervisedProcess:
    """Start the process, and supervise it. `environment` is by default that of this process."""
    command = _watcher_command(target, log_format, force_polling=force_polling)
    return SupervisedProcess(
        "watcher",
        partial(start_child, command, environment),
        on_failure=partial(report_failure, target.database),
    )


def start_child(command: Sequence[str], environment: Mapping[str, str] | None) -> "subprocess.Popen[bytes]":
    """Start `gqlnews` with this command, until standard input ends. Ctrl-C does not reach it."""
    return subprocess.Popen(  # noqa: S603 - our own program, run by our own interpreter
        [sys.executable, "-m", "gqlnews", *command],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        process_group=0,  # so that Ctrl-C reaches only the server, which then stops this process
    )


def _watcher_command(target: IngestTarget, log_format: LogFormat, *, force_polling: bool) -> list[str]:
    command = ["ingest", str(target.folder), "--db", str(target.database), "--watch", "--until-eof"]
    command += content_arguments(target, log_format)
    return [*command, "--force-polling"] if force_polling else command
