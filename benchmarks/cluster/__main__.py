"""`python -m benchmarks.cluster`: servers on PostgreSQL with replicas, under edits and faults.

1. Start a primary, replicas, two ingesters of one folder, and servers, each a process on loopback, from
   Debian's PostgreSQL packages.
2. Clients send requests while an editor saves files. Each answer has to equal SQLite's at the version that it
   names, and no version goes backwards for a client that stays on one server.
3. Under the same load, kill an ingester, a server, a replica, and the primary, after which a replica is
   promoted. Print what clients saw, for how long, and what was lost.
"""

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import quantiles

import uvloop

from benchmarks.cluster.clients import Answers, ClusterClient, Request
from benchmarks.cluster.faults import FAULTS, Lost, lost_edits
from benchmarks.cluster.machines import Machines, machines
from benchmarks.cluster.replay import begin, find_differences
from benchmarks.folders import write_sample_folder
from benchmarks.front_end import query_text, variables_for
from benchmarks.soak.writer import Writer
from gqlnews.query.entities import Audience
from tests.postgresql import DEBIAN
from tests.product import run_ingest

QUERIES = (
    "front-page",
    "article-page",
    "topic-page",
    "search",
    "provider-page",
    "topics-index",
    "archive-month",
)
SETTLE_SECONDS = 5.0  # after the last edit of a phase


@dataclass(frozen=True, slots=True)
class Options:
    seconds: float
    articles: int
    edits: float
    connections: int
    servers: int
    replicas: int
    pause: float
    fault_seconds: float
    seed: int


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300, help="duration without faults (300)")
    parser.add_argument("--articles", type=int, default=2_000, help="articles of the sample (2000)")
    parser.add_argument("--edits", type=float, default=10, help="saved files per second (10)")
    parser.add_argument("--connections", type=int, default=32, help="clients with one connection each (32)")
    parser.add_argument(
        "--pause", type=float, default=0.05, help="seconds between two requests of a client (0.05)"
    )
    parser.add_argument("--servers", type=int, default=3, help="servers (3)")
    parser.add_argument("--replicas", type=int, default=2, help="streaming replicas (2)")
    parser.add_argument("--fault-seconds", type=float, default=20, help="duration after each fault (20)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the random generator (1)")
    parser.add_argument("--programs", type=Path, default=DEBIAN, help=f"PostgreSQL's programs ({DEBIAN})")
    parser.add_argument("--logs", type=Path, help="folder to copy the logs to")
    given = vars(parser.parse_args())
    programs, logs, options = given.pop("programs"), given.pop("logs"), Options(**given)
    with tempfile.TemporaryDirectory(prefix="gqlnews-cluster-") as name:
        scratch = Path(name)
        folder = write_sample_folder(scratch, options.articles)
        with machines(scratch, folder, programs) as cluster:
            try:
                faults = _run(options, cluster, scratch)
            finally:
                if logs is not None:
                    copy_logs(scratch, logs)
    for fault in faults:
        print(f"FAULT {fault}")
    print(f"{len(faults)} faults" if faults else "no faults")
    sys.exit(1 if faults else 0)


def copy_logs(scratch: Path, logs: Path) -> None:
    """Copy the logs of all processes of gqlnews."""
    logs.mkdir(parents=True, exist_ok=True)
    for log in scratch.glob("*.log"):
        shutil.copy(log, logs)


def _run(options: Options, cluster: Machines, scratch: Path) -> list[str]:
    sample = scratch / "sample.db"
    run_ingest(cluster.folder, sample)
    cluster.start_postgres(options.replicas)
    cluster.start_ingester()
    cluster.wait_for_content(options.articles)
    cluster.start_ingester()
    cluster.start_servers(options.servers)
    requests = _requests(sample)
    store = next((scratch / "cache1").rglob("*.db"))
    copy = scratch / "copy.db"
    begin(store, copy)
    return uvloop.run(_measure(options, cluster, requests, store, copy))


def _requests(sample: Path) -> list[Request]:
    variables = variables_for(sample, Audience.PUBLIC)
    return [Request(name, _with_version(query_text(name)), variables.get(name, {})) for name in QUERIES]


def _with_version(query: str) -> str:
    """Add `site { version }` to the root fields of the query."""
    start = query.index("query ")
    head, brace, rest = query[start:].partition(") {" if ") {" in query[start:].splitlines()[0] else " {")
    return f"{head}{brace} site {{ version }}{rest}"


async def _measure(
    options: Options, cluster: Machines, requests: list[Request], store: Path, copy: Path
) -> list[str]:
    answers = Answers()
    urls = [server.url for server in cluster.servers]
    clients = [
        ClusterClient(number, urls, requests, answers, options.pause) for number in range(options.connections)
    ]
    running = [asyncio.create_task(client.run()) for client in clients]
    writer = Writer(cluster.folder, random.Random(options.seed))  # noqa: S311 - not used for security
    await _edit(writer, answers, options.edits, options.seconds)
    await asyncio.sleep(SETTLE_SECONDS)
    _print_row("no fault", answers, options.seconds + SETTLE_SECONDS, None)
    compared, faults = await asyncio.to_thread(find_differences, store, copy, dict(answers.bodies), requests)
    print(f"{compared:,} answers compared with SQLite, {len(faults)} differences", flush=True)
    faults += answers.faults
    print(
        "| fault | requests/s | failed requests | longest time without an answer | "
        "longest time without a new version | lost edits |\n| --- | ---: | --- | ---: | ---: | ---: |"
    )
    for name, inject in FAULTS.items():
        answers.restart()
        answers.faults.clear()
        await _edit(writer, answers, options.edits, options.fault_seconds, partial(inject, cluster, urls))
        await asyncio.sleep(SETTLE_SECONDS)
        lost = await lost_edits(urls, cluster.folder)
        _print_row(name, answers, options.fault_seconds + SETTLE_SECONDS, lost)
        faults += [f"{name}: {fault}" for fault in (*answers.faults, *lost.described)]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    for client in clients:
        client.close()
    return faults


async def _edit(
    writer: Writer,
    answers: Answers,
    per_second: float,
    seconds: float,
    inject: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Save files for some seconds, and inject the fault after a quarter of the time."""
    stop = asyncio.Event()
    answers.begin_edits()
    editing = asyncio.create_task(writer.run(per_second, stop))
    await asyncio.sleep(seconds / 4)
    if inject is not None:
        await inject()
    await asyncio.sleep(seconds * 3 / 4)
    stop.set()
    await editing
    answers.end_edits()


def _print_row(name: str, answers: Answers, seconds: float, lost: Lost | None) -> None:
    failed = ", ".join(f"{count} {reason}" for reason, count in answers.failures.most_common()) or "0"
    if lost is None:
        p50, p99 = (quantiles(answers.latencies, n=100)[at] * 1000 for at in (49, 98))
        print(
            f"{answers.count / seconds:,.0f} requests/s, median {p50:.1f} ms, p99 {p99:.1f} ms, "
            f"failed requests: {failed}, versions up to {answers.newest}",
            flush=True,
        )
        return
    cells = (
        name,
        f"{answers.count / seconds:,.0f}",
        failed,
        f"{answers.longest_gap:.2f} s",
        f"{answers.longest_stale:.2f} s",
        str(len(lost.described)),
    )
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
