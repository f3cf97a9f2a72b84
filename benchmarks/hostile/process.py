"""Handles for the attacker and victim processes, used by the process that started them."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.hostile.target import environment
from benchmarks.trees import ROOT


class Process:
    """A child that prints `ready`, may wait for a start signal, and prints its result as its last line."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._module = module
        command = [sys.executable, "-m", f"benchmarks.hostile.{module}", *arguments]
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(ROOT)
        )

    def wait_until_ready(self) -> None:
        """Wait for `ready`. Raises SystemExit if the process exits first."""
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            raise SystemExit(f"the {self._module} exited: see above")

    def start_attack(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()

    def has_exited(self) -> bool:
        return self._process.poll() is not None

    def stop(self, seconds: float) -> bytes:
        """Return the last line. Raises SystemExit if the process times out or exits without one."""
        try:
            output, _ = self._process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise SystemExit(f"the {self._module} did not exit within {seconds:.0f} s") from None
        if not output:
            raise SystemExit(f"the {self._module} exited: see above")
        return output

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def start_process(module: str, *arguments: str) -> Iterator[Process]:
    """Run the process; kill it when the block ends."""
    process = Process(module, *arguments)
    try:
        yield process
    finally:
        process.kill()
