"""Feed what a client sends to its protocol in slices, one a turn of the event loop.

A single read may hold thousands of small messages or pipelined requests, and a protocol parses all that it is
given at once. In slices, other clients are served in between. Nothing is read or fed while the protocol asks
for a pause, so what waits is never more than one read.
"""

import asyncio
from collections.abc import Callable
from typing import Any

# Why nothing is fed, as bits: the application is behind, or the client does not read what it is sent.
APPLICATION_BEHIND, CLIENT_NOT_READING = 1, 2


class SlicedInput:
    """The input of one connection: `feed` takes at most `size` bytes."""

    __slots__ = ("_feed", "_holds", "_is_scheduled", "_rest", "_size", "_transport")

    def __init__(self, transport: asyncio.Transport, feed: Callable[[bytes], None], size: int) -> None:
        self._transport, self._feed, self._size = transport, feed, size
        self._rest = b""
        self._holds = 0
        self._is_scheduled = False

    def receive(self, data: bytes) -> None:
        """Take what was read from the connection; most reads fit one slice, and are fed at once."""
        if len(data) <= self._size and not self._rest:
            self._feed(data)
            return
        self._rest += data
        self._transport.pause_reading()
        self._schedule()

    def drop(self) -> None:
        """Feed nothing of what waits: another protocol takes over."""
        self._rest = b""

    @property
    def is_held(self) -> bool:
        """Whether something that was sent may not be read yet."""
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
        except BaseException:  # as the loop does where a protocol fails in `data_received`
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
