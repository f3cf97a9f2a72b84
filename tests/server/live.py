"""A server in this process with its own port and a store that changes, and a WebSocket client."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop
from starlette.applications import Starlette
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from gqlnews.app import build_app
from gqlnews.config.settings import ConnectionSettings, ServerSettings
from gqlnews.database.sqlite.database_handle import SqliteDatabase
from gqlnews.server.app_state import AppState
from gqlnews.server.reader_page import BUILD_FOLDER
from gqlnews.server.uvicorn.run import Server, base_url, bind
from tests.ingest.folder import Folder
from tests.live import DEADLINE, PLAIN
from tests.product import run_ingest
from tests.server.support import TOKEN_HASH

HEAT = "subscription { articleChanged { article { heat } } }"
COUNT = "query Count { site { articleCount } }"
SUBPROTOCOL = "graphql-transport-ws"
Message = dict[str, Any]


def heat(message: Message) -> int:
    heat: int = message["payload"]["data"]["articleChanged"]["article"]["heat"]
    return heat


class Site:
    """A server over `folder`. `url` is its GraphQL endpoint."""

    def __init__(self, root: Path, url: str, app: Starlette | None = None) -> None:
        self.folder, self.database, self.url = Folder(root / "content"), root / "news.db", url
        self._app = app
        self._written = 0

    @property
    def app_state(self) -> AppState:
        assert self._app is not None
        return _app_state(self._app)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The server's event loop."""
        store = self.app_state.store
        assert isinstance(store, SqliteDatabase)
        watching = store._watching
        assert watching is not None
        return watching.get_loop()

    def write(self, slug: str, **keys: Any) -> None:
        self.folder.article(f"{slug}.md", url=f"https://x.example/{slug}", **keys)
        self.ingest()

    def ingest(self) -> None:
        run_ingest(self.folder.root, self.database)

    def change(self, slug: str = "changing", **keys: Any) -> int:
        """Change an article, and return its new `heat`, which is different each time."""
        self._written += 1
        self.write(slug, heat=self._written, **keys)
        return self._written

    @contextmanager
    def socket(self, **init: Any) -> Iterator["Socket"]:
        """Open a WebSocket and initialise the connection."""
        with self.raw() as socket:
            socket.send("connection_init", payload=init)
            assert socket.receive() == {"type": "connection_ack"}
            yield socket

    @contextmanager
    def raw(self, protocol: str | None = SUBPROTOCOL, **options: Any) -> Iterator["Socket"]:
        address = self.url.replace("http:", "ws:")
        offered: Any = [protocol] if protocol else None
        with connect(address, subprotocols=offered, close_timeout=1, **options) as connection:
            yield Socket(connection)


class Socket:
    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def send(self, kind: str, **members: Any) -> None:
        self.connection.send(json.dumps({"type": kind, **members}))

    def subscribe(self, key: str, query: str = PLAIN, **variables: Any) -> None:
        self.send("subscribe", id=key, payload={"query": query, "variables": variables})

    def subscribe_and_wait(self, key: str, query: str = PLAIN, **variables: Any) -> None:
        """Subscribe, and return once the subscription gets all further events."""
        self.subscribe(key, query, **variables)
        self.send("ping")
        assert self.receive() == {"type": "pong"}

    def receive(self) -> Message:
        message: Message = json.loads(self.connection.recv(timeout=DEADLINE))
        return message

    def receive_for(self, key: str) -> list[Message]:
        """Return all messages of an operation, up to its end."""
        messages: list[Message] = []
        while not messages or messages[-1]["type"] == "next":
            message = self.receive()
            assert message["id"] == key
            messages.append(message)
        return messages

    def closed(self) -> tuple[int, str]:
        """Return the close code and reason, after reading all earlier messages."""
        with pytest.raises(ConnectionClosed) as closed:
            self._read_to_the_end()
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code, closed.value.rcvd.reason

    def _read_to_the_end(self) -> None:
        while True:
            self.connection.recv(timeout=DEADLINE)


def send_in_one_write(connection: ClientConnection, messages: Sequence[Message]) -> None:
    """Send messages in one write, so that the server reads them together."""
    with connection.protocol_mutex:
        for message in messages:
            connection.protocol.send_text(json.dumps(message).encode())
        connection.socket.sendall(b"".join(connection.protocol.data_to_send()))


def _app_state(app: Starlette) -> AppState:
    """Return the application state, which exists once the application has started."""
    app_state: AppState = app.state.app_state
    return app_state


class _InThread(Server):
    """A server that leaves signals to the main thread."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextmanager
def running_site(root: Path, **settings: Any) -> Iterator[Site]:
    """Run a server with these settings in a thread, on a loop like that of a real server.

    `reader_folder` among them is the folder with the built reader.
    """
    reader_folder = settings.pop("reader_folder", BUILD_FOLDER)
    folder, database = Folder(root / "content"), root / "news.db"
    folder.article("first.md")
    run_ingest(folder.root, database)
    tokens = (bytes.fromhex(TOKEN_HASH),)
    app = build_app(ServerSettings(database, editor_tokens=tokens, **settings), reader_folder=reader_folder)
    started = threading.Event()

    async def on_start() -> None:
        started.set()

    def on_stop() -> None:
        _app_state(app).subscription_hubs.shutdown()

    server = _InThread(app, on_start, lambda: None, on_stop, ConnectionSettings())

    def run(listener: socket.socket) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(server.serve(sockets=[listener]))

    with closing(bind("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=run, args=(listener,))
        thread.start()
        try:
            assert started.wait(DEADLINE)
            yield Site(root, f"{base_url(listener)}/graphql", app)
        finally:
            server.should_exit = True
            thread.join(DEADLINE)
        assert not thread.is_alive()
