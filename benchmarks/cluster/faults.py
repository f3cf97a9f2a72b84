"""Faults under load, and what was lost after them."""

import asyncio
import os
import signal
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cluster.machines import Machines
from benchmarks.soak.interest import EVERYTHING
from benchmarks.soak.query_client import QueryClient
from gqlnews.content.models import ParseOptions
from tests.product import run_ingest

CATCH_UP_SECONDS = 30.0
RESTART_SECONDS = 1.0  # until a service manager starts a killed process again


@dataclass(frozen=True, slots=True)
class Lost:
    """Articles that are served differently from the files, a line each."""

    described: tuple[str, ...]


async def kill_ingester(cluster: Machines, _urls: list[str]) -> None:
    """Kill the ingester that leads, which is the first that still runs, and start another one."""
    leader = next(child for child in cluster.ingesters if child.process.poll() is None)
    leader.kill()
    await asyncio.sleep(RESTART_SECONDS)
    cluster.start_ingester()


async def kill_server(cluster: Machines, urls: list[str]) -> None:
    """Kill a server, and start another one in its place."""
    os.kill(cluster.servers[0].pid, signal.SIGKILL)
    await asyncio.sleep(RESTART_SECONDS)
    server = await asyncio.to_thread(cluster.start_server, len(cluster.servers) + 1)
    urls[0] = server.url


async def kill_replica(cluster: Machines, _urls: list[str]) -> None:
    """Kill the last replica, and start it again."""
    replica = cluster.nodes[-1]
    replica.kill()
    await asyncio.sleep(RESTART_SECONDS)
    await asyncio.to_thread(replica.start)


async def kill_primary(cluster: Machines, _urls: list[str]) -> None:
    """Kill the primary, promote the first replica, and let the others follow it."""
    primary, promoted, *others = cluster.nodes
    primary.kill()
    await asyncio.sleep(RESTART_SECONDS)
    await asyncio.to_thread(promoted.sql, "SELECT pg_promote()")
    target = f"host=127.0.0.1 port={promoted.port} user=postgres"
    for node in others:
        await asyncio.to_thread(node.sql, f"ALTER SYSTEM SET primary_conninfo = '{target}'")
        await asyncio.to_thread(node.sql, "SELECT pg_reload_conf()")


FAULTS: Mapping[str, Callable[[Machines, list[str]], Awaitable[None]]] = {
    "kill -9 of the leading ingester": kill_ingester,
    "kill -9 of a server": kill_server,
    "kill -9 of a replica": kill_replica,
    "kill -9 of the primary, a replica promoted": kill_primary,
}


async def lost_edits(urls: list[str], folder: Path) -> Lost:
    """Compare what each server serves with a fresh ingest, for at most CATCH_UP_SECONDS."""
    expected = await asyncio.to_thread(_titles_of_fresh_ingest, folder)
    until = time.monotonic() + CATCH_UP_SECONDS
    while True:
        lost = [line for url in urls for line in await _differences(url, expected)]
        if not lost or time.monotonic() > until:
            return Lost(tuple(lost))
        await asyncio.sleep(0.2)


def _titles_of_fresh_ingest(folder: Path) -> dict[str, str]:
    with tempfile.TemporaryDirectory(prefix="gqlnews-cluster-") as name:
        database = Path(name) / "fresh.db"
        run_ingest(folder, database, ParseOptions())
        with closing(sqlite3.connect(database)) as db:
            return dict(db.execute("SELECT slug, title FROM article WHERE published = 1"))


async def _differences(url: str, expected: Mapping[str, str]) -> list[str]:
    client = QueryClient(url, EVERYTHING[0])
    try:
        served = await client.articles()
    except (OSError, EOFError, AssertionError) as error:
        return [f"{url}: {error!r}"]
    finally:
        client.close()
    slugs = sorted(slug for slug in served.keys() | expected.keys() if served.get(slug) != expected.get(slug))
    return [f"{url}: {slug} has {served.get(slug)!r}, not {expected.get(slug)!r}" for slug in slugs]
