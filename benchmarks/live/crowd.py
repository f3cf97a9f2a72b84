"""`python -m benchmarks.live.crowd URL SUBSCRIBERS`: many identical subscriptions.

Each subscriber is a lightweight WebSocket client. The program prints one line of JSON once all of them have
subscribed, one for each event that has reached all of them, and a verdict after standard input ends. Times
are seconds of `time.monotonic`.
"""

import asyncio
import os
import sys
from itertools import pairwise
from time import monotonic
from typing import Any, cast
from urllib.parse import urlsplit

import orjson
import uvloop

from benchmarks.live.frames import (
    CLOSE,
    END_OF_HEAD,
    HANDSHAKE,
    PING,
    PONG,
    TEXT,
    FrameParser,
    frame,
)
from gqlnews.server.uvicorn.run import raise_nofile_limit

MAX_CONNECTING = 50  # connections opened concurrently
ACK, NEXT, PONG_MESSAGE = b'{"type":"connection_ack"', b'{"id":"1","type":"next"', b'{"type":"pong"'
DOCUMENT = "subscription { articleChanged { slug kind version article { title } } }"
INIT = {"type": "connection_init"}
SUBSCRIBE = {"id": "1", "type": "subscribe", "payload": {"query": DOCUMENT}}


def encode_message(message: object) -> bytes:
    return frame(TEXT, orjson.dumps(message), masked=True)


class DeliveryCounter:
    """Tracks which subscribers have received which event.

    All subscribers get the same bytes, so the bytes identify an event.
    """

    def __init__(self, subscribers: int) -> None:
        self._subscribers = subscribers
        self._order: list[bytes] = []
        self._times: list[list[float]] = []
        self.wrong = 0

    def record(self, index: int, body: bytes) -> None:
        """Record an event that a subscriber received as its event number `index`, counted from 0."""
        if index == len(self._order):
            self._order.append(body)
            self._times.append([])
        if body != self._order[index]:
            self.wrong += 1
        times = self._times[index]
        times.append(monotonic())
        if len(times) == self._subscribers:
            self._report(index)

    def _report(self, index: int) -> None:
        times, change = self._times[index], _change(self._order[index])
        median = times[len(times) // 2]
        title = change["article"] and change["article"]["title"]
        print_json({"title": title, "first": times[0], "median": median, "last": times[-1]})

    def verdict(self) -> dict[str, int]:
        """Count the events, those that some subscriber did not receive, and repeated or out-of-order ones."""
        numbers = [int(_change(body)["version"].rpartition("-")[2]) for body in self._order]
        out_of_order = sum(later <= earlier for earlier, later in pairwise(numbers))
        missing = sum(len(times) < self._subscribers for times in self._times)
        return {"events": len(self._order), "missing": missing, "wrong": self.wrong + out_of_order}


class Subscriber(asyncio.Protocol):
    """One WebSocket client. `subscribed` is done once its subscription has begun."""

    def __init__(self, counter: DeliveryCounter, host: bytes) -> None:
        self._counter, self._host = counter, host
        self._head = b""
        self._frames = FrameParser()
        self._is_open = False
        self._received = 0
        self.subscribed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(HANDSHAKE % self._host)

    def data_received(self, data: bytes) -> None:
        if not self._is_open:
            self._head += data
            if END_OF_HEAD not in self._head:
                return
            data = self._head.partition(END_OF_HEAD)[2]
            self._is_open = True
            self._transport.write(encode_message(INIT))
        for opcode, payload in self._frames.feed(data):
            if opcode == TEXT:
                self._handle_message(payload)
            elif opcode == PING:
                self._transport.write(frame(PONG, payload, masked=True))
            elif opcode == CLOSE:
                self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        print(f"a subscriber lost its connection: {error}", file=sys.stderr, flush=True)
        os._exit(1)  # every later measurement would be meaningless

    def _handle_message(self, message: bytes) -> None:
        if message.startswith(NEXT):
            self._counter.record(self._received, message)
            self._received += 1
        elif message.startswith(ACK):
            self._transport.write(encode_message(SUBSCRIBE) + encode_message({"type": "ping"}))
        elif message.startswith(PONG_MESSAGE) and not self.subscribed.done():
            self.subscribed.set_result(None)
        else:
            raise SystemExit(f"unexpected message: {message!r}")


def print_json(value: object) -> None:
    print(orjson.dumps(value).decode(), flush=True)


def _change(message: bytes) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(message)["payload"]["data"]["articleChanged"]
    return found


async def crowd(url: str, subscribers: int) -> None:
    address = urlsplit(url)
    host, port = address.hostname, address.port
    assert host is not None
    assert port is not None
    counter = DeliveryCounter(subscribers)
    loop = asyncio.get_running_loop()
    slots = asyncio.Semaphore(MAX_CONNECTING)

    async def join() -> None:
        async with slots:
            _, subscriber = await loop.create_connection(
                lambda: Subscriber(counter, address.netloc.encode()), host, port
            )
            await subscriber.subscribed

    await asyncio.gather(*(join() for _ in range(subscribers)))
    print_json({"watching": subscribers})
    await loop.run_in_executor(None, sys.stdin.read)
    print_json(counter.verdict())
    os._exit(0)  # without closing each connection


if __name__ == "__main__":
    raise_nofile_limit()
    uvloop.run(crowd(sys.argv[1], int(sys.argv[2])))
