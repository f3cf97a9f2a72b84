"""Slow clients, on connections whose clock the test controls: RFC 9110, section 15.5.9."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from gqlnews.config.settings import ConnectionSettings
from gqlnews.server.uvicorn.http_protocol import CoalescingHttpProtocol
from gqlnews.server.uvicorn.run import Server
from gqlnews.server.uvicorn.timeouts import (
    MANY_CONNECTIONS,
    MAX_STALLED_BYTES,
    MIN_PROGRESS_BYTES,
    READ_TIMEOUT,
    SWEEP_BATCH_SIZE,
    SWEEP_INTERVAL,
    WRITE_TIMEOUT,
    ReadTimer,
    TimeoutSweeper,
    WriteStallTimer,
    abort_stalled,
)
from gqlnews.server.uvicorn.websocket_protocol import WebSocketProtocol

HEAD = b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n"
SOON, LATE = READ_TIMEOUT - 1, READ_TIMEOUT + 1


class Wire:
    """A transport that records what is written, and leaves `waiting` bytes unsent."""

    def __init__(self) -> None:
        self.written, self.waiting = b"", 0
        self.closed = self.aborted = self.ended = False

    def write(self, data: bytes) -> None:
        assert not self.ended
        self.written += data

    def writelines(self, parts: list[bytes]) -> None:
        self.write(b"".join(parts))

    def write_eof(self) -> None:
        self.ended = True

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.closed or self.aborted

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def get_extra_info(self, name: str) -> None:
        return None

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Respond once the body is complete."""
    message = await receive()
    while message.get("more_body"):
        message = await receive()
    if message["type"] == "http.request":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})


class Connection:
    """A connection and its clock, in seconds since it was opened."""

    def __init__(self, config: uvicorn.Config | None = None) -> None:
        config = config or uvicorn.Config(echo, log_config=None)
        self.protocol = CoalescingHttpProtocol(config, ServerState(), {})
        self.wire = Wire()
        self.start = self.protocol.loop.time()
        self.protocol.connection_made(self.wire)  # type: ignore[arg-type]

    async def after(self, seconds: float, data: bytes = b"") -> bytes:
        """Receive bytes, run a timeout check `seconds` after the start, and return all that was written."""
        if data:
            self.protocol.data_received(data)
        for _ in range(5):
            await asyncio.sleep(0)
        self.protocol.check_timeouts(self.start + seconds)
        for _ in range(5):
            await asyncio.sleep(0)
        return self.wire.written


def on_a_loop(test: Callable[[Connection], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    def run() -> None:
        async def with_connection() -> None:
            await test(Connection())

        asyncio.run(with_connection())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


@on_a_loop
async def test_a_silent_connection_is_closed(one: Connection) -> None:
    assert await one.after(SOON) == b""
    assert (await one.after(LATE)).startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b'"code":"REQUEST_TIMEOUT"' in one.wire.written
    assert one.wire.ended


def keep_alive_of(server: Server, connections: int) -> float:
    """The seconds until an idle connection is closed after a response, with so many connections."""

    async def respond() -> float:
        one = Connection(server.config)
        one.protocol.connections.update(object() for _ in range(connections))  # type: ignore[misc]
        await one.after(0, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert one.wire.written.startswith(b"HTTP/1.1 200 ")
        timer = one.protocol.timeout_keep_alive_task
        assert timer is not None
        return timer.when() - one.start

    return asyncio.run(respond())


async def nothing() -> None: ...


@pytest.mark.parametrize(
    ("options", "connections", "seconds"),
    [
        ({}, 1, 65),
        ({}, MANY_CONNECTIONS, 5),
        ({"keep_alive": 120}, 1, 120),
        ({"keep_alive": 2}, MANY_CONNECTIONS, 2),
    ],
)
def test_an_idle_connection_stays_open_longer_than_load_balancers_reuse_it(
    options: dict[str, int], connections: int, seconds: int
) -> None:
    server = Server(echo, nothing, lambda: None, lambda: None, ConnectionSettings(**options))
    assert seconds <= keep_alive_of(server, connections) < seconds + 1


@on_a_loop
async def test_trickling_headers_time_out(one: Connection) -> None:
    for second in range(int(READ_TIMEOUT)):
        assert await one.after(second, b"POST / HTTP/1.1\r\n" if second == 0 else b"a: b\r\n") == b""
    assert (await one.after(LATE, b"a: b\r\n")).startswith(b"HTTP/1.1 408 ")


@on_a_loop
async def test_a_body_has_its_own_read_timeout(one: Connection) -> None:
    assert await one.after(SOON, HEAD + b"\r\n") == b""
    assert await one.after(SOON + SOON, b"12345") == b""
    assert (await one.after(SOON + LATE, b"6789")).startswith(b"HTTP/1.1 408 ")
    assert one.protocol.cycle.disconnected


@on_a_loop
async def test_a_request_that_arrives_in_time_is_answered(one: Connection) -> None:
    await one.after(SOON, HEAD + b"\r\n")
    assert (await one.after(SOON, b"1234567890")).startswith(b"HTTP/1.1 200 ")
    await one.after(3 * LATE)
    assert b" 408 " not in one.wire.written  # it is idle, which has its own timeout
    assert not one.wire.is_closing()


@on_a_loop
async def test_consecutive_requests_do_not_time_out(one: Connection) -> None:
    for turn in range(30):
        await one.after(turn, HEAD + b"\r\n")
        await one.after(turn + 0.5, b"1234567890")
    assert one.wire.written.count(b"HTTP/1.1 200 ") == 30
    assert b" 408 " not in one.wire.written


@on_a_loop
async def test_garbage_after_a_response_closes_the_connection(one: Connection) -> None:
    await one.after(0, HEAD + b"\r\n1234567890")
    await one.after(1, b"\r\n")
    await one.after(1 + LATE)
    assert one.wire.closed
    assert b" 408 " not in one.wire.written


@on_a_loop
async def test_a_pipelined_request_has_no_read_timeout_while_queued(one: Connection) -> None:
    one.protocol.app = _never
    await one.after(0, HEAD + b"\r\n1234567890" + HEAD + b"\r\n12345")
    assert await one.after(3 * LATE) == b""


async def _never(scope: Any, receive: Any, send: Any) -> None:
    await asyncio.Event().wait()


@on_a_loop
async def test_a_client_that_reads_nothing_is_aborted(one: Connection) -> None:
    one.wire.waiting = 1000
    await one.after(0, HEAD + b"\r\n1234567890")
    await one.after(WRITE_TIMEOUT - 1)
    assert not one.wire.aborted
    await one.after(WRITE_TIMEOUT + 1)
    assert one.wire.aborted


@pytest.mark.parametrize(
    ("sizes", "stuck"),
    [
        ([0, 0, 0], False),
        ([5, 5, 5], True),
        ([5, 9, 9], True),  # more is written, and nothing is sent
        ([5, 4, 4], False),
        ([5, 0, 5], False),
    ],
)
def test_reading_anything_restarts_the_timer(sizes: list[int], stuck: bool) -> None:
    timer, step = WriteStallTimer(), WRITE_TIMEOUT / 2
    stuck_at = [timer.is_expired(size, turn * step) for turn, size in enumerate(sizes)]
    assert stuck_at == [False, False, stuck]


def test_a_new_pending_read_restarts_the_timer() -> None:
    first, second = object(), object()
    awaited = ReadTimer(first, 0)
    stuck_at = [
        awaited.is_expired(what, turn * LATE) for turn, what in enumerate([first, second, second, None, None])
    ]
    assert stuck_at == [False, False, True, False, False]


def test_a_websocket_whose_client_reads_nothing_is_aborted() -> None:
    async def run() -> bool:
        protocol, wire = WebSocketProtocol(uvicorn.Config(echo, log_config=None), ServerState(), {}), Wire()
        protocol.connection_made(wire)
        wire.waiting = 1000
        for now in (0, WRITE_TIMEOUT):
            protocol.check_timeouts(now)
        return wire.aborted

    assert asyncio.run(run())


@pytest.mark.parametrize(
    ("waiting", "cut"),
    [
        ([MAX_STALLED_BYTES], []),
        ([1, MAX_STALLED_BYTES], [1]),
        ([5, MAX_STALLED_BYTES - 9, 3, 2], [1]),
        ([MAX_STALLED_BYTES // 2] * 3, [0]),
        ([MAX_STALLED_BYTES, MAX_STALLED_BYTES + 1, 7], [0, 1]),
    ],
)
def test_the_largest_stalled_connections_are_aborted_first(waiting: list[int], cut: list[int]) -> None:
    wires = [Wire() for _ in waiting]
    for wire, size in zip(wires, waiting, strict=True):
        wire.waiting = size
    abort_stalled([(wire.waiting, _Connected(wire)) for wire in wires])
    assert [number for number, wire in enumerate(wires) if wire.aborted] == cut


class _Connected:
    def __init__(self, wire: Wire) -> None:
        self.transport: Any = wire

    def check_timeouts(self, now: float) -> int:
        return 0


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([0, 10, 10, 20, 15, 15, 0], [0, 0, 10, 20, 15, 15, 0]),
        ([9 * MIN_PROGRESS_BYTES, 8 * MIN_PROGRESS_BYTES, 7 * MIN_PROGRESS_BYTES], [0, 0, 0]),
        ([9 * MIN_PROGRESS_BYTES, 8 * MIN_PROGRESS_BYTES + 1], [0, 8 * MIN_PROGRESS_BYTES + 1]),
    ],
    ids=["small", "read", "hardly read"],
)
def test_a_connection_that_reads_hardly_anything_is_stalled(sizes: list[int], expected: list[int]) -> None:
    timer = WriteStallTimer()
    stalled = []
    for turn, size in enumerate(sizes):
        timer.is_expired(size, turn)
        stalled.append(timer.stalled_bytes)
    assert stalled == expected


def test_every_connection_is_checked_repeatedly() -> None:
    async def run() -> list[float]:
        loop, checks = asyncio.get_running_loop(), []
        done = asyncio.Event()

        class One:
            transport: Any = Wire()

            def check_timeouts(self, now: float) -> int:
                checks.append(now)
                if len(checks) == 2:
                    done.set()
                return 0

        sweeper = TimeoutSweeper([One()])
        start = loop.time()
        sweeper.start()
        await done.wait()
        sweeper.stop()
        return [round((at - start) / SWEEP_INTERVAL) for at in checks]

    assert asyncio.run(run()) == [1, 2]


def test_many_connections_are_checked_over_several_turns_of_the_loop() -> None:
    """So that a request is answered in between."""
    checked: list[int] = []

    class One:
        transport: Any = None

        def check_timeouts(self, now: float) -> int:
            checked.append(1)
            return 0

    async def run() -> None:
        sweeper = TimeoutSweeper([One() for _ in range(3 * SWEEP_BATCH_SIZE + 1)])
        sweeper._start_sweep()
        turns = []
        while len(checked) < 3 * SWEEP_BATCH_SIZE + 1:
            turns.append(len(checked))
            await asyncio.sleep(0)
        sweeper.stop()
        assert turns == [SWEEP_BATCH_SIZE, 2 * SWEEP_BATCH_SIZE, 3 * SWEEP_BATCH_SIZE]

    asyncio.run(run())
