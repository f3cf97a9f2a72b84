"""Run floods against a server, as tasks that are all cancelled when the attack ends."""

import asyncio
import itertools
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import orjson

from benchmarks.hostile.clients import ATTACKER, Client, HttpClient, SocketClient, Writable, connect
from benchmarks.hostile.traffic import SINCE, ConnectionFlood, Flood, HttpFlood, Payload, SocketFlood

PAUSE_AFTER_ERROR = 0.05  # seconds, so that a server that rejects connections does not cause a busy loop
MAX_BYTES = 200 << 20  # of payloads that are built before the attack
CLOSED = "closed"  # counted as a response: the server closed the connection
KINDS = ("connection_ack", "complete", "error", "next", "ping", "pong")


@dataclass(slots=True)
class Counters:
    """Bytes sent and received, and responses counted by HTTP status or WebSocket message type."""

    sent: int = 0
    messages: int = 0
    received: int = 0
    responses: dict[str, int] = field(default_factory=dict)

    def record(self, payload: Payload) -> None:
        self.sent += len(payload.data)
        self.messages += payload.messages

    def count_response(self, kind: str) -> None:
        self.responses[kind] = self.responses.get(kind, 0) + 1


@dataclass(frozen=True, slots=True)
class Prepared:
    """A flood and its payloads in the order in which they are sent."""

    flood: Flood
    payloads: Iterator[Payload]


def prepare(flood: Flood, since: str) -> Prepared:
    """Build the payloads of a flood. `since` is the version that replaces SINCE in them."""
    if isinstance(flood, ConnectionFlood):
        return Prepared(flood, itertools.repeat(Payload(flood.data), flood.limit))
    written = orjson.dumps(since).ljust(len(SINCE))
    made = [
        payload._replace(data=payload.data.replace(SINCE, written))
        for payload in map(flood.make, range(flood.distinct))
    ]
    assert sum(len(one.data) for one in made) < MAX_BYTES, "make fewer different payloads"
    return Prepared(flood, itertools.islice(itertools.cycle(made), flood.limit))


async def run(url: str, floods: Sequence[Prepared], seconds: float, max_seconds: float) -> Counters:
    """Run until every request has its response, but at least for `seconds` and at most for `max_seconds`.

    Connections stay open until the end.
    """
    attacker = Attacker(url)
    tasks = [asyncio.create_task(work) for one in floods for work in attacker.workers(one)]
    start = asyncio.get_running_loop().time()
    await asyncio.sleep(seconds)
    await asyncio.wait(tasks, timeout=max_seconds - (asyncio.get_running_loop().time() - start))
    for task in tasks:
        task.cancel()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, Exception):
            raise ended
    attacker.close()
    return attacker.counters


class Attacker:
    """One client with many connections."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._open: set[Writable] = set()
        self.counters = Counters()

    def workers(self, prepared: Prepared) -> list[Coroutine[object, object, None]]:
        flood, payloads = prepared.flood, prepared.payloads
        match flood:
            case HttpFlood():
                return [self._http(flood, payloads) for _ in range(flood.connections)]
            case SocketFlood():
                return [self._socket(flood, payloads) for _ in range(flood.sockets)]
            case ConnectionFlood():
                return [self._connections(flood, payloads)]

    def close(self) -> None:
        for connection in tuple(self._open):
            self._close(connection)

    async def _http(self, flood: HttpFlood, payloads: Iterator[Payload]) -> None:
        client: HttpClient | None = None
        for payload in payloads:
            try:
                if client is None or client.is_closed:
                    client = await self._connect(partial(HttpClient, reads=flood.reads))
                await self._request(client, payload, reads=flood.reads)
            except OSError:
                self.counters.count_response(CLOSED)
                await asyncio.sleep(PAUSE_AFTER_ERROR)
            if client is not None and (client.is_closed or flood.reconnects):
                self._close(client)
                client = None
            if flood.pause:
                await asyncio.sleep(flood.pause)

    async def _request(self, client: HttpClient, payload: Payload, *, reads: bool) -> None:
        self.counters.record(payload)
        if reads:
            for status in await client.request(payload.data, payload.messages):
                self.counters.count_response(str(status))
        else:
            await client.write(payload.data)

    async def _socket(self, flood: SocketFlood, payloads: Iterator[Payload]) -> None:
        client: SocketClient | None = None
        for payload in payloads:
            try:
                if client is None or client.is_closed:
                    client = await self._connect(partial(SocketClient, self._count, reads=flood.reads))
                    await client.ready
                self.counters.record(payload)
                await client.write(payload.data)
            except OSError:
                self.counters.count_response(CLOSED)
                await asyncio.sleep(PAUSE_AFTER_ERROR)
            await asyncio.sleep(flood.pause)

    async def _connections(self, flood: ConnectionFlood, payloads: Iterator[Payload]) -> None:
        """Open connections on schedule. Late ones are opened at once, so that the average rate is kept."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        async with asyncio.TaskGroup() as group:
            for number, payload in enumerate(payloads):
                await asyncio.sleep(max(0.0, start + number / flood.per_second - loop.time()))
                group.create_task(self._visit(flood, payload))

    async def _visit(self, flood: ConnectionFlood, payload: Payload) -> None:
        try:
            client = await self._connect(HttpClient)
        except OSError:
            self.counters.count_response(CLOSED)
            return
        self.counters.record(payload)
        client.transport.write(payload.data)
        await asyncio.sleep(flood.stays_open)
        self._close(client)

    async def _connect(self, make: "partial[Client] | type[Client]") -> Client:
        client = await connect(self._url, ATTACKER, make)
        self._open.add(client)
        return client

    def _close(self, client: Writable) -> None:
        self.counters.received += client.received
        self._open.discard(client)
        client.abort()

    def _count(self, message: bytes) -> None:
        kind = next((kind for kind in KINDS if b'"type":"%b"' % kind.encode() in message), "other")
        self.counters.count_response(kind)
