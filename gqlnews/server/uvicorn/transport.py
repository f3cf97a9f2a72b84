"""Coalesce the writes of one event loop iteration, and slice what was received."""

import asyncio
from collections.abc import Callable
from typing import Any

# Feed received data to a protocol in slices, one per event loop iteration.
#
# A single read may contain thousands of small messages or pipelined requests, and a protocol parses all of
# its input at once. Between slices, other clients are served. Nothing is read or fed while reading is paused
# (backpressure), so at most one read is buffered.


# Reasons to pause, as bits: the application is behind, or the client does not read.
APPLICATION_BEHIND, CLIENT_NOT_READING = 1, 2


class SlicedInput:
    """The input of one connection; `feed` is called with at most `size` bytes."""

    __slots__ = ("_feed", "_holds", "_is_scheduled", "_rest", "_size", "_transport")

    def __init__(self, transport: asyncio.Transport, feed: Callable[[bytes], None], size: int) -> None:
        self._transport, self._feed, self._size = transport, feed, size
        self._rest = b""
        self._holds = 0
        self._is_scheduled = False

    def receive(self, data: bytes) -> None:
        """Accept data read from the connection; most reads fit into one slice and are fed at once."""
        if len(data) <= self._size and not self._rest:
            self._feed(data)
            return
        self._rest += data
        self._transport.pause_reading()
        self._schedule()

    def drop(self) -> None:
        """Discard the buffered input, as another protocol takes over."""
        self._rest = b""

    @property
    def is_held(self) -> bool:
        """Whether input is paused or buffered, so that data from the client may be unread."""
        return bool(self._holds or self._rest)

    def hold(self, reason: int) -> None:
        self._holds |= reason
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def release(self, reason: int) -> None:
        self._holds &= ~reason
        if self._holds:
            return
        if self._rest:
            self._schedule()
        elif not self._transport.is_closing():
            self._transport.resume_reading()

    def _schedule(self) -> None:
        if not (self._is_scheduled or self._holds):
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        self._is_scheduled = False
        if self._transport.is_closing():
            self._rest = b""
        if self._holds or not self._rest:
            return
        data, self._rest = self._rest[: self._size], self._rest[self._size :]
        try:
            self._feed(data)
        except BaseException:  # as the event loop does if `data_received` raises
            self._transport.abort()
            raise
        self.release(0)


class SlicedTransport:
    """A transport whose reading is paused and resumed through a `SlicedInput`."""

    __slots__ = ("_input", "_transport")

    def __init__(self, transport: asyncio.Transport, sliced: SlicedInput) -> None:
        self._transport, self._input = transport, sliced

    def pause_reading(self) -> None:
        self._input.hold(APPLICATION_BEHIND)

    def resume_reading(self) -> None:
        self._input.release(APPLICATION_BEHIND)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


# A transport that writes all responses of one event loop iteration with one system call.
#
# Each write also wakes the client, so pipelined responses that are written together wake it once.


LINGER_SECONDS = 2.0  # for a rejected client to stop sending and read the response

_END_OF_HEAD = b"\r\n\r\n"


class CoalescingTransport:
    """Buffer each response, from its head on, until the next event loop iteration.

    A client that is still sending when the connection closes may not read its response. So if `lingers()` is
    true, `close` only sends EOF and aborts the connection LINGER_SECONDS later.
    """

    __slots__ = ("_ended", "_held", "_input", "_lingers", "_loop", "_transport")

    def __init__(
        self, transport: asyncio.Transport, sliced: SlicedInput, lingers: Callable[[], bool]
    ) -> None:
        self._transport, self._input, self._lingers = transport, sliced, lingers
        self._ended = False
        self._loop = asyncio.get_running_loop()
        self._held: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._held:
            if not (data.endswith(_END_OF_HEAD) and data.startswith(b"HTTP/")):
                if not self._transport.is_closing():  # otherwise the client has disconnected
                    self._transport.write(data)
                return
            self._loop.call_soon(self._flush)
        self._held.append(data)

    def pause_reading(self) -> None:
        self._input.hold(APPLICATION_BEHIND)

    def resume_reading(self) -> None:
        self._input.release(APPLICATION_BEHIND)

    def close(self) -> None:
        self._flush()
        if self._ended or self._transport.is_closing() or not self._lingers():
            self._transport.close()
            return
        self._ended = True
        self._transport.write_eof()
        self._loop.call_later(LINGER_SECONDS, self._transport.abort)

    def __getattr__(self, name: str) -> Any:
        """Delegate everything else to the transport."""
        return getattr(self._transport, name)

    def _flush(self) -> None:
        if self._held:
            held, self._held = self._held, []
            if not self._transport.is_closing():
                self._transport.writelines(held)
