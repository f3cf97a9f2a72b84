"""`python -m benchmarks.hostile.victim URL SLUGS`: another client, on which the attack should have no effect.

- Every 10 ms it sends a small query for a different article, so that the response is not cached. If all
  connections are busy, the request waits for one, and its latency counts from when it was due.
  Otherwise a stalled server would get fewer requests just while it is slow (coordinated omission).
- Every 200 ms it requests /health/ready over a new connection, as a load balancer does.
- It keeps one subscription open.

It prints `ready` once the subscription is open, and a line of JSON after its standard input ends. Times
are seconds of `time.monotonic`.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from time import monotonic

import msgspec
import orjson
import uvloop

from benchmarks.hostile.clients import VICTIM, HttpClient, SocketClient, connect
from benchmarks.hostile.traffic import get, post, subscribe
from gqlnews.server.uvicorn.run import raise_nofile_limit

QUERY_INTERVAL = 0.01  # seconds between two queries
HEALTH_INTERVAL = 0.2
CONNECTIONS = 20
TIMEOUT = 10.0
HEALTH_TIMEOUT = 2.0  # a typical timeout of load balancers
OK = 200
FAILED = 0  # in place of a status: timeout or closed connection
QUERY = "query Victim($slug: String!) { article(slug: $slug) { title } }"
WATCH = """subscription { articleChanged(where: { title: { startsWith: "Edit " } }) { article { title } } }"""


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """A request that was due `at`, its latency, and its status."""

    at: float
    seconds: float
    status: int


class Arrival(msgspec.Struct, frozen=True, array_like=True):
    title: str
    at: float


class Observations(msgspec.Struct):
    """Everything the victim measured. `lost` counts how often its subscription ended."""

    queries: list[Sample] = []
    health: list[Sample] = []
    events: list[Arrival] = []
    lost: int = 0


class Victim:
    def __init__(self, url: str, slugs: list[str]) -> None:
        self._url = url
        self._requests = cycle([post(QUERY, {"slug": slug}).data for slug in slugs])
        self._idle: asyncio.LifoQueue[HttpClient | None] = asyncio.LifoQueue()
        for _ in range(CONNECTIONS):
            self._idle.put_nowait(None)  # connected on first use
        self.seen = Observations()
        self.subscribed = asyncio.Event()

    async def query(self, at: float) -> None:
        """Send the next query. Its latency includes the wait for a connection."""
        request, status = next(self._requests), FAILED
        try:
            async with asyncio.timeout(at + TIMEOUT - monotonic()):
                status = await self._request(request)
        except (OSError, TimeoutError):
            pass
        self.seen.queries.append(Sample(at, monotonic() - at, status))

    async def health(self, at: float) -> None:
        status, client = FAILED, None
        try:
            async with asyncio.timeout(HEALTH_TIMEOUT):
                client = await connect(self._url, VICTIM, HttpClient)
                (status,) = await client.request(get("/health/ready").data)
        except (OSError, TimeoutError):
            pass
        finally:
            if client is not None:
                client.abort()
        self.seen.health.append(Sample(at, monotonic() - at, status))

    async def subscribe(self) -> None:
        """Subscribe, and subscribe again whenever the connection ends."""
        while True:
            try:
                client = await connect(self._url, VICTIM, lambda: SocketClient(self._event))
                await client.ready
                await client.write(subscribe("1", WATCH).data)
                self.subscribed.set()
                await client.ended.wait()
            except OSError:
                await asyncio.sleep(0.1)
            self.seen.lost += 1

    async def _request(self, request: bytes) -> int:
        """Send a request; retry once over a new connection if the server closed the idle one."""
        client = await self._idle.get()
        try:
            if client is not None and not client.is_closed:
                with suppress(ConnectionError):
                    return await self._status(client, request)
            client = None
            client = await connect(self._url, VICTIM, HttpClient)
            return await self._status(client, request)
        finally:
            self._idle.put_nowait(client)

    @staticmethod
    async def _status(client: HttpClient, request: bytes) -> int:
        try:
            (status,) = await client.request(request)
        except BaseException:  # a late response would be matched to another request
            client.abort()
            raise
        return status

    def _event(self, message: bytes) -> None:
        payload = orjson.loads(message).get("payload")
        change = payload["data"]["articleChanged"] if isinstance(payload, dict) else None
        if change is not None and change["article"] is not None:
            self.seen.events.append(Arrival(change["article"]["title"], monotonic()))


async def repeat(seconds: float, send: Callable[[float], Awaitable[None]], until: asyncio.Event) -> None:
    """Call `send` on schedule, even while earlier calls are running; return once all have ended."""
    at = monotonic()
    async with asyncio.TaskGroup() as group:
        while not until.is_set():
            group.create_task(_gather(send(at)))
            at += seconds
            await asyncio.sleep(at - monotonic())


async def _gather(work: Awaitable[None]) -> None:
    await work


async def run(url: str, slugs: list[str]) -> Observations:
    victim, until = Victim(url, slugs), asyncio.Event()
    subscription = asyncio.create_task(victim.subscribe())
    await victim.subscribed.wait()
    requests = asyncio.gather(
        repeat(QUERY_INTERVAL, victim.query, until), repeat(HEALTH_INTERVAL, victim.health, until)
    )
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    until.set()
    await requests
    subscription.cancel()
    return victim.seen


def main() -> None:
    raise_nofile_limit()
    slugs = orjson.loads(Path(sys.argv[2]).read_bytes())
    print(msgspec.json.encode(uvloop.run(run(sys.argv[1], slugs))).decode(), flush=True)


if __name__ == "__main__":
    main()
