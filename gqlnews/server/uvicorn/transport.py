"""Feed input to a protocol in slices, and write responses in one call and all of one iteration together."""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from gqlnews.server.response import Headers

# Feed received data to a protocol in slices, one per event loop iteration.
#
# A single read may contain thousands of small messages or pipelined requests, and a protocol parses all the
# input of one call without a pause. Between slices, other clients are served. Nothing is read or fed
# while reading is paused (backpressure), so at most one read is buffered.

# Reasons to pause, as bits: the application is behind, or the client does not read.
APPLICATION_BEHIND, CLIENT_NOT_READING = 1, 2


class SlicedInput:
    """The input of one connection; `feed` is called with at most `size` bytes."""

    __slots__ = ("_buffer", "_feed", "_is_scheduled", "_pause_reasons", "_size", "_transport")

    def __init__(self, transport: asyncio.Transport, feed: Callable[[bytes], None], size: int) -> None:
        self._transport, self._feed, self._size = transport, feed, size
        self._buffer = b""
        self._pause_reasons = 0
        self._is_scheduled = False

    def receive(self, data: bytes) -> None:
        """Accept data read from the connection; most reads fit into one slice and are fed immediately."""
        if len(data) <= self._size and not self._buffer:
            self._feed(data)
            return
        self._buffer += data
        self._transport.pause_reading()
        self._schedule()

    def discard(self) -> None:
        """Discard the buffered input, because another protocol takes over the connection."""
        self._buffer = b""

    @property
    def is_paused(self) -> bool:
        """Whether input is paused or buffered, so that data from the client may be unread."""
        return bool(self._pause_reasons or self._buffer)

    def pause(self, reason: int) -> None:
        self._pause_reasons |= reason
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self, reason: int) -> None:
        self._pause_reasons &= ~reason
        if self._pause_reasons:
            return
        if self._buffer:
            self._schedule()
        elif not self._transport.is_closing():
            self._transport.resume_reading()

    def _schedule(self) -> None:
        if not (self._is_scheduled or self._pause_reasons):
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._feed_next)

    def _feed_next(self) -> None:
        self._is_scheduled = False
        if self._transport.is_closing():
            self._buffer = b""
        if self._pause_reasons or not self._buffer:
            return
        data, self._buffer = self._buffer[: self._size], self._buffer[self._size :]
        try:
            self._feed(data)
        except BaseException:  # abort, as the event loop does if `data_received` raises
            self._transport.abort()
            raise
        self.resume(0)


class SlicedTransport:
    """A transport whose reading is paused and resumed through a `SlicedInput`."""

    __slots__ = ("_input", "_transport")

    def __init__(self, transport: asyncio.Transport, sliced: SlicedInput) -> None:
        self._transport, self._input = transport, sliced

    def pause_reading(self) -> None:
        self._input.pause(APPLICATION_BEHIND)

    def resume_reading(self) -> None:
        self._input.resume(APPLICATION_BEHIND)

    def __getattr__(self, name: str) -> Any:
        """Delegate everything else to the transport."""
        return getattr(self._transport, name)


# Write all responses of one event loop iteration with one system call.
#
# Each write also wakes the client, so pipelined responses that are written together wake it once.

LINGER_TIMEOUT = 2.0  # seconds for a rejected client to stop sending and read the response

_END_OF_HEAD = b"\r\n\r\n"


class CoalescingTransport(SlicedTransport):
    """Buffer each response, from its head on, until the next event loop iteration.

    A client that is still sending when the connection closes may not read its response. So if `lingers()` is
    true, `close` only sends EOF and aborts the connection LINGER_TIMEOUT seconds later.
    """

    __slots__ = ("_buffer", "_is_lingering", "_lingers", "_loop")

    def __init__(
        self, transport: asyncio.Transport, sliced: SlicedInput, lingers: Callable[[], bool]
    ) -> None:
        super().__init__(transport, sliced)
        self._lingers, self._is_lingering = lingers, False
        self._loop = asyncio.get_running_loop()
        self._buffer: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._buffer:
            if not (data.endswith(_END_OF_HEAD) and data.startswith(b"HTTP/")):
                if not self._transport.is_closing():  # not if the client has disconnected
                    self._transport.write(data)
                return
            self._loop.call_soon(self._flush)
        self._buffer.append(data)

    def close(self) -> None:
        self._flush()
        if self._is_lingering or self._transport.is_closing() or not self._lingers():
            self._transport.close()
            return
        self._is_lingering = True
        self._transport.write_eof()
        self._loop.call_later(LINGER_TIMEOUT, self._transport.abort)

    def _flush(self) -> None:
        if self._buffer:
            buffer, self._buffer = self._buffer, []
            if not self._transport.is_closing():
                self._transport.writelines(buffer)


# Request-response cycle that sends a complete response in one call, without the two ASGI messages.
#
# Uvicorn validates each header of each response. Our headers are known to be valid, and the validation would
# take longer than the rest of a cached response.


class SingleWriteCycle(RequestResponseCycle):
    """Request-response cycle with `respond` for complete responses."""

    def respond(self, status: int, headers: Headers, body: bytes) -> bool:
        """Send a complete response; `headers` are valid and include `Content-Length`.

        Returns False, and sends nothing, if the response has started, the client has disconnected or writing
        is paused: then the caller must use `send`.
        """
        if self.response_started or self.flow.write_paused or self.disconnected:
            return False
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        head = [STATUS_LINE[status]]
        for name, value in (*self.default_headers, *headers):
            head += (name, b": ", value, b"\r\n")
        head.append(b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n")
        self.transport.write(b"".join(head))
        if body and self.scope["method"] != "HEAD":
            self.transport.write(body)
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
        return True


class ClosingCycle(SingleWriteCycle):
    """Request-response cycle for HTTP/1.0, which has no chunked coding.

    A body without `Content-Length` ends with the connection, which is closed after each response.
    """

    _has_length = True

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._has_length = any(name.lower() == b"content-length" for name, _ in message["headers"])
            if not self._has_length:
                self.chunked_encoding = False
        elif not self._has_length:
            self.expected_content_length = len(message["body"])  # the length of the rest is unknown
        await super().send(message)
