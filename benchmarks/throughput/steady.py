"""`python -m benchmarks.throughput.steady`: compare the speed of gqlnews after repeated starts.

It is started several times without caches, and receives its full load at once. After its first second,
every start has to reach 0.9 of the best one. Optionally a statement of 50 ms runs every 100 ms meanwhile, or
100 files are edited just before. Exits with 1 if the goal is missed.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path
from statistics import median
from threading import Event, Thread
from time import perf_counter

from benchmarks.throughput.client import Client
from benchmarks.throughput.cold import SECONDS, BackgroundLoad, ColdStart, cold_start, no_load
from benchmarks.throughput.large import large
from benchmarks.throughput.load import Workload, require_wrk
from benchmarks.throughput.process import Server
from benchmarks.throughput.requests import NAMES
from benchmarks.throughput.run import prepare_store
from benchmarks.throughput.servers import UNCACHED, Store, start

GOAL = 0.9
CONNECTIONS = (1, 4, 8, 32, 128)
SLOW_SECONDS, SLOW_EVERY = 0.05, 0.1
SIZES = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70)  # of the slow request; the first that takes SLOW_SECONDS
TRIES = 5  # of each size
EDITS = 100


def slow_size(store: Store) -> int:
    """Return the size of a request whose statement takes SLOW_SECONDS, measured on a server of its own."""
    with start(UNCACHED, store) as server, Client(server.url) as client:
        for size in SIZES:
            if median(_time_query(client, size, number) for number in range(TRIES)) >= SLOW_SECONDS:
                return size
    return SIZES[-1]


@contextmanager
def slow_statements(size: int, server: Server, _store: Store) -> Iterator[None]:
    """Send a request of this size, with one slow statement, every SLOW_EVERY seconds."""
    done = Event()

    def send_requests() -> None:
        with Client(server.url) as client:
            number = 0
            while not done.wait(max(0.0, SLOW_EVERY - _time_query(client, size, number))):
                number += 1

    thread = Thread(target=send_requests)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _time_query(client: Client, first: int, number: int = 0) -> float:
    started = perf_counter()
    response = client.post(large(first, number))
    if response.status != HTTPStatus.OK:
        raise SystemExit(f"the slow request was rejected: {response.body[:500]!r}")
    return perf_counter() - started


@contextmanager
def edits(_server: Server, store: Store) -> Iterator[None]:
    """Change EDITS files without affecting the requested data."""
    for path in sorted(store.content.rglob("*.md"))[:EDITS]:
        with path.open("a") as file:
            file.write("\nAnother line.\n")
    yield


_BACKGROUND = ("nothing", "slow", "edits")


def background_load(name: str, store: Store) -> BackgroundLoad:
    """Return a background load that is the same beside every start."""
    if name == "slow":
        return partial(slow_statements, slow_size(store))
    return edits if name == "edits" else no_load


def line(starts: Sequence[ColdStart]) -> str:
    """Format the starts of one query and number of connections as a table row."""
    settled = [one.settled for one in starts]
    steady = min(settled) / max(settled)
    cells = (
        f"{starts[0].query}, {starts[0].connections}",
        f"{max(settled):,.0f}",
        f"{median(settled):,.0f}",
        f"{min(settled):,.0f}",
        f"{steady:.2f}{'' if steady >= GOAL else ' (missed)'}",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    require_wrk()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput.steady", description=__doc__)
    parser.add_argument("--queries", type=_comma_separated, default=NAMES, help="separated by commas")
    parser.add_argument("--connections", type=_numbers, default=CONNECTIONS, help="separated by commas")
    parser.add_argument(
        "--starts", type=int, default=10, help="starts of each query and number of connections (10)"
    )
    parser.add_argument("--seconds", type=int, default=SECONDS, help=f"duration of each start ({SECONDS})")
    parser.add_argument("--beside", choices=_BACKGROUND, default="nothing", help="background load")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gqlnews-bench-") as scratch:
        missed = _run(arguments, Path(scratch))
    raise SystemExit(1 if missed else 0)


def _run(arguments: argparse.Namespace, scratch: Path) -> int:
    """Measure, print the table, and return the number of missed goals."""
    store, bodies = prepare_store(scratch, arguments.queries, copied=arguments.beside == "edits")
    print(f"Background load: {arguments.beside}. Requests per second after the first second.\n")
    print(
        "| query, connections | best | median | worst | worst / best |\n| --- | ---: | ---: | ---: | ---: |"
    )
    background = background_load(arguments.beside, store)
    missed = 0
    for query in arguments.queries:
        for many in arguments.connections:
            workload = Workload(query, bodies[UNCACHED, query], many, 1)
            begin = partial(cold_start, UNCACHED, workload, store, arguments.seconds, background)
            starts = [begin() for _ in range(arguments.starts)]
            print(line(starts), flush=True)
            missed += min(one.settled for one in starts) < GOAL * max(one.settled for one in starts)
    return missed


def _comma_separated(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


if __name__ == "__main__":
    main()
