"""A crowd of subscribers, seen from the process that started it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Seen:
    """When an event reached the first, the middle and the last of them, by `time.monotonic`."""

    title: str
    first: float
    median: float
    last: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many events there were, how many somebody lacks, how often one came twice or out of order."""

    events: int
    lacking: int
    wrong: int


class Crowd:
    """`pid` is that of its process."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self.pid = process.pid

    def wait_for(self, title: str) -> Seen:
        """The event that brought this title, once everyone has it. SystemExit where the crowd is gone."""
        while True:
            seen = Seen(**self._line())
            if seen.title == title:
                return seen

    def next(self) -> Seen:
        return Seen(**self._line())

    def end(self) -> Verdict:
        assert self._process.stdin is not None
        self._process.stdin.close()
        return Verdict(**self._line())

    def begin(self) -> None:
        self._line()

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the subscribers are gone: see above")
        found: dict[str, Any] = orjson.loads(line)
        return found


@contextmanager
def watching(url: str, subscribers: int) -> Iterator[Crowd]:
    """So many, all of them watching; gone afterwards."""
    command = [sys.executable, "-m", "benchmarks.live.crowd", url, str(subscribers)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603 - ours
        crowd = Crowd(process)
        try:
            crowd.begin()
            yield crowd
        finally:
            process.kill()
