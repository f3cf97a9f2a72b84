"""Stop a command by signal, and supervise the child processes of a server."""

import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from itertools import chain, repeat
from queue import Empty, SimpleQueue
from types import FrameType

import typer

from gqlnews.server.observability.logs import STOP_SIGNAL_NAMES, log_event, stop_signals

# Supervise child processes: restart them when they exit, and end them with this process, however it ends.
#
# The standard input of each child is a pipe that only this process holds open. When this process ends, the
# pipe closes, and the child must exit at the end of its input.

RESTART_DELAYS = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds; the last one repeats
STABLE_AFTER = 5.0  # seconds; a process that ran this long is restarted at once, and the backoff is reset
STOP_TIMEOUT = 9.0  # seconds from closing a process's input until it is killed
KILL_INTERVAL = 0.1  # seconds between attempts to kill a process that may just be starting

StartProcess = Callable[[], "subprocess.Popen[bytes]"]


class SupervisedProcess:
    """One supervised process, with a thread that starts it and waits for it.

    `name` is its name in the log. `signal` may be called by a signal handler, even by one that interrupts
    another: so nothing here holds a lock that such a handler would wait for.
    """

    def __init__(
        self,
        name: str,
        start: StartProcess,
        running: "subprocess.Popen[bytes] | None" = None,
        on_failure: Callable[[str], None] = lambda reason: None,
    ) -> None:
        """Supervise the process `running`, or start one, with retries.

        `on_failure` is called with the reason when the process has exited or cannot be started.
        """
        self._name, self._start, self._on_failure = name, start, on_failure
        self._process = running
        self._signals: list[int] = []
        self._is_stopping = False
        self._wake: SimpleQueue[None] = SimpleQueue()  # ends a pause; its `put` is reentrant
        self._thread = threading.Thread(target=self._supervise, name=f"gqlnews-{name}", daemon=True)
        self._thread.start()

    def signal(self, number: int) -> None:
        """Send a signal to the process, and do not restart it from now on.

        If it is being started, it gets the signal once it has started.
        """
        self._signals.append(number)
        self._is_stopping = True
        self._wake.put(None)
        if (process := self._process) is not None:
            process.send_signal(number)

    def wait(self) -> None:
        """Wait until the process has exited for good."""
        self._thread.join()

    def stop(self) -> None:
        """Stop the process by closing its input; kill it after a timeout."""
        self._is_stopping = True
        self._wake.put(None)
        self._close_stdin()
        self._thread.join(STOP_TIMEOUT)
        while self._thread.is_alive():
            if (process := self._process) is not None:
                process.kill()
            self._thread.join(KILL_INTERVAL)

    def _close_stdin(self) -> None:
        process = self._process  # another thread may replace it
        if process is not None and process.stdin is not None:
            process.stdin.close()

    def _supervise(self) -> None:
        delays = _backoff()
        while self._process is not None or self._start_with_retry():
            assert self._process is not None
            started_at = time.monotonic()
            status = self._process.wait()
            if self._is_stopping:
                return
            log_event(f"{self._name} exited", status=status, again=True)
            self._on_failure(f"{self._name} exited with status {status}")
            if time.monotonic() - started_at >= STABLE_AFTER:
                delays = _backoff()
            else:
                self._pause(next(delays))
            self._close_stdin()
            self._process = None

    def _start_with_retry(self) -> bool:
        """Start the process, with retries; return False if it was stopped before it started."""
        reason, delays = None, _backoff()
        while not self._is_stopping:
            try:
                self._process = process = self._start()
            except Exception as error:  # temporarily out of memory, processes or open files
                if reason != (reason := str(error)):
                    log_event(f"{self._name} cannot be started", reason=reason, again=True)
                    self._on_failure(f"{self._name} cannot be started: {reason}")
                self._pause(next(delays))
                continue
            # A signal that came before was sent to no process, or to the previous one.
            for number in self._signals:
                process.send_signal(number)
            if self._is_stopping:
                self._close_stdin()
            return True
        return False

    def _pause(self, seconds: float) -> None:
        """Sleep until the process is to stop."""
        with suppress(Empty):
            self._wake.get(timeout=seconds)


def _backoff() -> Iterator[float]:
    """Yield the seconds to wait before each restart of a process that exited soon after its start."""
    return chain(RESTART_DELAYS, repeat(RESTART_DELAYS[-1]))


# Stop a command that is not serving yet by a signal, with a one-line message.

PROGRESS_STEPS = 100_000  # instructions of SQLite's virtual machine, which take some milliseconds


def print_error(line: str) -> None:
    """Print a line on standard error."""
    typer.echo(f"gqlnews: {line}", err=True)


@contextmanager
def exit_on_signal(
    consequence: str,
    *,
    code: int | None = None,
    print_message: Callable[[str], None] = print_error,
    signals: Collection[signal.Signals] | None = None,
) -> Iterator[None]:
    """On one of these signals (default: `stop_signals`), unwind the block, print `consequence`, and exit.

    The exit code is `code`, by default 128 + the signal's number. A second signal is ignored, so that
    unwinding can complete.
    """
    received: list[signal.Signals] = []

    def stop(number: int, frame: FrameType | None) -> None:
        if not received:
            received.append(signal.Signals(number))
            raise KeyboardInterrupt

    previous = {number: signal.signal(number, stop) for number in signals or stop_signals()}
    try:
        yield
    except BaseException:  # KeyboardInterrupt, or an error that it caused, as of an interrupted statement
        if not received:
            raise
        first = received[0]
        with suppress(OSError):  # after SIGHUP, the terminal may be gone
            print_message(f"stopped by {STOP_SIGNAL_NAMES[first]}; {consequence}")
        raise typer.Exit(128 + first if code is None else code) from None
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def make_interruptible(db: sqlite3.Connection) -> None:
    """Make long statements interruptible by signals.

    Python runs signal handlers only between its own instructions, so a progress handler runs some of these
    during a statement. If the signal handler raises an exception, SQLite interrupts the statement.
    """
    db.set_progress_handler(_noop_progress, PROGRESS_STEPS)


def _noop_progress() -> int:
    """Return 0, so that the statement continues."""
    return 0
