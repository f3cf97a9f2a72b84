"""Lightweight clients for HTTP/1.1 on one connection and for graphql-transport-ws.

Both can leave responses unread.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TypeVar, cast
from urllib.parse import urlsplit

import httptools
import orjson

from benchmarks.hostile.traffic import HOST
from benchmarks.live.frames import CLOSE, END_OF_HEAD, HANDSHAKE, PING, PONG, TEXT, FrameParser, frame

VICTIM, ATTACKER = "127.0.0.1", "127.0.0.2"
"""Local addresses of the two clients: per-address limits that the attacker hits must not affect the
victim.
"""

_INIT = frame(TEXT, orjson.dumps({"type": "connection_init"}), masked=True)
_ACK = b'{"type":"connection_ack"'


class Writable(asyncio.Protocol):
    """A connection with write flow control. `received` counts bytes."""

    def __init__(self, *, reads: bool = True) -> None:
        self._reads = reads
        self.received = 0
        self.ended = asyncio.Event()
        self.waiting: deque[asyncio.Future[int]] = deque()
        self._room = asyncio.Event()
        self._room.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        if not self._reads:  # uvloop starts reading after this call
            asyncio.get_running_loop().call_soon(self.transport.pause_reading)

    @property
    def is_closed(self) -> bool:
        return self.ended.is_set()

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    def connection_lost(self, error: Exception | None) -> None:
        self.ended.set()
        self._room.set()
        for waiter in self.waiting:
            if not waiter.done():
                waiter.set_exception(ConnectionResetError("the server closed the connection"))
        self.waiting.clear()

    async def write(self, data: bytes) -> None:
        """Write as soon as there is buffer space. Raises ConnectionError."""
        await self._room.wait()
        if self.is_closed:
            raise ConnectionResetError("the connection is closed")
        self.transport.write(data)

    def abort(self) -> None:
        """Close at once and leave responses unread."""
        self.transport.abort()

    def _wait(self) -> "asyncio.Future[int]":
        waiter: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.waiting.append(waiter)
        return waiter


class HttpClient(Writable):
    """HTTP client that returns only the statuses of responses, in order, and discards the rest."""

    def __init__(self, *, reads: bool = True) -> None:
        super().__init__(reads=reads)
        self._parser = httptools.HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.abort()

    def on_message_complete(self) -> None:
        if self.waiting and not (waiter := self.waiting.popleft()).done():
            waiter.set_result(self._parser.get_status_code())

    async def request(self, request: bytes, responses: int = 1) -> list[int]:
        """Send requests and return the status of each response. Raises ConnectionError."""
        await self.write(request)
        return await asyncio.gather(*(self._wait() for _ in range(responses)))


class SocketClient(Writable):
    """WebSocket client that calls `on_message` with each message.

    `ready` is done once the server has acknowledged the connection; messages are passed on from then.
    """

    def __init__(self, on_message: Callable[[bytes], None], *, reads: bool = True) -> None:
        super().__init__()
        self._on_message, self._reads_later = on_message, reads
        self._head = b""
        self._frames = FrameParser()
        self._is_open = False
        self.ready = self._wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.write(HANDSHAKE % HOST)

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        if not self._is_open:
            self._head += data
            if END_OF_HEAD not in self._head:
                return
            data = self._head.partition(END_OF_HEAD)[2]
            self._is_open = True
            self.transport.write(_INIT)
        for opcode, payload in self._frames.feed(data):
            if opcode == TEXT:
                self._message(payload)
            elif opcode == PING:
                self.transport.write(frame(PONG, payload, masked=True))
            elif opcode == CLOSE:
                self.transport.close()

    def _message(self, payload: bytes) -> None:
        if not self.ready.done():
            if payload.startswith(_ACK):
                self.ready.set_result(0)
            if not self._reads_later:
                self.transport.pause_reading()
        else:
            self._on_message(payload)


Client = TypeVar("Client", bound="Writable")


async def connect(url: str, address: str, make: Callable[[], Client]) -> Client:
    """Connect from a local address. Raises OSError."""
    to = urlsplit(url)
    assert to.hostname is not None
    assert to.port is not None
    _, client = await asyncio.get_running_loop().create_connection(
        make, to.hostname, to.port, local_addr=(address, 0)
    )
    return client
