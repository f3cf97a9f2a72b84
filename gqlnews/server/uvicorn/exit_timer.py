"""End the process with status 0 at a deadline after a stop signal, whatever it is still doing.

Stopping closes connections, threads, a database and child processes. On a busy machine, or if one of them
does not respond, that takes longer than the documented limits. Nothing would be lost then: the server only
reads the database, and its child processes exit when it does.
"""

import os
import signal
import sys
import time
from _thread import start_new_thread
from contextlib import suppress
from typing import NoReturn

EXIT_AFTER_SECONDS = {signal.SIGINT: 0.7, signal.SIGTERM: 9.5, signal.SIGHUP: 9.5}
"""Seconds from the signal until the process exits; the documented limits are 1 and 10."""

PARENT_DELAY = 0.1  # seconds that a parent process waits longer than its children
LAST_RESORT_SECONDS = 10.0  # from then until SIGALRM kills a process in which no thread can run


def exit_after(seconds: float) -> None:
    """Exit with status 0 after this time. May be called by a signal handler, and again."""
    signal.setitimer(signal.ITIMER_REAL, seconds + LAST_RESORT_SECONDS)
    with suppress(RuntimeError):  # no thread can be started
        start_new_thread(_exit_after, (seconds,))  # `threading` has locks that the interrupted code may hold


def _exit_after(seconds: float) -> None:
    time.sleep(seconds)
    os._exit(0)


def exit_now() -> NoReturn:
    """Exit with status 0 without the cleanup of the interpreter, which takes long on a busy machine."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # closed, or its reader has exited
            stream.flush()
    os._exit(0)
