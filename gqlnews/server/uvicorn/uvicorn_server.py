"""Run the application under Uvicorn, with graceful shutdown.

Ctrl-C (SIGINT) stops at once: connections are aborted and requests in flight cancelled. SIGTERM drains:

1. From the signal on, each response has `Connection: close`.
2. Connections in the kernel's accept queue are accepted, and the listening socket is closed.
3. Streams and WebSockets end, so that their clients reconnect elsewhere.
4. Idle connections have IDLE_SECONDS for a request that is on its way, then they are closed.
5. Requests that have begun to arrive are answered, within DRAIN_SECONDS.

After either signal, a timer (SIGALRM) kills the process if it has not ended by then.
"""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from gqlnews.server.observability.logs import note
from gqlnews.server.uvicorn.http_protocol import CoalescingHttpProtocol, ConnectionState
from gqlnews.server.uvicorn.listener import BACKLOG, take_backlog
from gqlnews.server.uvicorn.rlimits import raise_nofile_limit
from gqlnews.server.uvicorn.timeouts import TimeoutSweeper
from gqlnews.server.uvicorn.websocket_protocol import WebSocketProtocol

MESSAGE_BYTES = 64 * 1024  # maximum size of a WebSocket message
PING_SECONDS = 20.0
DRAIN_SECONDS = 8  # then requests in flight are cancelled and answered with 503
INCOMPLETE_SECONDS = 7.5  # of the drain, then requests with an incomplete head get a 503
IDLE_SECONDS = 0.5  # for requests that are on their way when the drain begins
POLL_SECONDS = 0.02
# Seconds from the signal until SIGALRM kills the process; the documented limits are 1 and 10.
LAST_RESORT = {signal.SIGINT: 0.8, signal.SIGTERM: 9.5}
NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


class Server(uvicorn.Server):
    """Uvicorn server with the shutdown sequence described above.

    `on_start` runs once it accepts requests, `on_stop` once it does not any more: it must end all streams.
    """

    def __init__(
        self, app: ASGIApp, on_start: Callable[[], Awaitable[None]], on_stop: Callable[[], None]
    ) -> None:
        super().__init__(_config(app))
        self.server_state = self._state = ConnectionState()
        self._on_start, self._on_stop = on_start, on_stop
        self._stopped_by: signal.Signals | None = None
        self._patience = TimeoutSweeper(self.server_state.connections)  # type: ignore[arg-type]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        raise_nofile_limit()
        await super().startup(sockets)
        self._patience.start()
        await self._on_start()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle both signals while serving.

        Uvicorn raises them again at the end, which would turn a normal stop into a failure.
        """
        before = {number: signal.signal(number, self.handle_exit) for number in LAST_RESORT}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop. Ctrl-C after SIGTERM stops at once; any other second signal is ignored."""
        if self._stopped_by in {sig, signal.SIGINT}:
            return
        if self._stopped_by is not None:
            asyncio.get_running_loop().call_soon_threadsafe(self._cut)
        self._stopped_by = signal.Signals(sig)
        self.should_exit = self._state.draining = True
        signal.setitimer(signal.ITIMER_REAL, LAST_RESORT[self._stopped_by])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        by = self._stopped_by or signal.SIGTERM
        self._state.draining = True
        await self._stop_listening(sockets or (), accept=by != signal.SIGINT)
        self._on_stop()
        note("stopping", by=NAMES[by], connections=len(self.server_state.connections))
        if by == signal.SIGINT:
            self._cut()
        else:
            await self._wait_for_requests()
        incomplete = asyncio.get_running_loop().call_later(INCOMPLETE_SECONDS, self._give_up)
        await super().shutdown(sockets)
        incomplete.cancel()
        self._patience.stop()
        note("stopped")

    async def _stop_listening(self, sockets: Collection[socket.socket], *, accept: bool) -> None:
        """Close the listening sockets; with `accept`, first accept the connections in their queues."""
        loop = asyncio.get_running_loop()
        backlogs = [one.dup() for one in sockets]  # the loop closes the originals
        for server in self.servers:
            server.close()
        for listener in sockets:
            listener.close()
        await asyncio.sleep(0)  # the loop closes them on its next turn
        for backlog in backlogs:
            if not accept:
                backlog.close()
                continue
            for connection in take_backlog(backlog):
                with suppress(OSError):  # the client disconnected
                    await loop.connect_accepted_socket(self._protocol, connection)

    def _protocol(self) -> CoalescingHttpProtocol:
        return CoalescingHttpProtocol(self.config, self._state, self.lifespan.state)

    async def _wait_for_requests(self) -> None:
        """Wait until no connection is idle, at most IDLE_SECONDS, then read what has arrived."""
        loop = asyncio.get_running_loop()
        until = loop.time() + IDLE_SECONDS
        for connection in tuple(self.server_state.connections):
            if isinstance(connection, CoalescingHttpProtocol):
                connection.drain()
            else:
                connection.shutdown()  # a WebSocket

        def is_waiting() -> bool:
            return loop.time() < until and any(one.is_idle() for one in self._http_connections())

        while is_waiting():  # noqa: ASYNC110 - a connection has no event for this
            await asyncio.sleep(POLL_SECONDS)
        for _ in range(2):  # a full loop iteration, so that every socket is polled after that time
            await asyncio.sleep(0)

    def _give_up(self) -> None:
        for connection in self._http_connections():
            connection.give_up()

    def _http_connections(self) -> list[CoalescingHttpProtocol]:
        return [one for one in self.server_state.connections if isinstance(one, CoalescingHttpProtocol)]

    def _cut(self) -> None:
        """Abort all connections and cancel all requests in flight."""
        for connection in tuple(self.server_state.connections):
            connection.transport.abort()
        for task in tuple(self.server_state.tasks):
            task.cancel()


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=CoalescingHttpProtocol,
        ws=WebSocketProtocol,
        ws_max_size=MESSAGE_BYTES,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        ws_per_message_deflate=False,  # a compressor takes more memory than the rest of a socket
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # otherwise clients could spoof their address
        backlog=BACKLOG,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
