"""The effect of an attack on another client, compared with the time before the attack, and the goals."""

from collections.abc import Sequence

import msgspec

from benchmarks.hostile.floods import Counters
from benchmarks.hostile.victim import OK, Sample
from benchmarks.live.report import percentile

MAX_P99 = 0.1  # seconds, on an otherwise idle machine
MAX_DELAY = 0.5  # seconds between the rename of a file and its event
MAX_GROWTH = 150_000_000  # bytes above the start
MAX_RETAINED = 30_000_000  # bytes above the start after the attack, without caches


class Times(msgspec.Struct, frozen=True):
    """Latencies of a client's queries in seconds. `failed` counts timeouts and statuses other than 200."""

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
    """Median and longest delay from an edit to its event, in seconds. `lost` counts missing events."""

    number: int
    median: float
    longest: float
    lost: int


class Memory(msgspec.Struct, frozen=True):
    """Anonymous memory of the server and its child processes, in bytes.

    `cached` of `after` belongs to the caches of responses, root fields, documents and prepared requests,
    which are empty at the start and whose sizes are limited.
    """

    before: int
    most: int
    after: int
    cached: int = 0


class Result(msgspec.Struct, frozen=True):
    """Result of one attack.

    `unready` of the `health` probes did not get a 200 within two seconds. `survived` says whether the
    server process is still running.
    """

    name: str
    group: int = msgspec.field(name="row")  # the name in files that earlier runs wrote
    what: str
    sent: Counters
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
        """Return the names of the missed goals."""
        memory = self.memory
        goals = {
            "p99": self.attacked.p99 <= MAX_P99,
            "events": self.events.longest <= MAX_DELAY and not self.events.lost,
            "memory": memory.most - memory.before <= MAX_GROWTH,
            "left": memory.after - memory.cached - memory.before <= MAX_RETAINED,
            "errors": not self.attacked.failed,
            "ready": self.survived and not self.unready,
        }
        return [name for name, met in goals.items() if not met]
