"""`python -m benchmarks.throughput.check`: detect a slowdown since an earlier commit.

By default that is the commit before the last. Both servers run at the same time and are measured in turns,
because the speed of a shared machine changes within seconds. The ratio of a case is the median over its pairs
of turns. If it is below four fifths, its query gets twice as many rounds again, and the exit status is 1 if
the ratio is still too low.

It is also 1 if a cold start spends more than a tenth of its processor time on threads after its first second,
or if cold starts then typically reach less than four fifths of the requests per second of the warm server.
"""

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.throughput.awake import keep_awake
from benchmarks.throughput.cold import ColdStart, cold_starts
from benchmarks.throughput.load import Turn, Workload, require_wrk, run_turn
from benchmarks.throughput.process import Server
from benchmarks.throughput.progress import report
from benchmarks.throughput.requests import NAMES
from benchmarks.throughput.rounds import CONNECTIONS, Bodies
from benchmarks.throughput.run import ingest, prepare_store
from benchmarks.throughput.servers import GQLNEWS_SERVERS, UNCACHED, Store, start
from benchmarks.trees import checked_out

BEFORE = "HEAD~1"
ALLOWED = 0.8  # of the speed before
ROUNDS = 6  # many short rounds, so that the speed of the machine is the same in both turns of most pairs
SECONDS = 1
STARTS = 3
ALLOWED_COLD = 0.8  # of the same server's rate when it is warm
ALLOWED_ON_THREADS = 0.1  # of the processor time: all statements of these queries fit the event loop

MANY_CONNECTIONS = CONNECTIONS[0]


class Case(NamedTuple):
    """A query with a number of connections, sent to a server with one of the cache settings."""

    server: str
    query: str
    connections: int

    def __str__(self) -> str:
        return f"{self.query}, {self.connections} connections: {self.server}"


class Pair(NamedTuple):
    """Turns of the same case by both commits, one directly after the other."""

    before: Turn
    now: Turn


def main() -> None:
    require_wrk()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput.check", description=__doc__)
    parser.add_argument("--before", metavar="COMMIT", default=BEFORE, help=f"compare with it ({BEFORE})")
    commit = parser.parse_args().before
    with (
        tempfile.TemporaryDirectory(prefix="gqlnews-bench-") as scratch,
        checked_out(commit, Path(scratch, "before")) as tree,
    ):
        report("ingest")
        now, bodies = prepare_store(Path(scratch), NAMES)
        before = replace(now, tree=tree, database=Path(scratch, "before.db"))
        ingest(before)
        pairs = measure(before, now, bodies)
        starts = list(cold_starts((UNCACHED,), bodies, now, STARTS, report))
    for case, ratio in ratios(pairs).items():
        print(f"{case}: {ratio:.2f} times {commit}")
    if complaints := [*regressions(ratios(pairs)), *slow_starts(starts, pairs)]:
        raise SystemExit("\n".join(complaints))


def measure(before: Store, now: Store, bodies: Bodies) -> Mapping[Case, Sequence[Pair]]:
    """Measure all cases on both stores, and those that seem slower once more."""
    pairs: dict[Case, list[Pair]] = defaultdict(list)
    with ExitStack() as stack:
        servers = [
            (stack.enter_context(start(name, before)), stack.enter_context(start(name, now)))
            for name in GQLNEWS_SERVERS
        ]
        for case, pair in _run_rounds(servers, NAMES, bodies, 1):  # a warm-up, which does not count
            report(f"warm-up: {case}, {pair.now.per_second:,.0f} requests/s")
        for case, pair in _run_rounds(servers, NAMES, bodies, ROUNDS):
            pairs[case].append(pair)
        for case, pair in _run_rounds(servers, queries_to_repeat(ratios(pairs)), bodies, 2 * ROUNDS):
            pairs[case].append(pair)
    return pairs


def _run_rounds(
    servers: Sequence[tuple[Server, Server]], queries: Sequence[str], bodies: Bodies, rounds: int
) -> Iterator[tuple[Case, Pair]]:
    """Run all turns; the commits begin alternately."""
    for number in range(rounds):
        for query in queries:
            report(f"round {number + 1} of {rounds}: {query}")
            for connections in CONNECTIONS:
                workload = Workload(
                    query, bodies[UNCACHED, query], connections, SECONDS, start=number / rounds
                )
                with keep_awake() if connections == 1 else nullcontext():
                    for before, now in servers:
                        yield Case(now.name, query, connections), _run_pair(before, now, workload, number)


def _run_pair(before: Server, now: Server, workload: Workload, number: int) -> Pair:
    if number % 2:
        return Pair(run_turn(before, workload, number), run_turn(now, workload, number))
    first = run_turn(now, workload, number)
    return Pair(run_turn(before, workload, number), first)


def queries_to_repeat(found: Mapping[Case, float]) -> list[str]:
    """Return the queries for which a ratio is too low."""
    return [
        name for name in NAMES if any(case.query == name and ratio < ALLOWED for case, ratio in found.items())
    ]


def ratios(pairs: Mapping[Case, Sequence[Pair]]) -> dict[Case, float]:
    """Return the present speed of each case as a multiple of the speed before."""
    return {case: median(_ratio(case, pair) for pair in found) for case, found in pairs.items()}


def _ratio(case: Case, pair: Pair) -> float:
    """Return the ratio of requests per second, or of median latencies for one connection.

    The rate over one connection depends on how often the processor sleeps: for the same two
    servers, the ratio of rates differed by a third between runs, the ratio of medians by an eighth.
    """
    if case.connections > 1:
        return pair.now.per_second / pair.before.per_second
    return pair.before.p50 / pair.now.p50


def regressions(found: Mapping[Case, float]) -> Iterator[str]:
    """Yield a line for each case whose speed is below ALLOWED of that before."""
    for case, ratio in found.items():
        if ratio < ALLOWED:
            yield f"REGRESSION of {1 - ratio:.0%}: {case}"


def slow_starts(starts: Sequence[ColdStart], pairs: Mapping[Case, Sequence[Pair]]) -> Iterator[str]:
    """Yield a line for each query whose cold starts are slow or use threads after their first second."""
    for query in dict.fromkeys(one.query for one in starts):
        case = Case(UNCACHED, query, MANY_CONNECTIONS)
        of_query = [one for one in starts if (one.query, one.connections) == (query, MANY_CONNECTIONS)]
        cold = median(one.settled for one in of_query)
        warm = median(pair.now.per_second for pair in pairs[case])
        if cold < warm * ALLOWED_COLD:
            yield f"SLOW START: {case}: {cold / warm:.0%} of the warm server"
        if (share := max(one.on_threads for one in of_query)) > ALLOWED_ON_THREADS:
            yield f"SLOW START: {case}: {share:.0%} of the processor time on threads"


if __name__ == "__main__":
    main()
