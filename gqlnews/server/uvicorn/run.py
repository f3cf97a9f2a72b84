"""Run the application under Uvicorn: listening socket, process limits, startup and graceful shutdown."""

import asyncio
import ctypes
import resource
import signal
import socket
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import closing, contextmanager, suppress
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from gqlnews.config.settings import ConnectionSettings
from gqlnews.errors import BindError
from gqlnews.server.forwarded import parse_address
from gqlnews.server.observability.logs import STOP_SIGNAL_NAMES, log_event, stop_signals
from gqlnews.server.uvicorn.exit_timer import EXIT_AFTER_SECONDS, exit_after
from gqlnews.server.uvicorn.http_protocol import CoalescingHttpProtocol, ConnectionState
from gqlnews.server.uvicorn.timeouts import TimeoutSweeper
from gqlnews.server.uvicorn.websocket_protocol import WebSocketProtocol

# Run the application under Uvicorn, with graceful shutdown.
#
# Ctrl-C (SIGINT) stops immediately: connections are aborted, and requests in flight are cancelled. SIGTERM
# and SIGHUP drain:
#
# 1. Readiness checks fail from the signal on. For the drain delay, requests are handled as usual, until load
#    balancers have noticed. After that, each response has `Connection: close`.
# 2. Connections in the kernel's accept queue are accepted, and the listening socket is closed.
# 3. Streams and WebSockets end, so that their clients reconnect elsewhere.
# 4. Idle connections are closed after IDLE_SECONDS, in which a request that was already sent can arrive.
# 5. Requests that have begun to arrive get their responses within DRAIN_SECONDS.
#
# After a signal and its drain delay, a timer ends the process if it does not end by itself (`exit_timer.py`).

MAX_MESSAGE_BYTES = 64 * 1024  # maximum size of a WebSocket message
PING_SECONDS = 20.0
DRAIN_SECONDS = 8  # after this, requests in flight are cancelled and get a 503
INCOMPLETE_SECONDS = 7.5  # after this, requests with an incomplete head get a 503
IDLE_SECONDS = 0.5  # for requests that were sent before the drain began
POLL_SECONDS = 0.02  # between two checks for idle connections


class Server(uvicorn.Server):
    """Uvicorn server with the shutdown sequence described above.

    `on_start` runs when the server accepts requests. `on_signal` runs at once on a signal, and must make the
    readiness checks fail. `on_stop` runs when the server accepts no more requests, and must end all streams.
    """

    def __init__(
        self,
        app: ASGIApp,
        on_start: Callable[[], Awaitable[None]],
        on_signal: Callable[[], None],
        on_stop: Callable[[], None],
        connections: ConnectionSettings,
    ) -> None:
        super().__init__(_config(app, connections.keep_alive))
        self.server_state = self._state = ConnectionState()
        self._on_start, self._on_signal, self._on_stop = on_start, on_signal, on_stop
        self._drain_delay = connections.drain_delay
        self._stopped_by: signal.Signals | None = None
        self._timeout_sweeper = TimeoutSweeper(self.server_state.connections)  # type: ignore[arg-type]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        raise_nofile_limit()
        await super().startup(sockets)
        self._timeout_sweeper.start()
        await self._on_start()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle the signals while serving, and ignore further ones once one has stopped the server.

        Uvicorn's implementation raises them again at the end, which would turn a normal stop into a failure.
        """
        previous = {number: signal.signal(number, self.handle_exit) for number in stop_signals()}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, signal.SIG_IGN if self._stopped_by else handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop. Ctrl-C after another signal stops immediately; other second signals are ignored."""
        is_interrupt = sig == signal.SIGINT
        if self._stopped_by is not None and (not is_interrupt or self._stopped_by == sig):
            return
        loop = asyncio.get_running_loop()
        if self._stopped_by is not None:
            loop.call_soon_threadsafe(self._abort_all)
        self._stopped_by = signal.Signals(sig)
        self._on_signal()
        delay = 0 if is_interrupt else self._drain_delay
        exit_after(EXIT_AFTER_SECONDS[self._stopped_by] + delay)
        if delay:
            loop.call_soon_threadsafe(loop.call_later, delay, self._begin_to_drain)
        else:
            self._begin_to_drain()

    def _begin_to_drain(self) -> None:
        self.should_exit = self._state.draining = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        signal_number = self._stopped_by or signal.SIGTERM
        self._state.draining = True
        await self._stop_listening(sockets or (), accept=signal_number != signal.SIGINT)
        self._on_stop()
        log_event(
            "stopping", by=STOP_SIGNAL_NAMES[signal_number], connections=len(self.server_state.connections)
        )
        if signal_number == signal.SIGINT:
            self._abort_all()
        else:
            await self._wait_for_requests()
        incomplete = asyncio.get_running_loop().call_later(INCOMPLETE_SECONDS, self._reject_incomplete)
        await super().shutdown(sockets)
        incomplete.cancel()
        self._timeout_sweeper.stop()
        log_event("stopped")

    async def _stop_listening(self, sockets: Collection[socket.socket], *, accept: bool) -> None:
        """Close the listening sockets; with `accept`, first accept the connections in their queues."""
        loop = asyncio.get_running_loop()
        backlogs = [listener.dup() for listener in sockets]  # the loop closes the originals
        for server in self.servers:
            server.close()
        for listener in sockets:
            listener.close()
        await asyncio.sleep(0)  # the loop closes them in its next iteration
        for backlog in backlogs:
            if not accept:
                backlog.close()
                continue
            for connection in accept_backlog(backlog):
                with suppress(OSError):  # the client disconnected
                    await loop.connect_accepted_socket(self._create_protocol, connection)

    def _create_protocol(self) -> CoalescingHttpProtocol:
        return CoalescingHttpProtocol(self.config, self._state, self.lifespan.state)

    async def _wait_for_requests(self) -> None:
        """Drain HTTP connections and close WebSockets; wait at most IDLE_SECONDS for idle ones."""
        loop = asyncio.get_running_loop()
        until = loop.time() + IDLE_SECONDS
        for connection in tuple(self.server_state.connections):
            if isinstance(connection, CoalescingHttpProtocol):
                connection.drain()
            else:
                connection.shutdown()  # a WebSocket

        def is_waiting() -> bool:
            return loop.time() < until and any(
                connection.is_idle() for connection in self._http_connections()
            )

        while is_waiting():  # noqa: ASYNC110 - a connection has no event for this
            await asyncio.sleep(POLL_SECONDS)
        for _ in range(2):  # a full loop iteration, so that every socket is polled after the wait
            await asyncio.sleep(0)

    def _reject_incomplete(self) -> None:
        for connection in self._http_connections():
            connection.reject_incomplete()

    def _http_connections(self) -> list[CoalescingHttpProtocol]:
        return [one for one in self.server_state.connections if isinstance(one, CoalescingHttpProtocol)]

    def _abort_all(self) -> None:
        """Abort all connections and cancel all requests in flight."""
        for connection in tuple(self.server_state.connections):
            connection.transport.abort()
        for task in tuple(self.server_state.tasks):
            task.cancel()


def _config(app: ASGIApp, keep_alive: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=CoalescingHttpProtocol,
        ws=WebSocketProtocol,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        ws_per_message_deflate=False,  # a compressor takes more memory than the rest of a socket
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # `server/forwarded.py` replaces the client's address
        backlog=BACKLOG,
        timeout_keep_alive=keep_alive,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


# The listening socket. It is bound before the content folder is read, to report a port in use immediately.

BACKLOG = 2048
TCP_USER_TIMEOUT_MS = 20_000  # a client that acknowledges nothing for this time is disconnected


def bind(host: str, port: int) -> socket.socket:
    """Bind a listening socket; port 0 selects any free port. Raises BindError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise BindError(f"unknown host {host!r} ({error.strerror}): choose another with --host") from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; accepted sockets inherit it
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, TCP_USER_TIMEOUT_MS)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        message = f"cannot listen on {host}:{port} ({error.strerror}): choose another with --port or --host"
        raise BindError(message) from error
    return listener


def accept_backlog(listener: socket.socket) -> list[socket.socket]:
    """Accept every connection in the kernel's accept queue, then close the listener.

    When the last process closes the socket, the kernel resets the connections that are still queued. Nothing
    runs between the last accept and the close, so hardly any connection can arrive in between.
    """
    connections: list[socket.socket] = []
    listener.setblocking(False)
    with closing(listener):
        while len(connections) <= BACKLOG:
            try:
                connections.append(listener.accept()[0])
            except ConnectionAbortedError:
                continue  # the client disconnected while queued
            except OSError:
                break  # the queue is empty, or the process is out of file descriptors
    return connections


def base_url(listener: socket.socket) -> str:
    """Return the server's URL for a browser on this machine: `http://127.0.0.1:8000`."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_loopback(listener: socket.socket) -> bool:
    """Return whether only this machine can connect: the address is in 127.0.0.0/8, or ::1."""
    address = parse_address(listener.getsockname()[0])
    return address is not None and address.is_loopback


# The limit of open files: each stream needs a file descriptor, and many systems default to 1,024.

MAX_OPEN_FILES = 128 * 1024  # more than the highest limit of streams that can be configured


def raise_nofile_limit() -> None:
    """Raise the soft RLIMIT_NOFILE to the hard limit, at most MAX_OPEN_FILES."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    target = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < target:
        with suppress(ValueError, OSError):  # the system allows less than its hard limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))


# Make glibc return freed memory to the operating system.
#
# By default glibc retains freed blocks for reuse, raises its mmap threshold as larger blocks are freed, and
# has many arenas. So a server would never release the memory that one flood of large requests took.

ARENA_MAX, MMAP_THRESHOLD = -8, -3  # parameters of mallopt(3)
ARENAS = 2  # maximum number
MAPPED_BYTES = 128 << 10  # blocks of this size or more are unmapped when they are freed


def return_freed_memory() -> None:
    """Configure glibc's allocator; does nothing with another C library."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(ARENA_MAX, ARENAS)
        mallopt(MMAP_THRESHOLD, MAPPED_BYTES)
