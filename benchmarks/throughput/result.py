"""The result of a run, as written to a file, and figures derived from it.

Other load on the machine can only slow a turn down, so the best round is the best estimate of what a
server can do. Over repeated runs, ratios of the best rounds differ by a tenth, while medians of ratios
differ by a fifth, and by half at worst.
"""

from collections.abc import Iterable
from statistics import median

import msgspec

from benchmarks.throughput.cold import ColdStart
from benchmarks.throughput.load import Turn


class QueryInfo(msgspec.Struct, frozen=True):
    """A query: the number of different requests, and the mean response size in bytes."""

    name: str
    requests: int
    bytes: int


class Result(msgspec.Struct, frozen=True):
    """A run: the machine, the articles, the queries, and every turn."""

    machine: str
    articles: str
    rounds: int
    seconds: int
    queries: list[QueryInfo]
    servers: list[str]
    turns: list[Turn]
    cold: list[ColdStart]

    def of(self, server: str, query: str, connections: int) -> list[Turn]:
        """Return the turns in the order of the rounds, possibly none."""
        wanted = (server, query, connections)
        return [turn for turn in self.turns if (turn.server, turn.query, turn.connections) == wanted]

    def best(self, server: str, query: str, connections: int) -> Turn:
        """Return the best round, with latencies that are medians over the rounds."""
        turns = self.of(server, query, connections)
        return Turn(
            round=len(turns),
            server=server,
            query=query,
            connections=connections,
            per_second=max(turn.per_second for turn in turns),
            p50=round(median(turn.p50 for turn in turns)),
            p99=round(median(turn.p99 for turn in turns)),
            cpu=min(turn.cpu for turn in turns),
        )

    def ratio(self, server: str, other: str, query: str, connections: int) -> float:
        """Return the requests per second as a multiple of the other server's."""
        own, other_turn = (self.best(name, query, connections) for name in (server, other))
        return own.per_second / other_turn.per_second

    def cold_of(self, server: str, query: str, connections: int) -> list[ColdStart]:
        """Return the server's cold starts, possibly none."""
        wanted = (server, query, connections)
        return [one for one in self.cold if (one.server, one.query, one.connections) == wanted]

    def fastest(self, servers: Iterable[str], query: str, connections: int) -> str | None:
        """Return the fastest of these servers, or None if none of them ran."""
        ran = [server for server in servers if server in self.servers]
        return max(ran, key=lambda name: self.best(name, query, connections).per_second, default=None)

    @property
    def cold_servers(self) -> list[str]:
        """Return the servers that were started cold, in their order."""
        return list(dict.fromkeys(one.server for one in self.cold))
