"""A transport that writes all responses of one event loop iteration with one system call.

Each write also wakes the client, so pipelined responses that are written together wake it once.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from gqlnews.server.uvicorn.sliced_input import APPLICATION_BEHIND, SlicedInput

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
