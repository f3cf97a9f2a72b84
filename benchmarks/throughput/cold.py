"""Cold starts: a server that has just started receives its full load at once.

They show the speed of a server before it has compiled, cached or measured anything.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from statistics import fmean

import msgspec

from benchmarks.throughput.awake import keep_awake
from benchmarks.throughput.load import Workload, run_turn
from benchmarks.throughput.rounds import CONNECTIONS, Bodies
from benchmarks.throughput.servers import Store, start

SECONDS = 3


class ColdStart(msgspec.Struct, frozen=True):
    """One start: requests per second in each second after it.

    `on_threads` is the share of the processor time that other threads than the main one spend after the first
    second: of gqlnews, those that run statements.
    """

    server: str
    query: str
    connections: int
    per_second: list[float]
    on_threads: float = 0.0

    @property
    def mean_rate(self) -> float:
        return fmean(self.per_second)

    @property
    def settled(self) -> float:
        """Mean rate after the first second."""
        return fmean(self.per_second[1:])


def cold_start(name: str, workload: Workload, store: Store) -> ColdStart:
    """Start the server and load it for SECONDS; `workload` is the load of one second."""
    awake = keep_awake() if workload.connections == 1 else nullcontext()
    with awake, start(name, store) as server:
        per_second = [run_turn(server, workload).per_second]
        with server.measure_threads() as on_threads:
            per_second += [run_turn(server, workload).per_second for _ in range(SECONDS - 1)]
    return ColdStart(name, workload.query, workload.connections, per_second, on_threads.value)


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
