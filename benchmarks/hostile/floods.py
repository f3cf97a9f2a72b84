"""Run floods against a server: each connection is a task, and all of them end with the attack."""

import asyncio
import itertools
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import orjson

from benchmarks.hostile.clients import ATTACKER, Client, HttpClient, SocketClient, Writable, connect
from benchmarks.hostile.traffic import SINCE, ConnectionFlood, Flood, HttpFlood, Payload, SocketFlood

PAUSE_AFTER_ERROR = 0.05  # seconds: a server that refuses connections is not asked in a busy loop
MOST_BYTES = 200 << 20  # of payloads that are made before the attack
CLOSED = "closed"  # among the answers: the server ended the connection
KINDS = ("connection_ack", "complete", "error", "next", "ping", "pong")


@dataclass(slots=True)
class Tally:
    """What was sent and received, and the answers: by HTTP status, or by type of WebSocket message."""

    sent: int = 0
    messages: int = 0
    received: int = 0
    answers: dict[str, int] = field(default_factory=dict)

    def note(self, payload: Payload) -> None:
        self.sent += len(payload.data)
        self.messages += payload.messages

    def answered(self, kind: str) -> None:
        self.answers[kind] = self.answers.get(kind, 0) + 1


@dataclass(frozen=True, slots=True)
class Prepared:
    """A flood and its payloads, in the order of sending."""

    flood: Flood
    payloads: Iterator[Payload]


def prepare(flood: Flood, since: str) -> Prepared:
    """`since` is the version that takes the place of SINCE."""
    if isinstance(flood, ConnectionFlood):
        return Prepared(flood, itertools.repeat(Payload(flood.data), flood.most))
    written = orjson.dumps(since).ljust(len(SINCE))
    made = [
        payload._replace(data=payload.data.replace(SINCE, written))
        for payload in map(flood.make, range(flood.different))
    ]
    assert sum(len(one.data) for one in made) < MOST_BYTES, "make fewer different payloads"
    return Prepared(flood, itertools.islice(itertools.cycle(made), flood.most))


async def run(url: str, floods: Sequence[Prepared], seconds: float, longest: float) -> Tally:
    """Until everything is answered, but at least for `seconds` and no longer than `longest`.

    Connections stay open until the end.
    """
    attacker = Attacker(url)
    tasks = [asyncio.create_task(work) for one in floods for work in attacker.workers(one)]
    start = asyncio.get_running_loop().time()
    await asyncio.sleep(seconds)
    await asyncio.wait(tasks, timeout=longest - (asyncio.get_running_loop().time() - start))
    for task in tasks:
        task.cancel()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, Exception):
            raise ended
    attacker.close()
    return attacker.tally


class Attacker:
    """One client of many connections."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._open: set[Writable] = set()
        self.tally = Tally()

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
                self.tally.answered(CLOSED)
                await asyncio.sleep(PAUSE_AFTER_ERROR)
            if client is not None and (client.is_closed or flood.reconnects):
                self._close(client)
                client = None
            if flood.pause:
                await asyncio.sleep(flood.pause)

    async def _request(self, client: HttpClient, payload: Payload, *, reads: bool) -> None:
        self.tally.note(payload)
        if reads:
            for status in await client.ask(payload.data, payload.messages):
                self.tally.answered(str(status))
        else:
            await client.write(payload.data)

    async def _socket(self, flood: SocketFlood, payloads: Iterator[Payload]) -> None:
        client: SocketClient | None = None
        for payload in payloads:
            try:
                if client is None or client.is_closed:
                    client = await self._connect(partial(SocketClient, self._count, reads=flood.reads))
                    await client.ready
                self.tally.note(payload)
                await client.write(payload.data)
            except OSError:
                self.tally.answered(CLOSED)
                await asyncio.sleep(PAUSE_AFTER_ERROR)
            await asyncio.sleep(flood.pause)

    async def _connections(self, flood: ConnectionFlood, payloads: Iterator[Payload]) -> None:
        """On time: those that were missed while others waited are made up for."""
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
            self.tally.answered(CLOSED)
            return
        self.tally.note(payload)
        client.transport.write(payload.data)
        await asyncio.sleep(flood.stays)
        self._close(client)

    async def _connect(self, make: "partial[Client] | type[Client]") -> Client:
        client = await connect(self._url, ATTACKER, make)
        self._open.add(client)
        return client

    def _close(self, client: Writable) -> None:
        self.tally.received += client.received
        self._open.discard(client)
        client.abort()

    def _count(self, message: bytes) -> None:
        kind = next((kind for kind in KINDS if b'"type":"%b"' % kind.encode() in message), "other")
        self.tally.answered(kind)
