"""The attacker and the victim, each a process of its own, seen from the one that started them."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.hostile.place import ROOT, environment


class Process:
    """It says `ready`, may be told to begin, and says in its last line what it has seen."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._module = module
        command = [sys.executable, "-m", f"benchmarks.hostile.{module}", *arguments]
        self._process = subprocess.Popen(  # noqa: S603 - ours
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(ROOT)
        )

    def wait_until_ready(self) -> None:
        """SystemExit where it ends before."""
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            raise SystemExit(f"the {self._module} ended: see above")

    def begin(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def end(self, seconds: float) -> bytes:
        """Its last line. SystemExit where it does not end in time, or without one."""
        try:
            said, _ = self._process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise SystemExit(f"the {self._module} did not end in {seconds:.0f} s") from None
        if not said:
            raise SystemExit(f"the {self._module} ended: see above")
        return said

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def started(module: str, *arguments: str) -> Iterator[Process]:
    """Gone when the block ends."""
    process = Process(module, *arguments)
    try:
        yield process
    finally:
        process.kill()
