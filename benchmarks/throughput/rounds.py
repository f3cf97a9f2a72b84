"""Measurement rounds. In each, every server runs every query, so that a slow minute affects all servers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

from benchmarks.throughput.awake import keep_awake
from benchmarks.throughput.load import Turn, Workload, run_turn
from benchmarks.throughput.process import Server

CONNECTIONS = (32, 1)
WARM_SECONDS = 1
WARM_CONNECTIONS = 8

Bodies = Mapping[tuple[str, str], Path]
"""(server, query) → the file of request bodies."""


def warm(servers: Iterable[Server], bodies: Bodies) -> None:
    """Send every query to every server for a while, without counting."""
    for server in servers:
        for (name, query), file in bodies.items():
            if name == server.name:
                run_turn(server, Workload(query, file, WARM_CONNECTIONS, WARM_SECONDS))


def run_rounds(
    servers: Sequence[Server],
    queries: Sequence[str],
    bodies: Bodies,
    rounds: int,
    seconds: int,
    report: Callable[[str], None],
) -> list[Turn]:
    """Run all turns. Each round begins with another server and at another position in the requests."""
    turns = []
    for number in range(rounds):
        first = number % len(servers)
        for query in queries:
            report(f"round {number + 1} of {rounds}: {query}")
            for connections in CONNECTIONS:
                with keep_awake() if connections == 1 else nullcontext():
                    for server in (*servers[first:], *servers[:first]):
                        file = bodies[server.name, query]
                        workload = Workload(query, file, connections, seconds, start=number / rounds)
                        turns.append(run_turn(server, workload, number))
    return turns
