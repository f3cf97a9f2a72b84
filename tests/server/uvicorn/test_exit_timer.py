"""A server ends with status 0 in time, even if something does not respond or processors are busy."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.ingest.watch_process import until
from tests.server.support import SOON, serving

WATCHED = {"GQLNEWS_WATCH": "1"}
STOPS = 1
BUSY = "print(flush=True)\nwhile True: pass"


def children(pid: int) -> list[int]:
    """Return the child processes of a process, whichever of its threads started them."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found


@contextmanager
def suspended(pid: int) -> Iterator[None]:
    """Suspend a process; it does not respond to signals, nor to the end of its input."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):  # the kernel ends a suspended process that lost its parent
            os.kill(pid, signal.SIGKILL)


@contextmanager
def busy_processors() -> Iterator[None]:
    """Run twice as many busy processes as there are processors."""
    burners = [
        subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE)  # noqa: S603 - our interpreter
        for _ in range(2 * len(os.sched_getaffinity(0)))
    ]
    try:
        for burner in burners:
            assert burner.stdout is not None
            burner.stdout.readline()
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.communicate()


def test_ctrl_c_does_not_wait_for_a_watcher_that_does_not_respond(content: Path, tmp_path: Path) -> None:
    with serving(tmp_path, content, env=WATCHED) as (_, run):
        run.wait_for("watching")
        (watcher,) = children(run.process.pid)
        with suspended(watcher):
            assert run.stop(signal.SIGINT) < SOON
        assert run.process.returncode == 0
        assert "Traceback" not in run.remaining_output()


@pytest.mark.parametrize(("number", "seconds"), [(signal.SIGINT, SOON), (signal.SIGTERM, 10.0 + SOON)])
def test_a_worker_that_does_not_respond_is_left(
    content: Path, tmp_path: Path, number: int, seconds: float
) -> None:
    with serving(tmp_path, content, "--workers", "2") as (_, run):
        until(lambda: len(children(run.process.pid)) == 2, "there are no workers")
        with suspended(children(run.process.pid)[0]):
            assert run.stop(number) < seconds
        assert run.process.returncode == 0


def test_further_signals_do_not_change_the_status(content: Path, tmp_path: Path) -> None:
    with serving(tmp_path, content, env=WATCHED) as (_, run):
        run.wait_for("watching")
        (watcher,) = children(run.process.pid)
        with suspended(watcher):
            run.process.send_signal(signal.SIGINT)
            run.wait_for("stopped")
            for number in (signal.SIGINT, signal.SIGTERM):
                run.process.send_signal(number)
            assert run.process.wait(SOON) == 0
        assert "Traceback" not in run.remaining_output()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_on_busy_processors(content: Path, tmp_path: Path, workers: str) -> None:
    for _ in range(STOPS):
        with serving(tmp_path, content, "--workers", workers, env=WATCHED) as (_, run):
            with busy_processors():
                assert run.stop(signal.SIGINT) < SOON
            assert run.process.returncode == 0
            assert "Traceback" not in run.remaining_output()
