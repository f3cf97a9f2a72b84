"""Handle for the process that runs all subscribers."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class DeliveredEvent:
    """When an event reached the first, the median and the last subscriber, by `time.monotonic`."""

    title: str
    first: float
    median: float
    last: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """Number of events, of those that some subscriber did not receive, and of wrong deliveries.

    A delivery is wrong if it is repeated or out of order.
    """

    events: int
    missing: int
    wrong: int


class Crowd:
    """The subscribers' process, whose id is `pid`."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self.pid = process.pid

    def wait_for(self, title: str) -> DeliveredEvent:
        """Wait until all subscribers have received the event with this title.

        Raises SystemExit if the process exits.
        """
        while True:
            seen = DeliveredEvent(**self._line())
            if seen.title == title:
                return seen

    def next(self) -> DeliveredEvent:
        return DeliveredEvent(**self._line())

    def finish(self) -> Verdict:
        assert self._process.stdin is not None
        self._process.stdin.close()
        return Verdict(**self._line())

    def wait_until_subscribed(self) -> None:
        self._line()

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the process of the subscribers has exited: see above")
        found: dict[str, Any] = orjson.loads(line)
        return found


@contextmanager
def subscribe_crowd(url: str, subscribers: int) -> Iterator[Crowd]:
    """Start the subscribers, wait until all have subscribed, and kill the process afterwards."""
    command = [sys.executable, "-m", "benchmarks.live.crowd", url, str(subscribers)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603 - our own module
        crowd = Crowd(process)
        try:
            crowd.wait_until_subscribed()
            yield crowd
        finally:
            process.kill()
