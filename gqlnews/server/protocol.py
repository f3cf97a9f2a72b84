"""Uvicorn's protocol of HTTP, which writes each response at once, and those of one turn of the loop in a row.

Each write is a system call, and one that wakes who waits for the answer: written in a row, many responses
wake a client once. With 32 connections that spares 40% of the time of an answer that is at hand.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser, parse_url
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from gqlnews.server.coalescing_transport import CoalescingTransport
from gqlnews.server.cycle import Cycle
from gqlnews.server.patience import Awaited, Unread
from gqlnews.server.refusals import (
    BAD_HANDSHAKE,
    BODY_TOO_LARGE,
    HEADERS_TOO_LARGE,
    MALFORMED,
    MAX_BODY_WIRE_BYTES,
    MOST_HEAD_BYTES,
    MOST_HEADERS,
    MOST_URL_BYTES,
    STOPPING,
    TIMEOUT,
    URL_TOO_LONG,
)
from gqlnews.server.request_validation import (
    CHECKED,
    CONTINUE,
    EXPECT,
    HOST,
    RequestHead,
    origin_form,
    validate,
)
from gqlnews.server.sliced_input import SlicedInput

ABORT = "gqlnews.abort"  # an extension of ASGI: cuts a connection whose client does not read
SLICE_BYTES = 4 * 1024  # some hundred requests of the smallest size
MOST_UNFINISHED = 3 * MOST_HEAD_BYTES  # bytes of a head without an end; a chunk may begin with other requests

_UPGRADE_FIELDS = frozenset({b"upgrade", b"http2-settings"})


class ConnectionState(ServerState):
    """State shared by the connections of a server; while `draining`, each response closes its connection."""

    def __init__(self) -> None:
        super().__init__()
        self.draining = False


class Trailers(list[tuple[bytes, bytes]]):
    """Discard trailer fields, which must not become headers; raise ValueError past the limits of a head."""

    def __init__(self) -> None:
        super().__init__()
        self._count = self._size = 0
        self.too_large = False

    def append(self, field: tuple[bytes, bytes]) -> None:
        name, value = field
        self._count += 1
        self._size += len(name) + len(value)
        if self._count > MOST_HEADERS or self._size > MOST_HEAD_BYTES:
            self.too_large = True
            raise ValueError("trailers too large")  # the parser stops, and `data_received` refuses


class OneWriteProtocol(HttpToolsProtocol):
    """What the application cannot answer is refused here, as GraphQL JSON, and the connection ends."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._input = SlicedInput(transport, self._feed, SLICE_BYTES)
        coalescing: Any = CoalescingTransport(transport, self._input, self._ends_early)
        super().connection_made(coalescing)
        self._extensions = {ABORT: {"abort": transport.abort}}
        state = self.server_state
        self._state = state if isinstance(state, ConnectionState) else ConnectionState()
        self._refusal: bytes | None = None
        self._slice = 0  # bytes that are fed now
        self._fed = 0  # bytes among which the head of the request stands that is read now, or its body
        self._valid_host: bytes | None = b"\0"  # the last `Host` that passed validation; clients repeat it
        self._last: RequestResponseCycle | None = None  # after which a drain closes the connection
        self._unread = Unread()
        self._awaited = Awaited(self, self.loop.time())

    def data_received(self, data: bytes) -> None:
        self._input.receive(data)

    def _feed(self, data: bytes) -> None:
        if self._refusal is not None:
            return  # nothing that comes later is looked at
        self._unset_keepalive_if_required()
        self._slice = len(data)
        self._fed += self._slice
        try:
            try:
                self.parser.feed_data(data)
            except HttpParserUpgrade as upgrade:
                self._feed_after_upgrade(memoryview(data)[upgrade.args[0] :])
        except HttpParserError:
            self.refuse(self._refusal or self._trailer_error() or MALFORMED)
        else:
            if self.cycle is not None and self.cycle.scope is self.scope and not self.cycle.more_body:
                self._fed = 0
            else:
                self._limit_fed()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.pipeline:  # what was read is answered before more is
            self.flow.pause_reading()

    def on_message_begin(self) -> None:
        self._fed = self._slice
        super().on_message_begin()
        self.scope["extensions"] = self._extensions  # type: ignore[typeddict-item]
        self._host: bytes | None = None
        self._checked: tuple[tuple[bytes, bytes], ...] = ()  # fields to validate, besides the first `Host`

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name in CHECKED:
            if name == HOST and self._host is None:
                self._host = value
            else:
                self._checked += ((name, value),)
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._fed > MOST_HEAD_BYTES or len(self.headers) > MOST_HEADERS:
            self._refusal = self._excess()
            if self._refusal is not None:
                raise ValueError("too much")  # the parser stops, and `data_received` refuses
        version = self.parser.get_http_version()
        self.scope["method"] = self.parser.get_method().decode("ascii")
        if (
            self._checked
            or self._host != self._valid_host
            or not self.url.startswith(b"/")
            or b"#" in self.url
            or version != "1.1"
            or self.parser.should_upgrade()
        ):
            self._validate(version)
            if self.parser.should_upgrade():
                return  # `_feed_after_upgrade` goes on with it
        self._set_target()
        self._start_cycle(keep_alive=version == "1.1" and self.parser.should_keep_alive())
        if self._state.draining:
            self.drain()
        if self._checked:
            self.headers = Trailers()  # the head's own list is in the scope

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade() or self.cycle.response_complete:
            return
        self.cycle.more_body = False
        self.cycle.message_event.set()

    def drain(self) -> None:
        """Close the connection after the response to the last request that was read."""
        cycle = self.cycle
        if cycle is not None and cycle.keep_alive and not cycle.response_complete:
            cycle.keep_alive = False
            self._last = cycle

    def is_idle(self) -> bool:
        """Whether no request has begun to arrive, is being answered or is refused."""
        cycle = self.cycle
        if self._refusal is not None:
            return False
        return self.scope is None if cycle is None else cycle.response_complete and cycle.scope is self.scope

    def shutdown(self) -> None:
        """Close the connection if it is idle, else after its response."""
        if self.is_idle():
            self.transport.close()
        else:
            self.drain()

    def give_up(self) -> None:
        """Refuse a request whose head is still incomplete when the drain ends."""
        cycle = self.cycle
        is_answered = cycle is None or (cycle.response_complete and cycle.scope is not self.scope)
        if self._refusal is None and self.scope is not None and is_answered:
            self.refuse(STOPPING)
            self.transport.close()  # at once: the second call does not wait for the client

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

    @property
    def unread(self) -> int:
        return self._unread.stalled

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
        if cycle is not None and cycle.scope is not self.scope and not cycle.response_complete:
            return None  # the rest of the request is not read before those in front of it are answered
        if cycle is None or cycle.scope is not self.scope:
            return self.scope
        if not cycle.response_complete:
            return cycle if cycle.more_body and not self.pipeline else None
        return self if self.timeout_keep_alive_task is None else None

    def _set_target(self) -> None:
        url = parse_url(self.url)
        path: bytes = url.path
        text = path.decode("ascii")
        scope, root = self.scope, self.root_path
        scope["path"] = root + (unquote(text) if "%" in text else text)
        scope["raw_path"] = root.encode("ascii") + path
        scope["query_string"] = url.query or b""

    def _start_cycle(self, *, keep_alive: bool) -> None:
        """Answer the request, after those that came before it on this connection."""
        previous = self.cycle
        if previous is not None and previous is self._last and not previous.response_started:
            previous.keep_alive = True  # the last request while draining is this one
        self.cycle = Cycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=keep_alive,
            on_response=self.on_response_complete,
        )
        if previous is None or previous.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _validate(self, version: str) -> None:
        """Refuse an ambiguous head by raising ValueError: the parser stops, and `data_received` refuses."""
        method = self.scope["method"].encode()
        fields = self._checked if self._host is None else ((HOST, self._host), *self._checked)
        self._refusal = validate(RequestHead(method, version, self.url, fields))
        if self._refusal is not None:
            raise ValueError("refused head")
        self._valid_host = self._host or self._valid_host
        self.url = origin_form(self.url)
        self.expect_100_continue = version == "1.1" and any(
            name == EXPECT and value.lower() == CONTINUE for name, value in self._checked
        )
        self.scope["http_version"] = version

    def _feed_after_upgrade(self, rest: memoryview) -> None:
        """Upgrade to WebSocket, or ignore the request to upgrade and parse on (RFC 9110, section 7.8)."""
        while not self._is_upgraded():
            self._reparse_without_upgrade()
            try:
                self.parser.feed_data(rest)
            except HttpParserUpgrade as upgrade:
                rest = rest[upgrade.args[0] :]
            else:
                return

    def _is_upgraded(self) -> bool:
        """Hand a WebSocket handshake to its own protocol, or refuse it; False for any other upgrade."""
        if self.scope["http_version"] != "1.1" or not self._should_upgrade():
            return False
        if self._state.draining:
            self.refuse(STOPPING)
        elif self.cycle is not None and not self.cycle.response_complete:
            self.refuse(BAD_HANDSHAKE)
        else:
            self._input.drop()
            self.handle_websocket_upgrade()
        return True

    def _reparse_without_upgrade(self) -> None:
        """Parse the head again without its `Upgrade` header, at which the parser skips the body.

        The body would otherwise be parsed as the next request.
        """
        self.parser = HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        lines = [f"{self.scope['method']} ".encode(), self.url]
        lines.append(f" HTTP/{self.scope['http_version']}\r\n".encode())
        for name, value in self.headers:
            if name not in _UPGRADE_FIELDS:
                lines += (name, b": ", value, b"\r\n")
        self.parser.feed_data(b"".join((*lines, b"\r\n")))

    def _limit_fed(self) -> None:
        """Refuse a head that does not end, and a body that takes far more bytes to send than it has."""
        if self.scope is None or "method" not in self.scope:
            if self._fed > MOST_UNFINISHED:
                self.refuse(self._excess() or HEADERS_TOO_LARGE)
            return
        cycle = self.cycle
        if cycle is None or not cycle.more_body or cycle.response_complete:
            self._fed = 0
        elif self._fed > MAX_BODY_WIRE_BYTES:
            self.refuse(BODY_TOO_LARGE)

    def _trailer_error(self) -> bytes | None:
        return HEADERS_TOO_LARGE if isinstance(self.headers, Trailers) and self.headers.too_large else None

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
