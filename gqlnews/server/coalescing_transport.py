"""A transport that writes the responses of one turn of the event loop together.

Each write is a system call, and one that wakes the client: written in a row, many responses wake it once.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from gqlnews.server.sliced_input import APPLICATION_BEHIND, SlicedInput

LINGER_SECONDS = 2.0  # for a client that is refused to stop sending, and to read why

_END_OF_HEAD = b"\r\n\r\n"


class CoalescingTransport:
    """A transport that keeps back a response, from its head on, until the loop's next turn.

    Closed at once, a client that still sends would not read what it was told: where `lingers` says that it
    does, it is given some time first.
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
                if not self._transport.is_closing():  # else its client has left
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
        """Everything else is the transport's own."""
        return getattr(self._transport, name)

    def _flush(self) -> None:
        if self._held:
            held, self._held = self._held, []
            if not self._transport.is_closing():
                self._transport.writelines(held)
