"""`python -m benchmarks.throughput.stampede`: many clients send the same uncached request at once.

This happens right after a change, which invalidates every cached response. The request has a slow
statement and differs in each round; the server has default settings. The benchmark measures how long
the last client waits compared with a single client, and whether any request is rejected.
"""

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from threading import Barrier
from time import perf_counter

import orjson

from benchmarks.figures import Figure, at_most, milliseconds, show, times
from benchmarks.folders import real_or_sample
from benchmarks.throughput.client import TIMEOUT_SECONDS, Client
from benchmarks.throughput.large import large
from benchmarks.throughput.progress import report
from benchmarks.throughput.run import ingest
from benchmarks.throughput.servers import CACHED, Store, start

CLIENTS = 50
ARTICLES = 20  # of the large request
ROUNDS = 5
GOAL = 4.0
"""Each of the two readers runs the statement once for all requests that are queued by then, and once more for
later ones."""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="gqlnews-bench-") as name:
        scratch = Path(name)
        content, called = real_or_sample(scratch)
        store = Store(content, scratch / "store.db", scratch / "responses", scratch)
        report(f"ingest of {called}")
        ingest(store)
        with start(CACHED, store) as server:
            figures = list(measure(server.url))
    show(f"{CLIENTS} clients that send the same request at once", figures)


def measure(url: str) -> Iterator[Figure]:
    """Yield the medians of the rounds."""
    alone, together, rejected = [], [], 0
    for number in range(ROUNDS):
        alone.append(_send_all(url, large(ARTICLES, 2 * number), 1)[0])
        seconds, errors = _send_all(url, large(ARTICLES, 2 * number + 1), CLIENTS)
        together.append(seconds)
        rejected += errors
    yield Figure("a single client", milliseconds(median(alone)))
    yield Figure("the last client", milliseconds(median(together)))
    yield at_most("  ratio to a single client", median(together) / median(alone), GOAL, times)
    yield at_most("rejected", rejected, 0, lambda value: f"{value:.0f}")


def _send_all(url: str, body: bytes, clients: int) -> tuple[float, int]:
    """Return the seconds until all clients have a response, and how many responses are errors."""
    ready = Barrier(clients + 1, timeout=TIMEOUT_SECONDS)

    def send() -> bytes:
        with Client(url) as client:
            client.post(orjson.dumps({"query": "{ site { version } }"}))  # opens the connection
            ready.wait()
            return client.post(body).body

    with ThreadPoolExecutor(clients) as pool:
        futures = [pool.submit(send) for _ in range(clients)]
        ready.wait()
        started = perf_counter()
        responses: Sequence[bytes] = [each.result() for each in futures]
        return perf_counter() - started, sum("errors" in orjson.loads(response) for response in responses)


if __name__ == "__main__":
    main()
