"""What a run found, as it is written to a file, and what follows from it: medians and ratios."""

from collections.abc import Iterable
from statistics import median

import msgspec

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

    def of(self, server: str, question: str, connections: int) -> list[Turn]:
        """Turns in the order of the rounds; empty where there was none."""
        wanted = (server, question, connections)
        return [turn for turn in self.turns if (turn.server, turn.question, turn.connections) == wanted]

    def middle(self, server: str, question: str, connections: int) -> Turn:
        """The medians over the rounds."""
        turns = self.of(server, question, connections)
        return Turn(
            round=len(turns),
            server=server,
            question=question,
            connections=connections,
            per_second=median(turn.per_second for turn in turns),
            p50=round(median(turn.p50 for turn in turns)),
            p99=round(median(turn.p99 for turn in turns)),
            cpu=median(turn.cpu for turn in turns),
        )

    def ratio(self, server: str, other: str, question: str, connections: int) -> float:
        """How many times as many requests a second as the other: of each round by itself, then the median."""
        pairs = zip(
            self.of(server, question, connections), self.of(other, question, connections), strict=True
        )
        return median(mine.per_second / its.per_second for mine, its in pairs)

    def fastest(self, servers: Iterable[str], question: str, connections: int) -> str | None:
        """Which of these servers answers most; None where none of them ran."""
        ran = [server for server in servers if server in self.servers]
        return max(ran, key=lambda name: self.middle(name, question, connections).per_second, default=None)
