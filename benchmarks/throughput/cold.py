"""Cold starts: a server that has just started receives its full load at once.

They show the speed of a server before it has compiled, cached or measured anything.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from statistics import fmean

import msgspec

from benchmarks.throughput.awake import keep_awake
from benchmarks.throughput.load import Workload, run_turn
from benchmarks.throughput.process import Server
from benchmarks.throughput.rounds import CONNECTIONS, Bodies
from benchmarks.throughput.servers import Store, start

SECONDS = 3


class ColdStart(msgspec.Struct, frozen=True):
    """One start: requests per second in each second after it."""

    server: str
    query: str
    connections: int
    per_second: list[float]

    @property
    def mean_rate(self) -> float:
        return fmean(self.per_second)

    @property
    def settled(self) -> float:
        """Mean rate after the first second."""
        return fmean(self.per_second[1:])


BackgroundLoad = Callable[[Server, Store], AbstractContextManager[None]]
"""Context manager that runs a background load."""


def no_load(_server: Server, _store: Store) -> AbstractContextManager[None]:
    return nullcontext()


def cold_start(
    name: str, workload: Workload, store: Store, seconds: int = SECONDS, background: BackgroundLoad = no_load
) -> ColdStart:
    """Start the server and load it for `seconds`; `workload` is the load of one second."""
    awake = keep_awake() if workload.connections == 1 else nullcontext()
    with awake, start(name, store) as server, background(server, store):
        per_second = [run_turn(server, workload).per_second for _ in range(seconds)]
    return ColdStart(name, workload.query, workload.connections, per_second)


def cold_starts(
    servers: Sequence[str],
    bodies: Bodies,
    store: Store,
    starts: int,
    report: Callable[[str], None],
) -> Iterator[ColdStart]:
    """Start each server `starts` times per query and number of connections, in turns."""
    if not servers:
        return
    for number in range(starts):
        for query in dict.fromkeys(query for _, query in bodies):
            for many in CONNECTIONS:
                report(f"cold start {number + 1} of {starts}: {query}, {many} connections")
                for name in servers:
                    workload = Workload(query, bodies[name, query], many, 1, start=number / starts)
                    yield cold_start(name, workload, store)
