"""Runs made up for tests."""

from benchmarks.throughput.load import Turn
from benchmarks.throughput.result import Asking, Result
from benchmarks.throughput.rounds import CONNECTIONS


def result(rates: dict[str, list[float]], question: str = "front") -> Result:
    """Server → its requests a second in each round, the same at every number of connections."""
    turns = [
        Turn(number, server, question, connections, rate, p50=round(1e6 / rate), p99=2500, cpu=400.0)
        for connections in CONNECTIONS
        for server, of_rounds in rates.items()
        for number, rate in enumerate(of_rounds)
    ]
    return Result("2 cores", "10 articles", 3, 2, [Asking(question, 100, 28_000)], list(rates), turns, [])
