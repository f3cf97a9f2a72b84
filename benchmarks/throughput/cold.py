"""Cold starts: a server that has just started gets its full load at once.

A server must be fast when it is needed, before it could compile or learn anything while running.
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
    question: str
    connections: int
    per_second: list[float]

    @property
    def whole(self) -> float:
        return fmean(self.per_second)

    @property
    def settled(self) -> float:
        """Mean rate after the first second."""
        return fmean(self.per_second[1:])


BackgroundLoad = Callable[[Server, Store], AbstractContextManager[None]]
"""Runs something else beside the load."""


def no_load(_server: Server, _place: Store) -> AbstractContextManager[None]:
    return nullcontext()


def cold_start(
    name: str, workload: Workload, store: Store, seconds: int = SECONDS, background: BackgroundLoad = no_load
) -> ColdStart:
    """Start the server and load it for `seconds`; `workload` is the load of one second."""
    awakening = keep_awake() if workload.connections == 1 else nullcontext()
    with awakening, start(name, store) as server, background(server, store):
        per_second = [run_turn(server, workload).per_second for _ in range(seconds)]
    return ColdStart(name, workload.question, workload.connections, per_second)


def cold_starts(
    servers: Sequence[str],
    bodies: Bodies,
    store: Store,
    starts: int,
    report: Callable[[str], None],
) -> Iterator[ColdStart]:
    """Start each server `starts` times per question and number of connections, in turns."""
    if not servers:
        return
    for number in range(starts):
        for question in dict.fromkeys(question for _, question in bodies):
            for many in CONNECTIONS:
                report(f"cold start {number + 1} of {starts}: {question}, {many} connections")
                for name in servers:
                    workload = Workload(question, bodies[name, question], many, 1, start=number / starts)
                    yield cold_start(name, workload, store)
