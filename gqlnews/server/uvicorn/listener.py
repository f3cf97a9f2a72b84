"""The listening socket, bound before the folder is read, so that a port in use is reported at once."""

import socket
from contextlib import closing

from gqlnews.errors import BindError

BACKLOG = 2048
UNACKNOWLEDGED_MS = 20_000  # TCP_USER_TIMEOUT: then a client that acknowledges nothing is dropped


def listen(host: str, port: int) -> socket.socket:
    """Bind a listening socket; port 0 takes any free port. Raises BindError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise BindError(f"unknown host {host!r} ({error.strerror}): choose another by --host") from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; accepted sockets inherit it
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        message = f"cannot listen on {host}:{port} ({error.strerror}): choose another by --port or --host"
        raise BindError(message) from error
    return listener


def take_backlog(listener: socket.socket) -> list[socket.socket]:
    """Accept every connection in the kernel's accept queue, then close the listener.

    When the last process closes the socket, the kernel resets the connections that are still queued. Nothing
    runs between the last accept and the close, so hardly any connection can arrive in between.
    """
    taken: list[socket.socket] = []
    listener.setblocking(False)
    with closing(listener):
        while len(taken) <= BACKLOG:
            try:
                taken.append(listener.accept()[0])
            except ConnectionAbortedError:
                continue  # the client disconnected while queued
            except OSError:
                break  # the queue is empty, or the process is out of file descriptors
    return taken


def base_url(listener: socket.socket) -> str:
    """The server's URL for a browser on this machine: `http://127.0.0.1:8000`."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared with, not listened on
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
