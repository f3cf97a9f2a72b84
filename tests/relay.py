"""A TCP port in front of a PostgreSQL server, which can be cut off as by a network failure."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import parse_qs, urlsplit

_CHUNK = 1 << 16


class Relay:
    """Relays connections until it is cut off; then no byte passes, and no connection ends."""

    def __init__(self, database: str) -> None:
        """`database` is the URL of the database that clients reach at `url`."""
        self._database = urlsplit(database)
        self._is_cut = False
        self._marker: bytes | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = [self._listener]
        port = self._listener.getsockname()[1]
        user, _, _ = self._database.netloc.rpartition("@")
        self.url = f"postgresql://{user or 'postgres'}@127.0.0.1:{port}{self._database.path}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_off(self, at: bytes | None = None) -> None:
        """Cut off the server now, or when a client sends these bytes."""
        self._marker, self._is_cut = at, at is None

    def close(self) -> None:
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                server = self._connect()
                self._sockets += [client, server]
                threading.Thread(target=self._pump, args=(client, server, True), daemon=True).start()
                threading.Thread(target=self._pump, args=(server, client, False), daemon=True).start()

    def _connect(self) -> socket.socket:
        host = parse_qs(self._database.query).get("host", [self._database.hostname or "localhost"])[0]
        port = self._database.port or 5432
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server

    def _pump(self, source: socket.socket, sink: socket.socket, is_of_client: bool) -> None:
        with suppress(OSError):  # closed
            while data := source.recv(_CHUNK):
                if is_of_client and self._marker is not None and self._marker in data:
                    self._is_cut = True
                if not self._is_cut:
                    sink.sendall(data)
            if not self._is_cut:
                sink.shutdown(socket.SHUT_WR)


@contextmanager
def relay_to(database: str) -> Iterator[Relay]:
    """Relay connections to this database during the block."""
    relay = Relay(database)
    try:
        yield relay
    finally:
        relay.close()
