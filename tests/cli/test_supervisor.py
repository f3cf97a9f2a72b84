"""A supervised process is restarted whatever fails, and stopped whenever that is requested."""

import errno
import io
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from gqlnews.cli import supervisor
from gqlnews.cli.supervisor import SupervisedProcess
from gqlnews.config.values import LogFormat
from gqlnews.server.observability import logs
from tests.live import wait_until
from tests.server.support import SOON

LIVING = "input()"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"
CATCHING = """
import signal, sys
def stop(number, frame):
    sys.exit(number)
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, stop)
print(flush=True)
while True:
    signal.pause()
"""
FAILURES = [
    BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
    OSError(errno.EMFILE, "Too many open files"),
    BrokenPipeError(errno.EPIPE, "Broken pipe"),
    MemoryError(),
    RuntimeError("can't start new thread"),
    subprocess.SubprocessError("Exception occurred in preexec_fn."),
]

Process = subprocess.Popen[bytes]


class Starts:
    """Starts a process; `failures` starts after the first `successes` ones fail with `error`.

    With `hold`, a start after the first one takes until `release` is called.
    """

    def __init__(
        self, code: str = LIVING, *, failures: int = 0, error: Exception = FAILURES[0], successes: int = 1
    ) -> None:
        self.processes: list[Process] = []
        self.failed = 0
        self._code, self._failures, self._error, self._successes = code, failures, error, successes
        self.hold = False
        self.holding, self._released = threading.Event(), threading.Event()

    def release(self) -> None:
        self._released.set()

    def __call__(self) -> Process:
        if len(self.processes) >= self._successes and self.failed < self._failures:
            self.failed += 1
            raise self._error
        if self.hold and self.processes:
            self.holding.set()
            assert self._released.wait(SOON)
        process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", self._code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        if self._code is not LIVING:
            assert process.stdout is not None
            process.stdout.readline()  # it has its signal handlers
        self.processes.append(process)
        return process


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "RESTART_DELAYS", (0.01,))


@contextmanager
def supervised(starts: Starts) -> Iterator[SupervisedProcess]:
    one = SupervisedProcess("process", starts)
    try:
        yield one
    finally:
        starts.release()
        one.stop()
        for process in starts.processes:
            assert process.poll() is not None
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                pipe.close()


def restarted(starts: Starts, count: int) -> Callable[[], bool]:
    return lambda: len(starts.processes) == count


@pytest.mark.parametrize("error", FAILURES, ids=repr)
def test_a_failed_start_is_retried(error: Exception) -> None:
    starts = Starts(failures=3, error=error)
    with supervised(starts):
        wait_until(restarted(starts, 1))
        starts.processes[0].kill()
        wait_until(restarted(starts, 2))
        assert starts.failed == 3
        starts.processes[1].kill()
        wait_until(restarted(starts, 3))


def test_a_failed_first_start_is_retried() -> None:
    starts = Starts(failures=3, successes=0)
    with supervised(starts):
        wait_until(restarted(starts, 1))
        assert starts.failed == 3


def test_a_log_that_cannot_be_written_does_not_end_the_restarts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_root", logging.Logger("for this test"))
    starts = Starts(failures=2)
    with (
        io.TextIOWrapper(io.FileIO("/dev/full", "w"), write_through=True) as full,
        supervised(starts),
    ):
        logs.configure(LogFormat.TEXT, full)
        for count in (1, 2, 3):
            wait_until(restarted(starts, count))
            starts.processes[-1].kill()
        wait_until(restarted(starts, 4))


def test_stop_ends_the_restart_retries() -> None:
    starts = Starts(failures=10**9)
    with supervised(starts) as one:
        wait_until(restarted(starts, 1))
        starts.processes[0].kill()
        wait_until(lambda: starts.failed > 0)
        one.stop()
    assert len(starts.processes) == 1


def test_stop_ends_the_pause_before_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "RESTART_DELAYS", (3600.0,))
    starts = Starts()
    with supervised(starts) as one:
        wait_until(restarted(starts, 1))
        starts.processes[0].kill()
        starts.processes[0].wait()
        one.stop()
    assert len(starts.processes) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_reaches_the_running_process(number: int) -> None:
    starts = Starts(CATCHING)
    with supervised(starts) as one:
        wait_until(restarted(starts, 1))
        one.signal(number)
        one.wait()
        assert [process.returncode for process in starts.processes] == [number]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_a_restart_reaches_the_new_process(number: int) -> None:
    starts = Starts(CATCHING)
    with supervised(starts) as one:
        wait_until(restarted(starts, 1))
        starts.hold = True
        starts.processes[0].kill()
        assert starts.holding.wait(SOON)
        one.signal(number)
        starts.release()
        one.wait()
        assert [process.returncode for process in starts.processes] == [-signal.SIGKILL, number]


def test_a_signal_during_the_pause_ends_the_supervision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "RESTART_DELAYS", (3600.0,))
    starts = Starts()
    with supervised(starts) as one:
        wait_until(restarted(starts, 1))
        starts.processes[0].kill()
        starts.processes[0].wait()
        one.signal(signal.SIGTERM)
        one.wait()
        assert len(starts.processes) == 1


def test_stop_during_a_restart_ends_the_new_process() -> None:
    starts = Starts()
    with supervised(starts) as one:
        wait_until(restarted(starts, 1))
        starts.hold = True
        starts.processes[0].kill()
        assert starts.holding.wait(SOON)
        stopping = threading.Thread(target=one.stop)
        stopping.start()
        wait_until(lambda: one._is_stopping)
        starts.release()
        stopping.join(SOON)
        assert not stopping.is_alive()
        assert len(starts.processes) == 2


def test_stop_kills_a_process_that_ignores_the_end_of_its_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "STOP_TIMEOUT", 0.1)
    starts = Starts(DEAF)
    with supervised(starts) as one:
        wait_until(restarted(starts, 1))
        one.stop()
        assert starts.processes[0].returncode == -signal.SIGKILL


def test_stop_kills_a_deaf_process_that_was_started_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "STOP_TIMEOUT", 0.1)
    starts = Starts(DEAF)
    with supervised(starts) as one:
        wait_until(restarted(starts, 1))
        starts.hold = True
        starts.processes[0].kill()
        assert starts.holding.wait(SOON)
        stopping = threading.Thread(target=one.stop)
        stopping.start()
        wait_until(lambda: one._is_stopping)
        starts.release()
        stopping.join(SOON)
        assert not stopping.is_alive()
        assert starts.processes[1].returncode == -signal.SIGKILL


def test_signal_handlers_may_interrupt_each_other() -> None:
    """Two signals arrive while a handler forwards the first of them."""
    starts = Starts(CATCHING)
    with supervised(starts) as one:
        wait_until(restarted(starts, 1))
        previous = {
            number: signal.signal(number, lambda number, _: one.signal(number))
            for number in (signal.SIGUSR1, signal.SIGTERM)
        }
        starts.processes[0].send_signal(signal.SIGSTOP)
        deadline = time.monotonic() + 0.5
        sender = threading.Thread(target=_send_until, args=(deadline,))
        sender.start()
        sender.join()
        for number, handler in previous.items():
            signal.signal(number, handler)
        starts.processes[0].send_signal(signal.SIGCONT)
        one.wait()


def _send_until(deadline: float) -> None:
    while time.monotonic() < deadline:
        for number in (signal.SIGUSR1, signal.SIGTERM):
            os.kill(os.getpid(), number)
