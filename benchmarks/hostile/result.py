"""What another client noticed of an attack, beside what it noticed in quiet, and the goals."""

from collections.abc import Sequence

import msgspec

from benchmarks.hostile.floods import Tally
from benchmarks.hostile.victim import OK, Sample
from benchmarks.live.report import percentile

MOST_P99 = 0.1  # seconds, on a machine that does nothing else
MOST_DELAY = 0.5  # seconds, from the rename of a file to its event
MOST_GROWTH = 150_000_000  # bytes above the start
MOST_LEFT = 30_000_000  # bytes above the start, afterwards


class Times(msgspec.Struct, frozen=True):
    """Of a client's queries, in seconds; `failed` are timeouts and answers with another status than 200."""

    number: int
    p50: float
    p99: float
    longest: float
    failed: int

    @staticmethod
    def of(samples: Sequence[Sample]) -> "Times":
        if not samples:
            return Times(0, 0.0, 0.0, 0.0, 0)
        seconds = [one.seconds for one in samples]
        failed = sum(one.status != OK for one in samples)
        return Times(len(samples), percentile(seconds, 0.5), percentile(seconds, 0.99), max(seconds), failed)


class Delays(msgspec.Struct, frozen=True):
    """Seconds from an edit to its event: the median and the longest; `lost` have not come at all."""

    number: int
    median: float
    longest: float
    lost: int


class Memory(msgspec.Struct, frozen=True):
    """Bytes of anonymous memory of the server and the processes that it started."""

    before: int
    most: int
    after: int


class Result(msgspec.Struct, frozen=True):
    """Of one attack. `unready` of the `health` probes were not answered with 200 within two seconds;
    `survived`: the server process is still there.
    """

    name: str
    row: int
    what: str
    sent: Tally
    quiet: Times
    attacked: Times
    quiet_events: Delays
    events: Delays
    memory: Memory
    health: int
    unready: int
    survived: bool

    @property
    def ratio(self) -> float:
        return self.attacked.p99 / self.quiet.p99 if self.quiet.p99 else 0.0

    def missed(self) -> list[str]:
        """The goals that are missed, in a word each."""
        memory = self.memory
        goals = {
            "p99": self.attacked.p99 <= MOST_P99,
            "events": self.events.longest <= MOST_DELAY and not self.events.lost,
            "memory": memory.most - memory.before <= MOST_GROWTH,
            "left": memory.after - memory.before <= MOST_LEFT,
            "errors": not self.attacked.failed,
            "ready": self.survived and not self.unready,
        }
        return [name for name, met in goals.items() if not met]
