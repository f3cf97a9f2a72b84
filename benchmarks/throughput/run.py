"""One run: ingest, start the servers, check that their responses are equal, and measure.

1. Ingest the articles into one database file, which all servers read.
2. Get the reference responses and the cursors from gqlnews without caches.
3. Start the other servers; each must return the same responses.
4. Run the rounds.
5. Stop all servers; start some of them cold several times under full load (cold.py).
"""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from benchmarks.folders import article_paths, real_or_sample
from benchmarks.throughput.client import Client, Response
from benchmarks.throughput.cold import cold_starts
from benchmarks.throughput.limit import write_responses
from benchmarks.throughput.process import Server
from benchmarks.throughput.requests import BenchmarkQuery, draw
from benchmarks.throughput.result import QueryInfo, Result
from benchmarks.throughput.rounds import Bodies, run_rounds, warm
from benchmarks.throughput.same_responses import fetch_responses, require_same_responses
from benchmarks.throughput.servers import UNCACHED, Store, is_gqlnews, start
from benchmarks.trees import python_path

Reference = Mapping[str, Sequence[Response]]
"""BenchmarkQuery → the response of gqlnews to each of its requests."""

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """Names of servers and queries, and the length of a turn in seconds.

    After the rounds, the servers in `cold` are started cold, `starts` times each.
    """

    servers: Sequence[str]
    queries: Sequence[str]
    rounds: int
    seconds: int
    database: Path | None = None
    cold: Sequence[str] = ()
    starts: int = 5


def run(options: Options, scratch: Path, report: Report) -> Result:
    """Run everything. Raises SystemExit if a server fails or its responses differ."""
    content, called = real_or_sample(scratch)
    store = Store(content, options.database or scratch / "store.db", scratch / "responses", scratch)
    report("ingest")
    ingest(store)
    with _prepare(options, store, report) as (servers, bodies, queries):
        result = Result(
            machine=machine(),
            articles=f"{len(article_paths(content)):,} articles of {called}",
            rounds=options.rounds,
            seconds=options.seconds,
            queries=queries,
            servers=list(options.servers),
            turns=[],
            cold=[],
        )
        report("warm-up")
        warm(servers, bodies)
        result.turns.extend(
            run_rounds(servers, options.queries, bodies, options.rounds, options.seconds, report)
        )
    result.cold.extend(cold_starts(options.cold, bodies, store, options.starts, report))
    return result


def prepare_store(
    scratch: Path, queries: Sequence[str], *, content: Path | None = None, copied: bool = False
) -> tuple[Store, Bodies]:
    """Ingest the articles, by default the real ones, and write the requests to gqlnews.

    With `copied`, the articles may be edited.
    """
    if content is None:
        content, _ = real_or_sample(scratch)
    if copied:
        content = Path(shutil.copytree(content, scratch / "content"))
    store = Store(content, scratch / "store.db", scratch / "responses", scratch)
    ingest(store)
    with start(UNCACHED, store) as gqlnews, Client(gqlnews.url) as client:
        return store, _files(draw(store.database, client, queries), [UNCACHED], scratch)


@contextmanager
def _prepare(
    options: Options, store: Store, report: Report
) -> Iterator[tuple[list[Server], Bodies, list[QueryInfo]]]:
    """Start the servers and check their responses; yield servers, request files, and queries."""
    with start(UNCACHED, store) as gqlnews:
        with Client(gqlnews.url) as client:
            queries = draw(store.database, client, options.queries)
        report("responses of gqlnews")
        reference = {
            query.name: fetch_responses(gqlnews, query.bodies(for_gqlnews=True)) for query in queries
        }
        write_responses(store.responses, _pairs(queries, reference))
        with _other_servers(options.servers, gqlnews, store) as servers:
            for server in servers:
                report(f"responses of {server.name}")
                for query in queries:
                    bodies = query.bodies(for_gqlnews=is_gqlnews(server.name))
                    require_same_responses(reference[query.name], server, bodies)
            files = _files(queries, options.servers, store.logs)
            yield servers, files, [_query_info(query, reference) for query in queries]


def ingest(store: Store) -> None:
    """Ingest the content folder into the database. This is quick if the database is up to date."""
    command = [sys.executable, "-m", "gqlnews", "ingest", str(store.content), "--db", str(store.database)]
    environment = {**os.environ, **python_path(store.tree)}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)  # noqa: S603 - our own command


def machine() -> str:
    """Describe the machine's size and its Python version."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return f"{cores} cores ({platform.machine()}), {memory:.0f} GB, Python {platform.python_version()}"


@contextmanager
def _other_servers(names: Sequence[str], gqlnews: Server, store: Store) -> Iterator[list[Server]]:
    """Start the servers with these names and yield them in order, including the one that already runs."""
    with ExitStack() as stack:
        yield [gqlnews if name == gqlnews.name else stack.enter_context(start(name, store)) for name in names]


def _pairs(queries: Sequence[BenchmarkQuery], reference: Reference) -> Iterator[tuple[bytes, Response]]:
    for query in queries:
        yield from zip(query.bodies(for_gqlnews=True), reference[query.name], strict=True)


def _files(queries: Sequence[BenchmarkQuery], servers: Sequence[str], folder: Path) -> Bodies:
    files: dict[tuple[str, str], Path] = {}
    for query in queries:
        for for_gqlnews in (True, False):
            file = folder / f"{query.name}-{'gqlnews' if for_gqlnews else 'other'}.requests"
            file.write_bytes(b"\n".join(query.bodies(for_gqlnews=for_gqlnews)) + b"\n")
            files |= {(server, query.name): file for server in servers if is_gqlnews(server) is for_gqlnews}
    return files


def _query_info(query: BenchmarkQuery, reference: Reference) -> QueryInfo:
    size = fmean(len(response.body) for response in reference[query.name])
    return QueryInfo(query.name, len(query.gqlnews_variables), round(size))
