"""Fabricated benchmark results for tests."""

from benchmarks.throughput.cold import ColdStart
from benchmarks.throughput.load import Turn
from benchmarks.throughput.result import QueryInfo, Result
from benchmarks.throughput.rounds import CONNECTIONS


def cold(server: str, *rates: float, query: str = "front") -> list[ColdStart]:
    """Cold starts with this rate after the first second, and half of it before."""
    return [ColdStart(server, query, many, [rate / 2, rate, rate]) for many in CONNECTIONS for rate in rates]


def result(rates: dict[str, list[float]], query: str = "front") -> Result:
    """Build a result from the rates of each server per round, equal for every number of connections."""
    turns = [
        Turn(number, server, query, connections, rate, p50=round(1e6 / rate), p99=2500, cpu=400.0)
        for connections in CONNECTIONS
        for server, of_rounds in rates.items()
        for number, rate in enumerate(of_rounds)
    ]
    return Result("2 cores", "10 articles", 3, 2, [QueryInfo(query, 100, 28_000)], list(rates), turns, [])
