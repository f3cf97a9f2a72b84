"""`python -m benchmarks.throughput.sizes SMALL.db LARGER.db …`: response times of stores of different sizes.

Sends the same two queries, one article and a front page, to a gqlnews over each database, in turns,
without the response cache. The other databases are compared with the first one.
"""

import argparse
import sqlite3
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from benchmarks.figures import Figure, at_most, show
from benchmarks.throughput.client import Client
from benchmarks.throughput.load import Workload, require_wrk, run_turn
from benchmarks.throughput.process import Server
from benchmarks.throughput.progress import report
from benchmarks.throughput.requests import draw
from benchmarks.throughput.same_responses import fetch_responses
from benchmarks.throughput.servers import start_stored

QUERIES = ("article", "front")
CONNECTIONS = 1  # because it measures latency
ROUNDS = 5
SECONDS = 2
GOAL = 1.3


@dataclass(frozen=True, slots=True)
class Store:
    """A server, its number of articles, and the requests and mean response size of each query."""

    server: Server
    articles: int
    bodies: dict[str, Path]
    bytes: dict[str, float]


def main() -> None:
    require_wrk()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput.sizes", description=__doc__)
    parser.add_argument(
        "databases", type=Path, nargs="+", help="databases that `gqlnews ingest` wrote, smallest first"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gqlnews-bench-") as scratch, ExitStack() as stack:
        stores = []
        for number, database in enumerate(arguments.databases):
            report(database.name)
            folder = Path(scratch) / str(number)
            folder.mkdir()
            server = stack.enter_context(start_stored(database, folder))
            stores.append(_store(server, database, folder))
        figures = [figure for query in QUERIES for figure in measure(stores, query)]
    show(f"Median latencies, {CONNECTIONS} connection; the best of {ROUNDS} rounds", figures)


def _store(server: Server, database: Path, folder: Path) -> Store:
    db = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    articles: int = db.execute("SELECT count(*) FROM article").fetchone()[0]
    db.close()
    bodies, sizes = {}, {}
    with Client(server.url) as client:
        for query in draw(database, client, QUERIES):
            requests = query.bodies(for_gqlnews=True)
            bodies[query.name] = folder / query.name
            bodies[query.name].write_bytes(b"\n".join(requests) + b"\n")
            sizes[query.name] = fmean(len(response.body) for response in fetch_responses(server, requests))
    return Store(server, articles, bodies, sizes)


def measure(stores: list[Store], query: str) -> list[Figure]:
    """Return the lowest median of each store in microseconds, and its ratio to that of the first store."""
    found: dict[int, list[int]] = {number: [] for number in range(len(stores))}
    for round_number in range(ROUNDS):
        report(f"round {round_number + 1} of {ROUNDS}: {query}")
        for number, store in enumerate(stores):
            workload = Workload(query, store.bodies[query], CONNECTIONS, SECONDS, start=round_number / ROUNDS)
            found[number].append(run_turn(store.server, workload).p50)
    figures = []
    for number, store in enumerate(stores):
        name = f"{query}, {store.articles:,} articles, {store.bytes[query] / 1000:.1f} KB per response"
        figures.append(Figure(name, f"{min(found[number]):,} µs"))
        if number:
            figures.append(at_most("  ratio to the first", min(found[number]) / min(found[0]), GOAL, _times))
    return figures


def _times(value: float) -> str:
    return f"{value:.2f} times"


if __name__ == "__main__":
    main()
