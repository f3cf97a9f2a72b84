"""Cold starts: a server that has just started gets all its connections at once.

What a server learns while it runs, or compiles, must not decide how fast it is when it is needed.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from statistics import fmean

import msgspec

from benchmarks.throughput.awake import awake
from benchmarks.throughput.load import Asked, put
from benchmarks.throughput.process import Server
from benchmarks.throughput.rounds import CONNECTIONS, Bodies
from benchmarks.throughput.servers import Place, start

SECONDS = 3


class ColdStart(msgspec.Struct, frozen=True):
    """One start: requests a second in each second after it."""

    server: str
    question: str
    connections: int
    per_second: list[float]

    @property
    def whole(self) -> float:
        return fmean(self.per_second)

    @property
    def settled(self) -> float:
        """From the second second on."""
        return fmean(self.per_second[1:])


Beside = Callable[[Server, Place], AbstractContextManager[None]]
"""What goes on beside the load."""


def nothing(_server: Server, _place: Place) -> AbstractContextManager[None]:
    return nullcontext()


def cold_start(
    name: str, asked: Asked, place: Place, seconds: int = SECONDS, beside: Beside = nothing
) -> ColdStart:
    """Start the server, and load it for so many seconds; `asked` is what each of them asks."""
    awakening = awake() if asked.connections == 1 else nullcontext()
    with awakening, start(name, place) as server, beside(server, place):
        per_second = [put(server, asked).per_second for _ in range(seconds)]
    return ColdStart(name, asked.question, asked.connections, per_second)


def cold_starts(
    servers: Sequence[str],
    bodies: Bodies,
    place: Place,
    starts: int,
    say: Callable[[str], None],
) -> Iterator[ColdStart]:
    """Each server, question and number of connections, so many times, in turns."""
    if not servers:
        return
    for number in range(starts):
        for question in dict.fromkeys(question for _, question in bodies):
            for many in CONNECTIONS:
                say(f"cold start {number + 1} of {starts}: {question}, {many} connections")
                for name in servers:
                    asked = Asked(question, bodies[name, question], many, 1, start=number / starts)
                    yield cold_start(name, asked, place)
