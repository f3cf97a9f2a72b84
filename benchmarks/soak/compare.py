"""Final comparison: each client's copy with what the server serves, and the store with a fresh ingest."""

import asyncio
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path

from benchmarks.soak.interest import ALL_INTERESTS, EVERYTHING, Interest
from benchmarks.soak.query_client import QueryClient
from benchmarks.soak.subscriber import Subscriber
from tests.ingest.dump import content

QUIET = 3.0  # seconds without a new version
CATCH_UP = 30.0  # seconds at most
SHOWN = 3  # differences listed per client


async def until_quiet(url: str) -> None:
    """Wait until no more changes are ingested."""
    client = QueryClient(url, EVERYTHING[1])
    version, since = "", time.monotonic()
    while time.monotonic() - since < QUIET:
        await asyncio.sleep(0.1)
        if (now := await client.version()) != version:
            version, since = now, time.monotonic()
    client.close()


async def served(url: str) -> dict[Interest, dict[str, str]]:
    """Return the served titles by slug for each interest."""
    found = {}
    for interest in ALL_INTERESTS:
        client = QueryClient(url, interest)
        found[interest] = await client.articles()
        client.close()
    return found


async def copy_faults(
    subscribers: Iterable[Subscriber], served: Mapping[Interest, Mapping[str, str]]
) -> list[str]:
    """Return the subscribers' recorded faults, and copies that still differ after CATCH_UP seconds."""
    until = time.monotonic() + CATCH_UP
    behind = list(subscribers)
    while behind and time.monotonic() < until:
        await asyncio.sleep(0.1)
        behind = [one for one in behind if one.copy.titles != served[one.interest]]
    faults = [f"{one}: {fault}" for one in subscribers for fault in one.copy.faults]
    return faults + [f"{one}: {_difference(one.copy.titles, served[one.interest])}" for one in behind]


def store_faults(folder: Path, database: Path, scratch: Path) -> list[str]:
    """Return a line for each table in which the store differs from a fresh ingest of the same files."""
    fresh = scratch / "fresh.db"
    command = [sys.executable, "-m", "gqlnews", "ingest", str(folder), "--db", str(fresh)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own module
    with closing(sqlite3.connect(fresh)) as one, closing(sqlite3.connect(database)) as other:
        expected, found = content(one), content(other)
    return [
        f"{table} differs from a fresh ingest: {len(rows)} rows, {len(found[table])} here"
        for table, rows in expected.items()
        if rows != found[table]
    ]


def _difference(found: Mapping[str, str], expected: Mapping[str, str]) -> str:
    both = found.keys() | expected.keys()
    slugs = sorted(slug for slug in both if found.get(slug) != expected.get(slug))
    details = "; ".join(f"{slug}: has {found.get(slug)}, not {expected.get(slug)}" for slug in slugs[:SHOWN])
    return f"{len(slugs)} of {len(expected)} differ: {details}"
