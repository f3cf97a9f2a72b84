"""The address that is listened on, taken before the folder is read: a port in use is said at once."""

import socket
from contextlib import closing

from gqlnews.errors import AddressError

BACKLOG = 2048
UNACKNOWLEDGED_MS = 20_000  # after which a client is gone that takes nothing, whatever its kernel says


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. Raises AddressError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise AddressError(f"unknown host {host!r} ({error.strerror}): choose another by --host") from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; the sockets of its connections have it too
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        message = f"cannot listen on {host}:{port} ({error.strerror}): choose another by --port or --host"
        raise AddressError(message) from error
    return listener


def take_backlog(listener: socket.socket) -> list[socket.socket]:
    """Accept every connection that waits in the kernel's queue, and close the listener.

    When the last process closes the socket, the kernel resets what waits. Nothing runs between the last
    accept and the close, so that hardly any connection can arrive in between.
    """
    taken: list[socket.socket] = []
    listener.setblocking(False)
    with closing(listener):
        while len(taken) <= BACKLOG:
            try:
                taken.append(listener.accept()[0])
            except ConnectionAbortedError:
                continue  # its client left while it waited
            except OSError:
                break  # none waits, or the process has no file descriptor left
    return taken


def base_url(listener: socket.socket) -> str:
    """Where a browser on this machine finds it: `http://127.0.0.1:8000`."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared with, not listened on
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
