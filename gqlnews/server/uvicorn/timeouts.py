"""Read and write timeouts, and the static error responses that end a connection."""

import asyncio
from collections.abc import Collection, Iterator
from http import HTTPStatus
from itertools import islice
from operator import itemgetter
from typing import Protocol

from gqlnews.errors import Code
from gqlnews.server.observability.logs import log_rejection
from gqlnews.server.response import JSON, error_body, graphql_headers

# Read and write timeouts, enforced by a sweep over all connections once a second.
#
# There is no timer per request. So a request that arrives completely between two sweeps, as almost all do,
# costs nothing here.

SWEEP_INTERVAL = 1.0  # seconds between two sweeps
SWEEP_BATCH_SIZE = 250  # connections checked in one iteration of the event loop
READ_TIMEOUT = 10.0  # seconds for the head of a request, and again for its body
WRITE_TIMEOUT = 20.0  # seconds in which a client must read at least some of the pending bytes
# While more connections than this are open, idle ones are closed after this many seconds.
MANY_CONNECTIONS, SHORT_KEEP_ALIVE = 10_000, 5
MIN_PROGRESS_BYTES = 64 << 10  # a client that reads less between two sweeps counts as stalled
MAX_STALLED_BYTES = 32 << 20  # pending for all stalled clients; above it, the largest are aborted


class TimedConnection(Protocol):
    transport: asyncio.Transport

    def check_timeouts(self, now: float) -> int:
        """Return the bytes pending for a stalled client, which has read hardly any since the last sweep."""
        ...


class TimeoutSweeper:
    """Check the timeouts of all connections once a second, from `start` to `stop`."""

    def __init__(self, connections: Collection[TimedConnection]) -> None:
        self._connections = connections
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(SWEEP_INTERVAL, self._start_sweep)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _start_sweep(self) -> None:
        self._sweep(iter(tuple(self._connections)), [])

    def _sweep(
        self, connections: Iterator[TimedConnection], stalled: list[tuple[int, TimedConnection]]
    ) -> None:
        """Check the next batch of connections; the others follow in later iterations of the event loop."""
        loop = asyncio.get_running_loop()
        checked = 0
        for connection in islice(connections, SWEEP_BATCH_SIZE):
            if size := connection.check_timeouts(loop.time()):
                stalled.append((size, connection))
            checked += 1
        if checked == SWEEP_BATCH_SIZE:
            loop.call_soon(self._sweep, connections, stalled)
            return
        abort_stalled(stalled)
        self.start()


def abort_stalled(stalled: Collection[tuple[int, TimedConnection]]) -> None:
    """Abort stalled connections, largest first, until at most MAX_STALLED_BYTES are pending for them."""
    total = sum(size for size, _ in stalled)
    for size, connection in sorted(stalled, key=itemgetter(0), reverse=True):
        if total <= MAX_STALLED_BYTES:
            return
        connection.transport.abort()
        total -= size


class WriteStallTimer:
    """Write timeout and stall detection for one connection."""

    __slots__ = ("_pending_bytes", "_since", "stalled_bytes")

    def __init__(self) -> None:
        self._pending_bytes, self._since = 0, 0.0
        self.stalled_bytes = 0  # pending bytes, if hardly any were read since the last sweep

    def is_expired(self, pending_bytes: int, now: float) -> bool:
        """Return whether the write timeout has expired; `pending_bytes` are not sent yet."""
        progressed = pending_bytes == 0 or self._pending_bytes == 0 or pending_bytes < self._pending_bytes
        bytes_read = self._pending_bytes - pending_bytes
        is_stalled = self._pending_bytes > 0 and bytes_read < min(MIN_PROGRESS_BYTES, self._pending_bytes)
        self.stalled_bytes = pending_bytes if is_stalled else 0
        if progressed:
            self._since = now
        self._pending_bytes = pending_bytes
        return now - self._since >= WRITE_TIMEOUT


class ReadTimer:
    """Read timer of one connection; `pending` is the object that identifies the head or body being read."""

    __slots__ = ("_since", "pending")

    def __init__(self, pending: object, now: float) -> None:
        self.pending, self._since = pending, now

    def is_expired(self, pending: object, now: float) -> bool:
        """Return whether the read timeout has expired; a new `pending` object restarts it, None stops it."""
        if pending is not self.pending:
            self.pending, self._since = pending, now
        return pending is not None and now - self._since >= READ_TIMEOUT


# Static responses to malformed, oversized or slow HTTP requests; each closes the connection.

MAX_HEADERS = 200
MAX_HEAD_BYTES = MAX_URL_BYTES = 64 * 1024
MAX_BODY_WIRE_BYTES = 1024 * 1024  # of a body as sent, with chunk sizes, chunk extensions and trailers


class Rejection:
    """A static response that rejects a request and closes its connection; by default with the status 400."""

    def __init__(
        self, message: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST, code: Code = Code.BAD_REQUEST
    ) -> None:
        self.status, self.code, self.message = status, code, message
        body = error_body(code, message)
        headers = (*graphql_headers(JSON), (b"content-length", b"%d" % len(body)), (b"connection", b"close"))
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        self.response = b"HTTP/1.1 %d %b\r\n%b\r\n%b" % (status, status.phrase.encode(), lines, body)

    def log(self, over: str) -> None:
        log_rejection(over, self.status, self.code, self.message)


MALFORMED = Rejection("This is not a valid HTTP request.")
BAD_HOST = Rejection(
    "Send exactly one `Host` header: a host name with an optional port, the same as in the URL."
)
BAD_TARGET = Rejection(
    "The request target must be a path, or an http or https URL without user information and fragment."
)
BAD_CONNECT = Rejection("CONNECT is not supported: this server is not a proxy.")
BAD_TRANSFER_ENCODING = Rejection(
    "The end of the body is ambiguous: the only valid `Transfer-Encoding` is `chunked`, over HTTP/1.1."
)
UNSUPPORTED_TRANSFER_ENCODING = Rejection(
    "The only supported `Transfer-Encoding` is `chunked`.",
    HTTPStatus.NOT_IMPLEMENTED,
    Code.UNSUPPORTED_TRANSFER_ENCODING,
)
EXPECTATION_FAILED = Rejection(
    "The only supported expectation is `Expect: 100-continue`.",
    HTTPStatus.EXPECTATION_FAILED,
    Code.EXPECTATION_FAILED,
)
BODY_TOO_LARGE = Rejection(
    f"The body is larger than {MAX_BODY_WIRE_BYTES} bytes, including chunk extensions and trailers.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Code.BODY_TOO_LARGE,
)
STOPPING = Rejection(
    "The server is stopping: send the request again.", HTTPStatus.SERVICE_UNAVAILABLE, Code.STOPPING
)
BAD_HANDSHAKE = Rejection("This is not a valid WebSocket handshake.")
URL_TOO_LONG = Rejection(
    f"The URL is longer than {MAX_URL_BYTES} bytes: send the request as a POST.",
    HTTPStatus.REQUEST_URI_TOO_LONG,
    Code.URL_TOO_LONG,
)
HEADERS_TOO_LARGE = Rejection(
    f"The request has more than {MAX_HEADERS} headers, or more than {MAX_HEAD_BYTES} bytes of headers.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    Code.HEADERS_TOO_LARGE,
)
TIMEOUT = Rejection(
    f"The request did not arrive in time: headers and body may take {READ_TIMEOUT:.0f} s each.",
    HTTPStatus.REQUEST_TIMEOUT,
    Code.REQUEST_TIMEOUT,
)
