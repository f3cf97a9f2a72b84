"""`python -m benchmarks.postgresql`: a front end's queries on PostgreSQL beside SQLite, in one run.

The same rows are in a SQLite file and in a PostgreSQL of its own with the program's defaults. Both answer
each query of `benchmarks/queries/` in turns, in this process, without caches. A statement's time is that of
the call to the store, for PostgreSQL with the way to the database and back. Then `gqlnews serve` runs on each
under load (needs wrk), with and without caches, for the processor time of a request.
"""

import argparse
import asyncio
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks.cluster.machines import DURABLE
from benchmarks.folders import real_or_sample, write_sample_folder
from benchmarks.front_end import NONE, query_names, query_text, variables_for
from benchmarks.live.stores import GQLNEWS
from benchmarks.throughput.load import Workload, require_wrk, run_turn
from benchmarks.throughput.process import Server, run_server
from benchmarks.throughput.requests import NAMES
from benchmarks.throughput.run import prepare_store
from benchmarks.throughput.servers import CACHED, UNCACHED, server_environment, start_stored
from gqlnews.config.values import PostgresUrl
from gqlnews.database.postgresql.copy import vacuum
from gqlnews.database.postgresql.database_handle import PostgresDatabase
from gqlnews.database.postgresql.schema import schema_name
from gqlnews.database.protocol import BatchResults, SnapshotId, Statements
from gqlnews.database.sqlite.database_handle import SqliteDatabase
from gqlnews.engine.engine import Engine
from gqlnews.engine.requests import GraphQLRequest
from gqlnews.query.entities import Audience
from gqlnews.query.sql.postgresql import POSTGRESQL
from tests.postgresql import PostgresProcess, child_processes, installed_programs, load_rows

GEOMETRIC_MEAN_GOAL, WORST_GOAL = 2.0, 7.0
WARM_RUNS = 6  # PostgreSQL's driver prepares a statement at its first run
CONNECTIONS = 8
SECONDS = 3


class TimedStore:
    """A store of the engine that adds up the seconds of the statements."""

    def __init__(self, store: SqliteDatabase | PostgresDatabase) -> None:
        self._store, self.seconds = store, 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def snapshot_id(self, audience: int) -> SnapshotId | None:
        return self._store.snapshot_id(audience)

    def execute_inline(self, statements: Statements) -> Sequence[bytes | None] | None:
        started = time.perf_counter()
        values = self._store.execute_inline(statements)
        if values is not None:
            self.seconds += time.perf_counter() - started
        return values

    async def execute_batch(self, statements: Statements) -> BatchResults:
        started = time.perf_counter()
        values = await self._store.execute_batch(statements)
        self.seconds += time.perf_counter() - started
        return values


class QueryTimes(NamedTuple):
    """Median statement times of a query on both stores, and PostgreSQL's processor time, in seconds."""

    name: str
    sqlite: float
    postgresql: float
    postgresql_cpu: float

    @property
    def ratio(self) -> float:
        return self.postgresql / self.sqlite


def processor_seconds(process: PostgresProcess) -> float:
    """Return the processor time of PostgreSQL's processes in seconds, with that of those that have ended."""
    assert process.process is not None
    pid = process.process.pid
    files = (Path(f"/proc/{child}/schedstat") for child in child_processes(pid))
    present = sum(int(file.read_text().split()[0]) for file in files) / 1e9
    numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ended = sum(map(int, numbers[13:15]))  # cutime and cstime, see proc(5)
    return present + ended / os.sysconf("SC_CLK_TCK")


async def run_on_both(
    engines: Sequence[Engine], stores: Sequence[TimedStore], request: GraphQLRequest
) -> list[float]:
    """Return the seconds of the statements on each store. Raises SystemExit if the responses differ."""
    bodies = []
    for engine, store in zip(engines, stores, strict=True):
        store.seconds = 0.0
        bodies.append((await engine.execute(request, Audience.OPEN)).body)
    if len(set(bodies)) > 1:
        raise SystemExit(f"the responses to {request.query} differ:\n{bodies[0]!r}\n{bodies[1]!r}")
    return [store.seconds for store in stores]


async def compare_statements(
    database: Path, url: str, process: PostgresProcess, repeats: int, report: Callable[[str], None]
) -> list[QueryTimes]:
    """Run each query on both stores in turns. Raises SystemExit if the responses differ."""
    sqlite, postgresql = SqliteDatabase(), PostgresDatabase(PostgresUrl(url))
    await sqlite.open(database)
    await postgresql.open()
    try:
        stores = [TimedStore(sqlite), TimedStore(postgresql)]
        engines = [Engine(stores[0]), Engine(stores[1], dialect=POSTGRESQL)]
        variables = variables_for(database, Audience.OPEN)
        found = []
        for name in query_names():
            if NONE in variables.get(name, {}).values():
                report(f"{name} would find nothing: not measured")
                continue
            report(f"statements: {name}")
            request = GraphQLRequest(query_text(name), variables.get(name, {}))
            for _ in range(WARM_RUNS):
                await run_on_both(engines, stores, request)
            before = processor_seconds(process)
            runs = [await run_on_both(engines, stores, request) for _ in range(repeats)]
            cpu = (processor_seconds(process) - before) / repeats
            on_sqlite, on_postgresql = (statistics.median(times) for times in zip(*runs, strict=True))
            found.append(QueryTimes(name, on_sqlite, on_postgresql, cpu))
        return found
    finally:
        await sqlite.close()
        await postgresql.close()


def new_table(title: str, names: Iterable[str], figures: Iterable[str]) -> Table:
    """Return a table with columns of names, which are not divided, and of figures."""
    table = Table(title=title, title_justify="left")
    for heading in names:
        table.add_column(heading, no_wrap=True)
    for heading in figures:
        table.add_column(heading, justify="right")
    return table


def show_statements(measured: Sequence[QueryTimes]) -> None:
    figures = ("SQLite", "PostgreSQL", "ratio", "processor time of PostgreSQL")
    table = new_table("Statements: p50 in ms", ["query"], figures)
    for one in sorted(measured, key=lambda one: -one.ratio):
        sqlite, postgresql, cpu = (
            f"{seconds * 1e3:.3f}" for seconds in (one.sqlite, one.postgresql, one.postgresql_cpu)
        )
        table.add_row(one.name, sqlite, postgresql, f"{one.ratio:.2f}", cpu)
    Console().print(table)
    ratios = [one.ratio for one in measured]
    for what, ratio, goal in (
        ("geometric mean", statistics.geometric_mean(ratios), GEOMETRIC_MEAN_GOAL),
        ("worst", max(ratios), WORST_GOAL),
    ):
        print(f"{what}: {ratio:.2f} times{'' if ratio <= goal else f' (goal {goal:g}: missed)'}")


async def load_store(database: Path, url: str) -> tuple[float, float]:
    """Copy the rows of a SQLite store into a new database; return the seconds, and those to vacuum it."""
    started = time.perf_counter()
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        await load_rows(url, db)
    loaded = time.perf_counter()
    connection = await asyncpg.connect(url)
    try:
        await vacuum(connection, schema_name())
        return loaded - started, time.perf_counter() - loaded
    finally:
        await connection.close()


async def fetch_size(url: str) -> int:
    """Return the size of the database in bytes."""
    connection = await asyncpg.connect(url)
    try:
        size: int = await connection.fetchval("SELECT pg_database_size(current_database())")
        return size
    finally:
        await connection.close()


@contextmanager
def running_postgres(folder: Path, programs: Path) -> Iterator[PostgresProcess]:
    """Run a PostgreSQL that loses nothing when the machine does."""
    folder.mkdir()
    process = PostgresProcess(folder, programs)
    process.create()
    process.start(DURABLE)
    try:
        yield process
    finally:
        process.stop()


@contextmanager
def servers(name: str, database: Path, url: str, scratch: Path) -> Iterator[tuple[Server, Server]]:
    """Run a server on each store, with the caches of the server `name`."""
    logs = scratch / name
    logs.mkdir()
    command = [sys.executable, *GQLNEWS, "serve", "--db", url, "--port", "0", "--unpublished"]
    with ExitStack() as stack:
        on_sqlite = stack.enter_context(start_stored(database, logs, name))
        environment = server_environment(name)
        yield on_sqlite, stack.enter_context(run_server("PostgreSQL", command, environment, logs / "pg.log"))


def show_requests(
    database: Path, url: str, process: PostgresProcess, bodies: dict[str, Path], scratch: Path
) -> None:
    title = f"Processor time of a request in µs, with {CONNECTIONS} connections"
    figures = ("SQLite: server", "PostgreSQL: server", "and database", "requests/s")
    table = new_table(title, ["caches", "query"], figures)
    for name in (UNCACHED, CACHED):
        with servers(name, database, url, scratch) as both:
            for query, file in bodies.items():
                workload = Workload(query, file, CONNECTIONS, SECONDS)
                for server in both:  # prepare statements, and fill the caches
                    run_turn(server, workload)
                on_sqlite = run_turn(both[0], workload)
                before = processor_seconds(process)
                on_postgresql = run_turn(both[1], workload)
                of_database = (processor_seconds(process) - before) / (on_postgresql.per_second * SECONDS)
                times = (on_sqlite.cpu, on_postgresql.cpu, of_database * 1e6)
                rates = f"{on_postgresql.per_second:,.0f} of {on_sqlite.per_second:,.0f}"
                table.add_row(name, query, *(f"{time:.0f}" for time in times), rates)
    Console().print(table)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.postgresql", description=__doc__)
    parser.add_argument("--articles", type=int, help="size of a sample, instead of the real articles")
    parser.add_argument("--repeats", type=int, default=200, help="of each query (default: 200)")
    parser.add_argument("--programs", type=Path, help="folder of PostgreSQL's programs (default: pgserver's)")
    arguments = parser.parse_args()
    require_wrk()
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="gqlnews-bench-") as name, ExitStack() as stack:
        scratch = Path(name)
        scratch.chmod(0o755)  # PostgreSQL may run as another user
        if arguments.articles:
            content, called = write_sample_folder(scratch, arguments.articles), "a sample"
        else:
            content, called = real_or_sample(scratch)
        console.print("ingest")
        store, files = prepare_store(scratch, NAMES, content=content)
        programs = arguments.programs or installed_programs()
        process = stack.enter_context(running_postgres(scratch / "postgres", programs))
        empty = asyncio.run(fetch_size(process.url))
        console.print("load")
        loading, vacuuming = asyncio.run(load_store(store.database, process.url))
        size = asyncio.run(fetch_size(process.url)) - empty
        with closing(sqlite3.connect(store.database)) as db:
            (articles,) = db.execute("SELECT count(*) FROM article").fetchone()
        print(f"{articles:,} articles of {called}")
        print(f"loaded in {loading:.1f} s, vacuumed in {vacuuming:.1f} s")
        print(f"size: SQLite {store.database.stat().st_size / 1e6:,.0f} MB, PostgreSQL {size / 1e6:,.0f} MB")
        compared = compare_statements(store.database, process.url, process, arguments.repeats, console.print)
        show_statements(uvloop.run(compared))  # as the server
        bodies = {query: files[UNCACHED, query] for query in NAMES}
        show_requests(store.database, process.url, process, bodies, scratch)


if __name__ == "__main__":
    main()
