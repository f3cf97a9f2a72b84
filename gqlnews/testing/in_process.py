"""The application in the process of the tests, without sockets and further processes."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import msgspec
from anyio.abc import TaskStatus
from anyio.from_thread import BlockingPortal
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from starlette.testclient import TestClient
from starlette.types import Message

from gqlnews.app import GqlnewsApp, build_app
from gqlnews.cli.commands import ingest_folder
from gqlnews.cli.ready_file import stored_problems
from gqlnews.errors import CommandError, NotServedError
from gqlnews.python_api import read_target, target_settings
from gqlnews.server.observability import logs
from gqlnews.testing.client import ENDPOINT, SUBPROTOCOL, FileProblem, NewsClient, Socket
from gqlnews.testing.files import ArticleFolder
from gqlnews.testing.server import to_arguments, to_problems

BASE_URL = "http://news.example"


class InProcessNews(NewsClient):
    """The application over a content folder, on an event loop in a thread of this process.

    An exception in the application is raised by the request that causes it. `app` is the ASGI
    application; only the loop of that thread may call it. Nothing watches the folder:
    `wait_until_served` ingests it.
    """

    app: GqlnewsApp

    def __init__(
        self, folder: ArticleFolder, home: Path, settings: Mapping[str, Any], timeout: float
    ) -> None:
        """Ingest the folder, and start the application; `home` is a folder for the database.

        Raises CommandError, for example SettingsError.
        """
        super().__init__(folder, secrets.token_urlsafe(), timeout)
        arguments = to_arguments(settings, home / "news.db", self.token)
        self._target, effective = read_target(folder.path, arguments)
        application_settings = target_settings(self._target, effective)
        logs.configure_own_logger(effective["log_format"])
        ingest_folder(self._target)
        self._remember_rejected(self._problems())
        self.app = build_app(application_settings)
        self._client = TestClient(self.app, base_url=BASE_URL, follow_redirects=False)
        self._stack = ExitStack()
        self._stack.enter_context(self._client)

    @property
    def client(self) -> httpx2.Client:
        """An HTTP client for requests of any kind: Starlette's `TestClient`."""
        return self._client

    def close(self) -> None:
        """Stop the application. The fixtures do that at the end of their scope."""
        self._stack.close()

    def _ingest(self) -> tuple[FileProblem, ...]:
        try:
            ingest_folder(self._target)
        except CommandError as error:
            raise NotServedError(f"the content is not served: {error}") from error
        self._portal.call(self.app.state.app_state.store.check_file)
        return self._problems()

    def _problems(self) -> tuple[FileProblem, ...]:
        return to_problems({"problems": msgspec.to_builtins(stored_problems(self._target))})

    @property
    def _portal(self) -> BlockingPortal:
        portal = self._client.portal
        assert portal is not None, "it is stopped"
        return portal

    def _open_socket(self) -> AbstractContextManager[Socket]:
        return _connected(self.app, self._portal)


class _AsgiSocket:
    """A WebSocket to the application, without bytes: messages of ASGI."""

    def __init__(self, app: GqlnewsApp, portal: BlockingPortal) -> None:
        self._app, self._portal = app, portal
        self._to_app: MemoryObjectSendStream[Message]
        self._from_app: MemoryObjectReceiveStream[Message]

    async def run(self, *, task_status: TaskStatus[anyio.CancelScope]) -> None:
        """Run the application for this WebSocket until it returns or the scope is cancelled."""
        self._to_app, to_app = anyio.create_memory_object_stream[Message](float("inf"))
        from_app, self._from_app = anyio.create_memory_object_stream[Message](float("inf"))
        scope = {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "scheme": "ws",
            "http_version": "1.1",
            "path": ENDPOINT,
            "raw_path": ENDPOINT.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [(b"host", b"news.example")],
            "client": ("127.0.0.1", 1),
            "server": ("news.example", 80),
            "subprotocols": [SUBPROTOCOL],
            "state": {},
            "extensions": {},
        }
        with self._to_app, to_app, from_app, self._from_app, anyio.CancelScope() as cancel_scope:
            task_status.started(cancel_scope)
            await self._app(scope, to_app.receive, from_app.send)

    def open(self) -> None:
        self._portal.call(self._to_app.send, {"type": "websocket.connect"})
        message = self._portal.call(self._from_app.receive)
        if message["type"] != "websocket.accept":
            raise ConnectionError(f"the application rejects the WebSocket: {message}")

    def send(self, text: str) -> None:
        self._portal.call(self._to_app.send, {"type": "websocket.receive", "text": text})

    def recv(self, timeout: float) -> str:
        message = self._portal.call(self._receive, timeout)
        if message["type"] != "websocket.send":
            raise ConnectionError(f"the application closes the WebSocket: {message}")
        text: str = message["text"]
        return text

    async def _receive(self, timeout: float) -> Message:  # noqa: ASYNC109 - the caller has no event loop
        with anyio.fail_after(timeout):
            return await self._from_app.receive()


@contextmanager
def _connected(app: GqlnewsApp, portal: BlockingPortal) -> Iterator[Socket]:
    socket = _AsgiSocket(app, portal)
    task, cancel_scope = portal.start_task(socket.run)
    try:
        socket.open()
        yield socket
    finally:
        portal.call(cancel_scope.cancel)
        task.result()
