"""Running the application on a socket, and stopping it.

Ctrl-C (SIGINT) stops at once: connections are cut and requests in flight are cancelled. SIGTERM drains:
nothing new is accepted, what is in flight is finished. Each has a time after which the kernel ends the
process, whatever it is doing.
"""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from gqlnews.server.address import BACKLOG
from gqlnews.server.logs import note
from gqlnews.server.open_files import allow_open_files
from gqlnews.server.patience import Patience
from gqlnews.server.protocol import OneWriteProtocol
from gqlnews.server.websocket_protocol import SocketProtocol

MESSAGE_BYTES = 64 * 1024  # of a WebSocket
PING_SECONDS = 20.0
DRAIN_SECONDS = 8  # then requests in flight are cancelled, and answered with 503
# What stopping may take in all, in seconds; the promise is 1 and 10.
LAST_RESORT = {signal.SIGINT: 0.8, signal.SIGTERM: 9.5}
NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


class Server(uvicorn.Server):
    """Uvicorn's server with this program's way of stopping.

    `on_start` runs once it accepts requests, `on_stop` once it accepts no more: it ends what has no end.
    """

    def __init__(
        self, app: ASGIApp, on_start: Callable[[], Awaitable[None]], on_stop: Callable[[], None]
    ) -> None:
        super().__init__(_config(app))
        self._on_start, self._on_stop = on_start, on_stop
        self._stopped_by: signal.Signals | None = None
        self._patience = Patience(self.server_state.connections)  # type: ignore[arg-type]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        allow_open_files()
        await super().startup(sockets)
        self._patience.start()
        await self._on_start()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle both signals while serving; Uvicorn's raises them again, but to be stopped is no failure."""
        before = {number: signal.signal(number, self.handle_exit) for number in LAST_RESORT}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Ctrl-C after SIGTERM stops at once; any other second signal changes nothing."""
        if self._stopped_by in {sig, signal.SIGINT}:
            return
        if self._stopped_by is not None:
            asyncio.get_running_loop().call_soon_threadsafe(self._cut)
        self._stopped_by = signal.Signals(sig)
        self.should_exit = True
        signal.setitimer(signal.ITIMER_REAL, LAST_RESORT[self._stopped_by])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in (*self.servers, *(sockets or ())):
            listener.close()
        await asyncio.sleep(0)  # the loop closes them on its next turn
        by = self._stopped_by or signal.SIGTERM
        self._on_stop()
        note("stopping", by=NAMES[by], connections=len(self.server_state.connections))
        if by == signal.SIGINT:
            self._cut()
        await super().shutdown(sockets)
        self._patience.stop()
        note("stopped")

    def _cut(self) -> None:
        """End every connection, idle or not, and every request in flight."""
        for connection in tuple(self.server_state.connections):
            connection.transport.abort()
        for task in tuple(self.server_state.tasks):
            task.cancel()


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=OneWriteProtocol,
        ws=SocketProtocol,
        ws_max_size=MESSAGE_BYTES,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        ws_per_message_deflate=False,  # a compressor for each socket takes more memory than all else of it
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nothing here asks where a request came from
        backlog=BACKLOG,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
