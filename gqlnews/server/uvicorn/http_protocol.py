"""Uvicorn's HTTP protocol with coalesced writes, stricter validation, limits, timeouts and draining.

Each write is a system call that wakes the client, so all responses of one event loop iteration are written
together. With 32 connections, this saves 40% of the time of a cached response.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser, parse_url
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from gqlnews.server.response import HTTP
from gqlnews.server.uvicorn.head import (
    CHECKED_HEADERS,
    CONTINUE,
    EXPECT,
    HOST,
    UnvalidatedHead,
    origin_form,
    validate,
)
from gqlnews.server.uvicorn.timeouts import (
    BAD_HANDSHAKE,
    BODY_TOO_LARGE,
    HEADERS_TOO_LARGE,
    MALFORMED,
    MANY_CONNECTIONS,
    MAX_BODY_WIRE_BYTES,
    MAX_HEAD_BYTES,
    MAX_HEADERS,
    MAX_URL_BYTES,
    SHORT_KEEP_ALIVE,
    STOPPING,
    TIMEOUT,
    URL_TOO_LONG,
    ReadTimer,
    Rejection,
    WriteStallTimer,
)
from gqlnews.server.uvicorn.transport import (
    ClosingCycle,
    CoalescingTransport,
    SingleWriteCycle,
    SlicedInput,
)

ABORT = "gqlnews.abort"  # ASGI extension: abort the connection of a client that does not read
SLICE_BYTES = 4 * 1024  # at most about a hundred requests
# Bytes fed without a complete head; the first of them may belong to earlier requests.
MAX_INCOMPLETE_BYTES = 3 * MAX_HEAD_BYTES

_UPGRADE_FIELDS = frozenset({b"upgrade", b"http2-settings"})


class ConnectionState(ServerState):
    """State shared by all connections of a server; while `draining`, each response closes its connection."""

    def __init__(self) -> None:
        super().__init__()
        self.draining = False


class Trailers(list[tuple[bytes, bytes]]):
    """Discard trailer fields, which must not become headers. Raises ValueError above the header limits."""

    def __init__(self) -> None:
        super().__init__()
        self._count = self._size = 0
        self.too_large = False

    def append(self, field: tuple[bytes, bytes]) -> None:
        name, value = field
        self._count += 1
        self._size += len(name) + len(value)
        if self._count > MAX_HEADERS or self._size > MAX_HEAD_BYTES:
            self.too_large = True
            raise ValueError("trailers too large")  # stops the parser; `_feed` rejects the request


class CoalescingHttpProtocol(HttpToolsProtocol):
    """HTTP protocol of one connection.

    A request that cannot be passed to the application is rejected with a GraphQL JSON error, and the
    connection is closed.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._input = SlicedInput(transport, self._feed, SLICE_BYTES)
        coalescing: Any = CoalescingTransport(transport, self._input, self._closes_early)
        super().connection_made(coalescing)
        self._extensions = {ABORT: {"abort": transport.abort}}
        state = self.server_state
        self._state = state if isinstance(state, ConnectionState) else ConnectionState()
        self._rejection: Rejection | None = None  # of the request being read
        self._ignores_input = False  # after a rejection, or a response that closes early
        self._slice_size = 0  # bytes of the slice being fed
        self._fed = 0  # bytes fed for the current request: an upper bound of its head and body
        self._valid_host: bytes | None = b"\0"  # the last valid `Host`; clients repeat it
        # While draining, its response ends the connection.
        self._last_cycle: RequestResponseCycle | None = None
        self._write_timer = WriteStallTimer()
        self._read_timer = ReadTimer(self, self.loop.time())

    def data_received(self, data: bytes) -> None:
        self._input.receive(data)

    def _feed(self, data: bytes) -> None:
        if self._ignores_input:
            return
        self._unset_keepalive_if_required()
        self._slice_size = len(data)
        self._fed += self._slice_size
        try:
            try:
                self.parser.feed_data(data)
            except HttpParserUpgrade as upgrade:
                self._feed_after_upgrade(memoryview(data)[upgrade.args[0] :])
        except HttpParserError:
            self.reject(self._rejection or self._trailer_error() or MALFORMED)
        else:
            if self.cycle is not None and self.cycle.scope is self.scope and not self.cycle.more_body:
                self._fed = 0
            else:
                self._limit_fed()

    def on_response_complete(self) -> None:
        keep_alive = self.config.timeout_keep_alive
        is_crowded = len(self.connections) > MANY_CONNECTIONS
        self.timeout_keep_alive = min(keep_alive, SHORT_KEEP_ALIVE) if is_crowded else keep_alive
        super().on_response_complete()
        if self.pipeline:  # respond to pipelined requests before reading more
            self.flow.pause_reading()

    def on_message_begin(self) -> None:
        self._fed = self._slice_size
        super().on_message_begin()
        self.scope["extensions"] = self._extensions  # type: ignore[typeddict-item]
        self._host: bytes | None = None
        self._checked: tuple[tuple[bytes, bytes], ...] = ()  # fields to validate, besides the first `Host`

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name in CHECKED_HEADERS:
            if name == HOST and self._host is None:
                self._host = value
            else:
                self._checked += ((name, value),)
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._fed > MAX_HEAD_BYTES or len(self.headers) > MAX_HEADERS:
            self._rejection = self._head_size_error()
            if self._rejection is not None:
                raise ValueError("head too large")  # stops the parser; `_feed` rejects the request
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
                return  # continued by `_feed_after_upgrade`
        self._set_target()
        self._start_cycle(version)
        if self._state.draining:
            self.drain()
        if self._checked:
            self.headers = Trailers()  # the scope keeps the list of headers

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade() or self.cycle.response_complete:
            return
        self.cycle.more_body = False
        self.cycle.message_event.set()

    def drain(self) -> None:
        """Close the connection after the response to the last request read so far."""
        cycle = self.cycle
        if cycle is not None and cycle.keep_alive and not cycle.response_complete:
            cycle.keep_alive = False
            self._last_cycle = cycle

    def is_idle(self) -> bool:
        """Return whether no request is being received, handled or rejected."""
        cycle = self.cycle
        if self._ignores_input:
            return False
        return self.scope is None if cycle is None else cycle.response_complete and cycle.scope is self.scope

    def shutdown(self) -> None:
        """Close the connection, after its pending responses if it is not idle."""
        if self.is_idle():
            self.transport.close()
        else:
            self.drain()

    def reject_incomplete(self) -> None:
        """Reject a request whose head is still incomplete near the end of the drain."""
        cycle = self.cycle
        has_responded = cycle is None or (cycle.response_complete and cycle.scope is not self.scope)
        if not self._ignores_input and self.scope is not None and has_responded:
            self.reject(STOPPING)
            self.transport.close()  # the second call closes immediately, without lingering

    def reject(self, rejection: Rejection) -> None:
        """Reject the request being read, after the responses to earlier requests, and close."""
        self._ignores_input = True
        if self._fed:  # at least a part of a request has arrived
            rejection.log(HTTP)
        cycle, response = self.cycle, rejection.response
        if cycle is None or cycle.response_complete:
            self._send_and_close(response)
        elif not cycle.more_body or self.pipeline:  # earlier requests have no response yet
            if cycle.more_body:
                self.pipeline.popleft()  # the rejected body is that of this request
            self.pipeline.appendleft((PipelinedReject(self._send_and_close, response), self.app))  # type: ignore[arg-type]
        else:
            if not cycle.response_started:
                self._send_and_close(response)
            else:
                self.transport.close()
            cycle.disconnected = True
            cycle.message_event.set()

    def check_timeouts(self, now: float) -> int:
        """Check the read and write timeouts, once a second; return the bytes pending for a stalled client."""
        if self._write_timer.is_expired(self.transport.get_write_buffer_size(), now):
            self.transport.abort()
        elif self._read_timer.is_expired(self._pending_read(), now):
            if self._read_timer.pending is self and self.cycle is not None:
                self.transport.close()  # the client sends no request, or the rest of one with a response
            else:
                self.reject(TIMEOUT)
        return self._write_timer.stalled_bytes

    def _pending_read(self) -> object | None:
        """An object that identifies the head or body being waited for; None if nothing is pending."""
        if self._ignores_input:
            return None
        if self.scope is None:
            return self
        cycle = self.cycle
        if cycle is not None and cycle.scope is not self.scope and not cycle.response_complete:
            return None  # reading is paused until the earlier requests have their responses
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

    def _start_cycle(self, version: str) -> None:
        """Start to handle the request, or queue it behind earlier requests of this connection."""
        previous = self.cycle
        if previous is not None and previous is self._last_cycle and not previous.response_started:
            previous.keep_alive = True  # this request is now the last one of the drain
        cycle_class = SingleWriteCycle if version == "1.1" else ClosingCycle
        self.cycle = cycle_class(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version == "1.1" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if previous is None or previous.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _validate(self, version: str) -> None:
        """Raise ValueError for an invalid head: it stops the parser, and `_feed` rejects the request."""
        method = self.scope["method"].encode()
        fields = self._checked if self._host is None else ((HOST, self._host), *self._checked)
        self._rejection = validate(UnvalidatedHead(method, version, self.url, fields))
        if self._rejection is not None:
            raise ValueError("invalid head")
        self._valid_host = self._host or self._valid_host
        self.url = origin_form(self.url)
        self.expect_100_continue = version == "1.1" and any(
            name == EXPECT and value.lower() == CONTINUE for name, value in self._checked
        )
        self.scope["http_version"] = version

    def _feed_after_upgrade(self, rest: memoryview) -> None:
        """Upgrade to WebSocket, or ignore `Upgrade` and continue parsing (RFC 9110, section 7.8)."""
        while not self._is_upgraded():
            self._reparse_without_upgrade()
            try:
                self.parser.feed_data(rest)
            except HttpParserUpgrade as upgrade:
                rest = rest[upgrade.args[0] :]
            else:
                return

    def _is_upgraded(self) -> bool:
        """Pass a WebSocket handshake to its protocol, or reject it; return False for any other upgrade."""
        if self.scope["http_version"] != "1.1" or not self._should_upgrade():
            return False
        if self._state.draining:
            self.reject(STOPPING)
        elif self.cycle is not None and not self.cycle.response_complete:
            self.reject(BAD_HANDSHAKE)
        else:
            self._input.discard()
            self.handle_websocket_upgrade()
        return True

    def _reparse_without_upgrade(self) -> None:
        """Parse the head again without `Upgrade`.

        The parser ends the message at that header, and would parse the body as the next request.
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
        """Reject a head or a body that takes too many bytes, including chunk sizes and trailers."""
        if self.scope is None or "method" not in self.scope:
            if self._fed > MAX_INCOMPLETE_BYTES:
                self.reject(self._head_size_error() or HEADERS_TOO_LARGE)
            return
        cycle = self.cycle
        if cycle is None or not cycle.more_body or cycle.response_complete:
            self._fed = 0
        elif self._fed > MAX_BODY_WIRE_BYTES:
            self.reject(BODY_TOO_LARGE)

    def _trailer_error(self) -> Rejection | None:
        return HEADERS_TOO_LARGE if isinstance(self.headers, Trailers) and self.headers.too_large else None

    def _head_size_error(self) -> Rejection | None:
        """The rejection of a head that is too large; None if it is within the limits."""
        if len(self.url) > MAX_URL_BYTES:
            return URL_TOO_LONG
        size = sum(len(name) + len(value) for name, value in self.headers)
        return HEADERS_TOO_LARGE if size > MAX_HEAD_BYTES or len(self.headers) > MAX_HEADERS else None

    def _send_and_close(self, response: bytes) -> None:
        self.transport.write(response)
        self.transport.close()

    def _closes_early(self) -> bool:
        """Return whether the connection closes before the whole request has arrived; then ignore the rest."""
        cycle = self.cycle
        if cycle is not None and cycle.response_complete and cycle.more_body:
            self._ignores_input = True
        return self._ignores_input


@dataclass(frozen=True, slots=True)
class PipelinedReject:
    """A rejection in the pipeline, sent after the responses to the requests before it."""

    send_and_close: Callable[[bytes], None]
    response: bytes

    async def run_asgi(self, app: object) -> None:
        self.send_and_close(self.response)
