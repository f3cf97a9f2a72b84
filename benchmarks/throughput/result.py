"""What a run found, as it is written to a file, and what follows from it.

Whoever else uses the machine can only slow a turn down. So the best round says most of what a server can do:
over repeated runs, ratios of the best differ by a tenth where medians of ratios differ by a fifth, and by
half at worst.
"""

from collections.abc import Iterable
from statistics import median

import msgspec

from benchmarks.throughput.cold import ColdStart
from benchmarks.throughput.load import Turn


class Asking(msgspec.Struct, frozen=True):
    """A question: how many different requests, and the mean size of an answer in bytes."""

    name: str
    requests: int
    bytes: int


class Result(msgspec.Struct, frozen=True):
    """A run: on what machine, over which articles, what was asked, and every turn."""

    machine: str
    articles: str
    rounds: int
    seconds: int
    questions: list[Asking]
    servers: list[str]
    turns: list[Turn]
    cold: list[ColdStart]

    def of(self, server: str, question: str, connections: int) -> list[Turn]:
        """Turns in the order of the rounds; empty where there was none."""
        wanted = (server, question, connections)
        return [turn for turn in self.turns if (turn.server, turn.question, turn.connections) == wanted]

    def best(self, server: str, question: str, connections: int) -> Turn:
        """The best of the rounds; latencies are medians over them."""
        turns = self.of(server, question, connections)
        return Turn(
            round=len(turns),
            server=server,
            question=question,
            connections=connections,
            per_second=max(turn.per_second for turn in turns),
            p50=round(median(turn.p50 for turn in turns)),
            p99=round(median(turn.p99 for turn in turns)),
            cpu=min(turn.cpu for turn in turns),
        )

    def ratio(self, server: str, other: str, question: str, connections: int) -> float:
        """How many times as many requests a second as the other."""
        mine, its = (self.best(name, question, connections) for name in (server, other))
        return mine.per_second / its.per_second

    def cold_of(self, server: str, question: str, connections: int) -> list[ColdStart]:
        """Its cold starts; empty where there was none."""
        wanted = (server, question, connections)
        return [one for one in self.cold if (one.server, one.question, one.connections) == wanted]

    def fastest(self, servers: Iterable[str], question: str, connections: int) -> str | None:
        """Which of these servers answers most; None where none of them ran."""
        ran = [server for server in servers if server in self.servers]
        return max(ran, key=lambda name: self.best(name, question, connections).per_second, default=None)

    @property
    def cold_servers(self) -> list[str]:
        """Those that were started cold, in their order."""
        return list(dict.fromkeys(one.server for one in self.cold))
