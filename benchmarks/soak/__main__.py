"""`python -m benchmarks.soak`: a changing content folder, and clients that connect and disconnect.

1. Serve a sample as a user does. A few clients stay subscribed; others disconnect and resume from the
   last version they saw.
2. Meanwhile files change all the time.
3. At the end, the changes stop and every client reconnects. The copy that each client built from events
   must equal what the server serves to it, the store must equal a fresh ingest, and memory must not
   have grown without bound.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import uvloop

from benchmarks.live.stores import Store, sample_store, serve_store
from benchmarks.soak.compare import copy_faults, served, store_faults, until_quiet
from benchmarks.soak.growth import Sample, growth_faults, sample
from benchmarks.soak.interest import ALL_INTERESTS, EVERYTHING, FILTERED, TOKEN_HASH
from benchmarks.soak.subscriber import Counts, Subscriber
from benchmarks.soak.writer import Writer
from benchmarks.throughput.process import Server
from gqlnews.server.uvicorn.run import raise_nofile_limit

SAMPLE_SECONDS = 10.0
SETTLE_SECONDS = 3.0  # before the first change
STEADY = (*EVERYTHING, *EVERYTHING, *FILTERED[::4])  # subscribed from start to end
EDITOR = 1  # index in STEADY of a subscriber that receives every change
MAX_SHOWN = 30  # faults

# Small caches: otherwise memory grows until they are full.
SETTINGS = {
    "GQLNEWS_EDITOR_TOKENS": TOKEN_HASH,
    "GQLNEWS_RESPONSE_CACHE_MB": "1",
    "GQLNEWS_FIELD_CACHE_MB": "1",
}


@dataclass(frozen=True, slots=True)
class Soak:
    seconds: float
    changes: float  # per second
    subscribers: int
    seed: int


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--articles", type=int, default=2000)
    parser.add_argument("--changes", type=float, default=20, help="file changes per second")
    parser.add_argument("--subscribers", type=int, default=200)
    random_seed = random.randrange(1 << 32)  # noqa: S311 - not used for security
    parser.add_argument("--seed", type=int, default=random_seed, help="seed of the random generator")
    arguments = parser.parse_args()
    raise_nofile_limit()
    soak = Soak(arguments.minutes * 60, arguments.changes, arguments.subscribers, arguments.seed)
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="gqlnews-soak-") as name:
        scratch = Path(name)
        store, log = sample_store(scratch, arguments.articles), scratch / "server.log"
        with serve_store(store, log, more=SETTINGS) as server:
            faults = uvloop.run(_soak(soak, store, server))
        faults += store_faults(store.folder, store.database, scratch) + _log_faults(log)
    for fault in faults[:MAX_SHOWN]:
        print(f"FAULT {fault}")
    print(f"{len(faults)} faults" if faults else "no faults")
    sys.exit(1 if faults else 0)


async def _soak(soak: Soak, store: Store, server: Server) -> list[str]:
    rng, counts, until = random.Random(soak.seed), Counts(), asyncio.Event()  # noqa: S311 - not used for security
    writer = Writer(store.folder, random.Random(soak.seed))  # noqa: S311
    subscribers = _subscribers(soak, server.url, counts, rng)
    lives = [asyncio.create_task(one.run(writer.written, until)) for one in subscribers]
    await asyncio.sleep(SETTLE_SECONDS)
    stop = asyncio.Event()
    writing = asyncio.create_task(writer.run(soak.changes, stop))
    samples = await _run_clients(soak, store, server, subscribers[EDITOR], counts, writer)
    stop.set()
    await writing
    await until_quiet(server.url)
    until.set()
    faults = await copy_faults(subscribers, await served(server.url))
    print(
        f"{writer.changes:,} changes, {counts.events:,} events, {counts.connects:,} connections", flush=True
    )
    for life in lives:
        life.cancel()
        with suppress(asyncio.CancelledError):
            await life
    return counts.faults + faults + growth_faults(samples)


def _subscribers(soak: Soak, url: str, counts: Counts, rng: random.Random) -> list[Subscriber]:
    steady = [Subscriber(url, interest, counts, rng, steady=True) for interest in STEADY]
    others = [
        Subscriber(url, ALL_INTERESTS[number % len(ALL_INTERESTS)], counts, rng, steady=False)
        for number in range(soak.subscribers - len(steady))
    ]
    return steady + others


async def _run_clients(
    soak: Soak, store: Store, server: Server, editor: Subscriber, counts: Counts, writer: Writer
) -> list[Sample]:
    """Take a sample and print a line of figures at intervals until the time is up."""
    start, samples = time.monotonic(), []
    while (passed := time.monotonic() - start) < soak.seconds:
        written, seen, events = writer.changes, editor.received, counts.events
        counts.longest = 0.0
        await asyncio.sleep(min(SAMPLE_SECONDS, soak.seconds - passed))
        now = time.monotonic() - start
        taken = sample(server, store.database, now)
        samples.append(taken)
        print(
            f"{now:5.0f} s  {(writer.changes - written) / (now - passed):4.1f} files/s"
            f"  {(editor.received - seen) / (now - passed):4.1f} changes/s"
            f"  {counts.connected:3} subscribers  {(counts.events - events) / (now - passed):6.0f} events/s"
            f"  server {taken.server / 1e6:.0f} MB  watcher {taken.watcher / 1e6:.0f} MB"
            f"  database {taken.database / 1e6:.0f} MB  wal {taken.log / 1e6:.1f} MB"
            f"  longest delay {counts.longest * 1000:.0f} ms  faults {len(counts.faults)}",
            flush=True,
        )
    return samples


def _log_faults(log: Path) -> list[str]:
    """Return the errors in the log of the server and the watcher."""
    return [
        line for line in log.read_text().splitlines() if " error " in line or line.startswith("Traceback")
    ]


if __name__ == "__main__":
    main()
