"""`python -m benchmarks.throughput.check`: detect a slowdown relative to the ordinary server.

A short run, whose ratios are compared with those in `reached.json`. If a ratio has fallen by more than
a fifth, its query gets as many rounds again, and the exit status is 1 if the ratio is still too low.
It is also 1 if a cold start spends more than a tenth of its processor time on threads after its first second,
or if cold starts then typically reach less than four fifths of the requests per second of the warm server.
`--record` writes the file instead, from twice the rounds, so that the best round
of the ordinary server is reliable too.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.throughput.load import require_wrk
from benchmarks.throughput.progress import report
from benchmarks.throughput.requests import NAMES
from benchmarks.throughput.result import Result
from benchmarks.throughput.rounds import CONNECTIONS
from benchmarks.throughput.run import Options, run
from benchmarks.throughput.servers import GQLNEWS_SERVERS, ORDINARY, UNCACHED

REACHED_FILE = Path(__file__).parent / "reached.json"
ALLOWED = 0.8  # of the recorded ratio
ROUNDS = 6  # many short rounds, so that some are free of other load on the machine
SECONDS = 1
STARTS = 3
ALLOWED_COLD = 0.8  # of the same server's rate when it is warm
ALLOWED_ON_THREADS = 0.1  # of the processor time: all statements of these queries fit the event loop

MANY_CONNECTIONS = CONNECTIONS[0]

Ratios = dict[str, float]
"""`front, 32 connections: gqlnews-cached` → requests per second as a multiple of the ordinary server's."""


def main() -> None:
    require_wrk()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput.check", description=__doc__)
    parser.add_argument("--record", action="store_true", help=f"write {REACHED_FILE.name}")
    if parser.parse_args().record:
        record(_run(lambda result: NAMES))
        return
    reached = recorded()
    result = _run(lambda result: queries_to_repeat(result, reached))
    now = ratios(result)
    for name, before in reached.items():
        print(f"{name}: {now[name]:.2f} times the ordinary server; reached {before:.2f}")
    if complaints := [*regressions(reached, now), *slow_starts(result)]:
        raise SystemExit("\n".join(complaints))


def _run(again: Callable[[Result], Sequence[str]]) -> Result:
    options = Options(
        (ORDINARY, *GQLNEWS_SERVERS), NAMES, ROUNDS, SECONDS, cold=(UNCACHED,), starts=STARTS, again=again
    )
    with tempfile.TemporaryDirectory(prefix="gqlnews-bench-") as scratch:
        return run(options, Path(scratch), report)


def queries_to_repeat(result: Result, reached: Ratios) -> list[str]:
    """Return the queries for which a ratio has fallen too far."""
    complaints = list(regressions(reached, ratios(result)))
    return [name for name in NAMES if any(f": {name}, " in complaint for complaint in complaints)]


def ratios(result: Result) -> Ratios:
    """Return the ratios of gqlnews to the ordinary server for each cache setting and query."""
    return {
        f"{query.name}, {connections} connections: {server}": round(
            _lead(result, server, query.name, connections), 2
        )
        for query in result.queries
        for connections in CONNECTIONS
        for server in GQLNEWS_SERVERS
    }


def _lead(result: Result, server: str, query: str, connections: int) -> float:
    """Return the ratio of requests per second, or of median latencies for one connection.

    The rate over one connection depends on how often the processor sleeps: for the same two
    servers, the ratio of rates differed by a third between runs, the ratio of medians by an eighth.
    """
    if connections > 1:
        return result.ratio(server, ORDINARY, query, connections)
    other_p50, own_p50 = (result.best(name, query, connections).p50 for name in (ORDINARY, server))
    return other_p50 / own_p50


def regressions(reached: Ratios, now: Ratios) -> Iterator[str]:
    """Yield a line for each ratio below ALLOWED of the recorded one."""
    for name, before in reached.items():
        if now[name] < before * ALLOWED:
            yield f"REGRESSION of {1 - now[name] / before:.0%}: {name}, {before:.2f} → {now[name]:.2f}"


def slow_starts(result: Result) -> Iterator[str]:
    """Yield a line for each query whose cold starts are slow or use threads after their first second."""
    for query in result.queries:
        case = f"{query.name}, {MANY_CONNECTIONS} connections"
        starts = result.cold_of(UNCACHED, query.name, MANY_CONNECTIONS)
        cold = median(one.settled for one in starts)
        warm = median(turn.per_second for turn in result.of(UNCACHED, query.name, MANY_CONNECTIONS))
        if cold < warm * ALLOWED_COLD:
            yield f"SLOW START: {case}: {cold / warm:.0%} of the warm server"
        if (share := max(one.on_threads for one in starts)) > ALLOWED_ON_THREADS:
            yield f"SLOW START: {case}: {share:.0%} of the processor time on threads"


def recorded() -> Ratios:
    """Read the recorded ratios."""
    return msgspec.json.decode(REACHED_FILE.read_bytes(), type=Ratios)


def record(result: Result) -> None:
    """Record the ratios of this run."""
    REACHED_FILE.write_bytes(msgspec.json.format(msgspec.json.encode(ratios(result)), indent=2) + b"\n")


if __name__ == "__main__":
    main()
