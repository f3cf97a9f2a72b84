"""Uvicorn's protocol of HTTP, which writes each response at once, and those of one turn of the loop in a row.

Each write is a system call, and one that wakes who waits for the answer: written in a row, many responses
wake a client once. With 32 connections that spares 40% of the time of an answer that is at hand.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gqlnews.server.cycle import Cycle
from gqlnews.server.patience import Awaited, Unread
from gqlnews.server.refusals import (
    BAD_HANDSHAKE,
    HEADERS_TOO_LARGE,
    MALFORMED,
    MOST_HEAD_BYTES,
    MOST_HEADERS,
    MOST_URL_BYTES,
    TIMEOUT,
    URL_TOO_LONG,
)

ABORT = "gqlnews.abort"  # an extension of ASGI: cuts a connection whose client does not read
LINGER_SECONDS = 2.0  # for a client that is refused to stop sending, and to read why
MOST_UNFINISHED = 3 * MOST_HEAD_BYTES  # bytes of a head without an end; a chunk may begin with other requests

_END_OF_HEAD = b"\r\n\r\n"


class Joined:
    """A transport that keeps back a response, from its head on, until the loop's next turn.

    Closed at once, a client that still sends would not read what it was told: where `lingers` says that it
    does, it is given some time first.
    """

    __slots__ = ("_ended", "_held", "_lingers", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, lingers: Callable[[], bool]) -> None:
        self._transport, self._lingers = transport, lingers
        self._ended = False
        self._loop = asyncio.get_running_loop()
        self._held: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._held:
            if not (data.endswith(_END_OF_HEAD) and data.startswith(b"HTTP/")):
                if not self._transport.is_closing():  # else its client has left
                    self._transport.write(data)
                return
            self._loop.call_soon(self._flush)
        self._held.append(data)

    def close(self) -> None:
        self._flush()
        if self._ended or self._transport.is_closing() or not self._lingers():
            self._transport.close()
            return
        self._ended = True
        self._transport.write_eof()
        self._loop.call_later(LINGER_SECONDS, self._transport.abort)

    def __getattr__(self, name: str) -> Any:
        """Everything else is the transport's own."""
        return getattr(self._transport, name)

    def _flush(self) -> None:
        if self._held:
            held, self._held = self._held, []
            if not self._transport.is_closing():
                self._transport.writelines(held)


class OneWriteProtocol(HttpToolsProtocol):
    """What the application cannot answer is refused here, as GraphQL JSON, and the connection ends."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(Joined(transport, self._ends_early))  # type: ignore[arg-type]
        self._extensions = {ABORT: {"abort": transport.abort}}
        self._refusal: bytes | None = None
        self._fed = 0  # bytes among which the head of the request stands that is read now
        self._unread = Unread()
        self._awaited = Awaited(self, self.loop.time())

    def data_received(self, data: bytes) -> None:
        if self._refusal is not None:
            return  # nothing that comes later is looked at
        self._unset_keepalive_if_required()
        self._fed += len(data)
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade:
            self._upgrade()
        except HttpParserError:
            self.refuse(self._refusal or MALFORMED)
        else:
            if self.scope is not None and "method" in self.scope:
                self._fed = 0
            elif self._fed > MOST_UNFINISHED:
                self.refuse(self._excess() or HEADERS_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = self._extensions  # type: ignore[typeddict-item]

    def on_headers_complete(self) -> None:
        if self._fed > MOST_HEAD_BYTES or len(self.headers) > MOST_HEADERS:
            self._refusal = self._excess()
            if self._refusal is not None:
                raise ValueError("too much")  # the parser stops, and `data_received` refuses
        super().on_headers_complete()
        if self.cycle is not None:
            self.cycle.__class__ = Cycle  # it is made there, and begins in the loop's next turn

    def refuse(self, refusal: bytes) -> None:
        """Answer what is read now with this, after what came before it, and end the connection."""
        self._refusal = refusal
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            self._end_with(refusal)
        elif not cycle.more_body or self.pipeline:  # there are requests to be answered before
            if cycle.more_body:
                self.pipeline.popleft()  # it is the body of this one that cannot be read
            self.pipeline.appendleft((Last(self._end_with, refusal), self.app))  # type: ignore[arg-type]
        else:
            if not cycle.response_started:
                self._end_with(refusal)
            else:
                self.transport.close()
            cycle.disconnected = True
            cycle.message_event.set()

    def look(self, now: float) -> None:
        """Called once a second."""
        if self._unread.is_stuck(self.transport.get_write_buffer_size(), now):
            self.transport.abort()
        elif self._awaited.is_overdue(self._unfinished(), now):
            if self._awaited.what is self and self.cycle is not None:
                self.transport.close()  # it was answered, and sends what is no request, or the rest of one
            else:
                self.refuse(TIMEOUT)

    def _unfinished(self) -> object | None:
        """What is waited for of the client, told by an object of its own: a head or a body."""
        if self._refusal is not None:
            return None
        if self.scope is None:
            return self
        cycle = self.cycle
        if cycle is None or cycle.scope is not self.scope:
            return self.scope
        if not cycle.response_complete:
            return cycle if cycle.more_body and not self.pipeline else None
        return self if self.timeout_keep_alive_task is None else None

    def _upgrade(self) -> None:
        """To WebSocket; another upgrade is passed over, as HTTP has it."""
        if not self._should_upgrade():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self.refuse(BAD_HANDSHAKE)
        else:
            self.handle_websocket_upgrade()

    def _excess(self) -> bytes | None:
        """How the head is refused that is too large; None where it is not."""
        if len(self.url) > MOST_URL_BYTES:
            return URL_TOO_LONG
        size = sum(len(name) + len(value) for name, value in self.headers)
        return HEADERS_TOO_LARGE if size > MOST_HEAD_BYTES or len(self.headers) > MOST_HEADERS else None

    def _end_with(self, refusal: bytes) -> None:
        self.transport.write(refusal)
        self.transport.close()

    def _ends_early(self) -> bool:
        """Whether it is closed before all that the client sends has come; the rest is not looked at."""
        cycle = self.cycle
        if self._refusal is None and cycle is not None and cycle.response_complete and cycle.more_body:
            self._refusal = b""
        return self._refusal is not None


@dataclass(frozen=True, slots=True)
class Last:
    """Stands in the queue of pipelined requests behind those that are answered yet."""

    end_with: Callable[[bytes], None]
    refusal: bytes

    async def run_asgi(self, app: object) -> None:
        self.end_with(self.refusal)
