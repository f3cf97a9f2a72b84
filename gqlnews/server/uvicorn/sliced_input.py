"""Feed received data to a protocol in slices, one per event loop iteration.

A single read may contain thousands of small messages or pipelined requests, and a protocol parses all of its
input at once. Between slices, other clients are served. Nothing is read or fed while reading is paused
(backpressure), so at most one read is buffered.
"""

import asyncio
from collections.abc import Callable
from typing import Any

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
