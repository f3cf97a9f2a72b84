"""`python -m benchmarks.throughput.blocking`: latency of small queries beside a large one.

While statements of half a second or more run without a pause, wrk requests single articles. Their p99
is compared with that of turns without the large statements. The response cache is off.

Any load on a processor delays other processes, even if they share no lock. So a third kind of turn runs
beside an unrelated process that only computes.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from statistics import median
from threading import Event, Thread
from time import perf_counter

import orjson

from benchmarks.figures import Figure, at_least, at_most, milliseconds, show, times
from benchmarks.folders import real_or_sample
from benchmarks.throughput.client import Client
from benchmarks.throughput.large import large
from benchmarks.throughput.load import Workload, require_wrk, run_turn
from benchmarks.throughput.process import Server
from benchmarks.throughput.progress import report
from benchmarks.throughput.requests import draw
from benchmarks.throughput.run import ingest
from benchmarks.throughput.servers import UNLIMITED, Store, start, start_stored

SMALL = "article"
SIZES = (10, 20, 40, 70, 100)
LARGE_SECONDS = 0.5  # minimum duration of the large request
CONNECTIONS = (1, 4)
ROUNDS = 5
SECONDS = 2
GOAL = 3.0


def main() -> None:
    require_wrk()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput.blocking", description=__doc__)
    parser.add_argument("--db", type=Path, help="existing database to use instead of the real articles")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gqlnews-bench-") as scratch:
        with _server(arguments.db, Path(scratch)) as (server, database):
            figures = list(measure(server, database, Path(scratch)))
    show("Small queries while a large query runs", figures)


@contextmanager
def _server(given: Path | None, scratch: Path) -> Iterator[tuple[Server, Path]]:
    """Start gqlnews over the given database or the real articles; yield it and the database's path."""
    if given is not None:
        with start_stored(given, scratch, UNLIMITED) as server:
            yield server, given
        return
    content, called = real_or_sample(scratch)
    store = Store(content, scratch / "store.db", scratch / "responses", scratch)
    report(f"ingest of {called}")
    ingest(store)
    with start(UNLIMITED, store) as server:
        yield server, store.database


def measure(server: Server, database: Path, scratch: Path) -> Iterator[Figure]:
    """Yield figures for the large request and for each number of connections, from the best rounds."""
    with Client(server.url) as client:
        (small,) = draw(database, client, [SMALL])
        first = _size(client)
    bodies = scratch / "small.requests"
    bodies.write_bytes(b"\n".join(small.bodies(for_gqlnews=True)) + b"\n")
    run_turn(server, Workload(SMALL, bodies, 1, 1))  # warm
    took: list[float] = []
    for connections in CONNECTIONS:
        report(f"{connections} connections")
        quiet, beside, loaded = [], [], []
        workload = Workload(SMALL, bodies, connections, SECONDS)
        for _ in range(ROUNDS):
            quiet.append(run_turn(server, workload).p99)
            with _cpu_bound():
                beside.append(run_turn(server, workload).p99)
            with _repeat_large(server, first, took):
                loaded.append(run_turn(server, workload).p99)
        yield Figure(f"p99 without load, {connections} connections", milliseconds(min(quiet) / 1e6))
        yield Figure("  while another process computes", milliseconds(min(beside) / 1e6))
        yield Figure("  while a large query runs", milliseconds(min(loaded) / 1e6))
        yield at_most("  ratio to p99 without load", min(loaded) / min(quiet), GOAL, times)
    yield at_least(
        f"duration of the large query ({first} articles)", median(took), LARGE_SECONDS, milliseconds
    )


def _size(client: Client) -> int:
    """Return how many articles the large request needs to take LARGE_SECONDS."""
    for first in SIZES:
        started = perf_counter()
        client.post(large(first, 0))
        if perf_counter() - started > LARGE_SECONDS * 1.5:
            return first
    return SIZES[-1]


@contextmanager
def _cpu_bound() -> Iterator[None]:
    """Run a process that keeps one processor busy."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        try:
            yield
        finally:
            process.kill()


@contextmanager
def _repeat_large(server: Server, first: int, took: list[float]) -> Iterator[None]:
    """Send large requests one after another until the context ends; append the duration of each to `took`."""
    over, failures = Event(), []

    def send_requests() -> None:
        with Client(server.url) as client:
            for number in count():
                started = perf_counter()
                response = client.post(large(first, number))
                took.append(perf_counter() - started)
                if "errors" in orjson.loads(response.body):
                    failures.append(response.body)
                if over.is_set() or failures:
                    return

    thread = Thread(target=send_requests)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if failures:
        raise SystemExit(f"the large request failed: {failures[0][:1000].decode()}")


if __name__ == "__main__":
    main()
