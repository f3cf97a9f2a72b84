"""`python -m benchmarks.throughput.steady`: compare the speed of gqlnews after repeated starts.

It is started several times without caches, and receives its full load at once. After its first second,
every start has to reach 0.9 of the best one. A shared machine may be twice as fast at one time as at another,
so after each second the same load goes to a server that was started and used before, and the requests per
second are compared as multiples of that one's. *threads* is the share of its processor time that a server
spends outside the event loop, which does not depend on the speed of the machine. Optionally a statement of
50 ms runs every 100 ms meanwhile, or 100 files are edited just before. With --warm, one server is measured
again and again, not started again: the result shows how much the machine itself varies. Exits with 1 if the
goal is missed.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from http import HTTPStatus
from pathlib import Path
from statistics import fmean, median
from threading import Event, Thread
from time import perf_counter

import msgspec

from benchmarks.throughput.awake import keep_awake
from benchmarks.throughput.client import Client
from benchmarks.throughput.large import large
from benchmarks.throughput.load import Turn, Workload, require_wrk, run_turn
from benchmarks.throughput.process import Server
from benchmarks.throughput.requests import NAMES
from benchmarks.throughput.run import prepare_store
from benchmarks.throughput.servers import UNCACHED, Store, start

GOAL = 0.9
SECONDS = 3  # of each start, after the first one
CONNECTIONS = (1, 4, 8, 32, 128)
SLOW_SECONDS, SLOW_EVERY = 0.05, 0.1
SIZES = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70)  # of the slow request; the first that takes SLOW_SECONDS
TRIES = 5  # of each size
EDITS = 100

BackgroundLoad = Callable[[Server, Store], AbstractContextManager[None]]
"""Context manager that runs a background load."""


class Start(msgspec.Struct, frozen=True):
    """One start: a turn of each second after the first, and a turn of the other server after each.

    `on_threads` is the share of the processor time that was not spent on the main thread.
    """

    turns: Sequence[Turn]
    others: Sequence[Turn]
    on_threads: float

    @property
    def rate(self) -> float:
        """Mean requests per second."""
        return fmean(turn.per_second for turn in self.turns)

    @property
    def ratio(self) -> float:
        """Median ratio of a second to that of the other server."""
        pairs = zip(self.turns, self.others, strict=True)
        return median(turn.per_second / other.per_second for turn, other in pairs)


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
    return edits if name == "edits" else _no_load


def _no_load(_server: Server, _store: Store) -> AbstractContextManager[None]:
    return nullcontext()


def starts(
    workload: Workload, store: Store, count: int, seconds: int, background: BackgroundLoad, *, warm: bool
) -> Iterator[Start]:
    """Start the server `count` times, or once if `warm`, beside one that stays. The load lasts a second."""
    with ExitStack() as stack:
        if workload.connections == 1:
            stack.enter_context(keep_awake())
        other = stack.enter_context(start(UNCACHED, store))
        run_turn(other, workload)
        kept = nullcontext(stack.enter_context(start(UNCACHED, store))) if warm else None
        for _ in range(count):
            with kept or start(UNCACHED, store) as server, background(server, store):
                run_turn(server, workload)
                with server.measure_threads() as on_threads:
                    pairs = [(run_turn(server, workload), run_turn(other, workload)) for _ in range(seconds)]
            yield Start([turn for turn, _ in pairs], [turn for _, turn in pairs], on_threads.value)


_COLUMNS = (
    "query, connections",
    *("requests/s: best", "median", "worst"),
    *("× other: best", "median", "worst"),
    *("threads", "worst / best"),
)


def line(workload: Workload, measured: Sequence[Start]) -> str:
    """Format the starts of one query and number of connections as a table row."""
    rates = [one.rate for one in measured]
    ratios = [one.ratio for one in measured]
    shares = [one.on_threads for one in measured]
    steady = steadiness(measured)
    cells = (
        f"{workload.query}, {workload.connections}",
        *(f"{choose(rates):,.0f}" for choose in (max, median, min)),
        *(f"{choose(ratios):.2f}" for choose in (max, median, min)),
        f"{min(shares):.0%} to {max(shares):.0%}",
        f"{steady:.2f}{'' if steady >= GOAL else ' (missed)'}",
    )
    return f"| {' | '.join(cells)} |"


def steadiness(measured: Sequence[Start]) -> float:
    """Return the ratio of the worst start to the best."""
    ratios = [one.ratio for one in measured]
    return min(ratios) / max(ratios)


def main() -> None:
    require_wrk()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput.steady", description=__doc__)
    parser.add_argument("--queries", type=_comma_separated, default=NAMES, help="separated by commas")
    parser.add_argument("--connections", type=_numbers, default=CONNECTIONS, help="separated by commas")
    parser.add_argument(
        "--starts", type=int, default=10, help="starts of each query and number of connections (10)"
    )
    parser.add_argument(
        "--seconds", type=int, default=SECONDS, help=f"of each start, after the first ({SECONDS})"
    )
    parser.add_argument("--beside", choices=_BACKGROUND, default="nothing", help="background load")
    parser.add_argument("--warm", action="store_true", help="measure one warm server instead of new ones")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gqlnews-bench-") as scratch:
        missed = _run(arguments, Path(scratch))
    raise SystemExit(1 if missed else 0)


def _run(arguments: argparse.Namespace, scratch: Path) -> int:
    """Measure, print the table, and return the number of missed goals."""
    store, bodies = prepare_store(scratch, arguments.queries, copied=arguments.beside == "edits")
    print(f"Background load: {arguments.beside}.\n")
    print(f"| {' | '.join(_COLUMNS)} |\n| --- |{' ---: |' * (len(_COLUMNS) - 1)}")
    background = background_load(arguments.beside, store)
    missed = 0
    for query in arguments.queries:
        for many in arguments.connections:
            workload = Workload(query, bodies[UNCACHED, query], many, 1)
            measured = list(
                starts(workload, store, arguments.starts, arguments.seconds, background, warm=arguments.warm)
            )
            print(line(workload, measured), flush=True)
            missed += steadiness(measured) < GOAL
    return missed


def _comma_separated(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


if __name__ == "__main__":
    main()
