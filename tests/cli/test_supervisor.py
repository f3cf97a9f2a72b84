"""A supervised process is restarted, even if the first attempts fail."""

import subprocess
import sys
from collections.abc import Callable

from gqlnews.cli.supervisor import SupervisedProcess
from tests.live import wait_until

LIVING = [sys.executable, "-c", "input()"]


class Starts:
    """Starts a process that runs until its input ends; `failures` starts after the first one fail."""

    def __init__(self, failures: int) -> None:
        self.processes: list[subprocess.Popen[bytes]] = []
        self.failed = 0
        self._failures = failures

    def __call__(self) -> "subprocess.Popen[bytes]":
        if self.processes and self.failed < self._failures:
            self.failed += 1
            subprocess.Popen(["/no such program"])
        process = subprocess.Popen(LIVING, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603
        self.processes.append(process)
        return process


def supervised(starts: Callable[[], "subprocess.Popen[bytes]"]) -> SupervisedProcess:
    return SupervisedProcess("process", starts)


def test_a_failed_start_is_retried() -> None:
    starts = Starts(failures=1)
    one = supervised(starts)
    starts.processes[0].kill()
    wait_until(lambda: len(starts.processes) == 2)
    assert starts.failed == 1
    one.stop()
    assert starts.processes[1].wait(10) is not None


def test_stop_ends_the_restart_retries() -> None:
    starts = Starts(failures=1000)
    one = supervised(starts)
    starts.processes[0].kill()
    wait_until(lambda: starts.failed > 0)
    one.stop()
    assert len(starts.processes) == 1
