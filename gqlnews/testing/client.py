"""What the fixtures return: queries, subscriptions and files of a content folder that is served."""

import json
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

import httpx2

from gqlnews.errors import FileRejectedError, QueryFailedError
from gqlnews.testing.files import ArticleFolder, FilePath

ENDPOINT = "/graphql"
SUBPROTOCOL = "graphql-transport-ws"
MAX_SHOWN = 20  # errors or problems in a message

Variables = Mapping[str, Any]


class FileProblem(NamedTuple):
    """A problem of a file, with the names and values of `gqlnews check --format json`."""

    path: str
    line: int | None
    column: int | None
    severity: str
    code: str
    message: str

    def __str__(self) -> str:
        position = "".join(f"{number}:" for number in (self.line, self.column) if number is not None)
        return f"{self.path}:{position} {self.severity.lower()} {self.code}: {self.message}"


@dataclass(frozen=True)
class QueryResponse:
    """A GraphQL response: HTTP status and headers, and the JSON of its body."""

    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def data(self) -> dict[str, Any] | None:
        """The member `data`; None if there is none."""
        return self.body.get("data")

    @property
    def errors(self) -> list[dict[str, Any]]:
        """The errors; empty if there are none."""
        return list(self.body.get("errors", []))

    @property
    def extensions(self) -> dict[str, Any]:
        """The member `extensions`, such as cost; empty if there is none."""
        return dict(self.body.get("extensions", {}))

    def raise_for_errors(self) -> dict[str, Any]:
        """Return `data`. Raises QueryFailedError, which shows every error, if there is one."""
        __tracebackhide__ = True
        if self.errors or self.data is None:
            raise QueryFailedError(_describe_errors(self.errors, f"HTTP {self.status}"), self)
        return self.data


class Socket(Protocol):
    """A WebSocket that is open, such as the connection of a `websockets` client."""

    def send(self, text: str, /) -> None:
        """Send a message."""

    def recv(self, timeout: float, /) -> str | bytes:
        """Return the next message. Raises TimeoutError, or another exception if the socket is closed."""


class Events:
    """The events of a subscription, in order. Iterate over it, or use `next(events)`."""

    def __init__(
        self, socket: Socket, payload: Mapping[str, Any], token: str | None, timeouts: tuple[float, float]
    ) -> None:
        """Subscribe, and return when every further event will arrive.

        `timeouts` are those of the messages until then, and of each event, in seconds.
        """
        self._socket, self._timeout = socket, timeouts[0]
        init = {} if token is None else {"authorization": f"Bearer {token}"}
        self._send("connection_init", payload=init)
        if (message := self._receive())["type"] != "connection_ack":
            raise QueryFailedError(f"the server sent {message} instead of connection_ack", message)
        self._send("subscribe", id="1", payload=payload)
        self._send("ping")
        self._early: deque[dict[str, Any]] = deque()  # messages before the subscription was confirmed
        while (message := self._receive())["type"] != "pong":
            self._early.append(message)
        self._timeout = timeouts[1]

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> dict[str, Any]:
        """Return the `data` of the next event.

        Raises QueryFailedError if the subscription fails, StopIteration at its end, and TimeoutError if
        no event arrives in time.
        """
        try:
            message = self._early.popleft() if self._early else self._receive()
        except TimeoutError:
            raise TimeoutError(f"no event of the subscription within {self._timeout:g} s") from None
        if message["type"] == "complete":
            raise StopIteration
        if message["type"] == "error":
            raise _failure(message["payload"])
        payload = message["payload"]
        if payload.get("errors"):
            raise _failure(payload["errors"], payload)
        data: dict[str, Any] = payload["data"]
        return data

    def _send(self, kind: str, **members: Any) -> None:
        self._socket.send(json.dumps({"type": kind, **members}))

    def _receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._socket.recv(self._timeout))
        return message


class NewsClient(ABC):
    """A content folder that is served, and a client of its API.

    `token` is an editor's token: with it, `query` sees unpublished articles too.
    """

    def __init__(self, folder: ArticleFolder, token: str, timeout: float) -> None:
        self._folder, self._timeout, self.token = folder, timeout, token
        self._known: frozenset[str] = frozenset()  # paths of files that were rejected at the start

    # Files.

    @property
    def folder(self) -> Path:
        """The content folder. Tests may also write files themselves, unless it is shared."""
        return self._folder.path

    def write(self, path: FilePath, /, *, body: str = "", **front_matter: Any) -> Path:
        """Write an article, and return the path of the file; `wait_until_served` then waits for it.

        `path` is relative to the content folder. The keyword arguments are the front matter, None omits a
        key. What a valid article needs has defaults: a title, a date and a URL that follow from the path.
        """
        return self._folder.write(path, body, front_matter)

    def write_text(self, path: FilePath, text: str, /) -> Path:
        """Write any file as it is, such as one with an error or `gqlnews.toml`, and return its path."""
        return self._folder.write_text(path, text)

    def remove(self, path: FilePath, /) -> None:
        """Remove a file, or a folder with its files."""
        self._folder.remove(path)

    def wait_until_served(self, *, allow_rejected: bool = False) -> tuple[FileProblem, ...]:
        """Return when the API has everything that was written before; returns the problems of all files.

        Raises FileRejectedError if files have errors and so are not served, unless `allow_rejected`, and
        NotServedError if the folder cannot be ingested or not in time.
        """
        __tracebackhide__ = True  # pytest shows the line of the test and the message
        problems = self._ingest()
        if not allow_rejected:
            self._raise_for_rejected(problems)
        return problems

    def _raise_for_rejected(self, problems: tuple[FileProblem, ...]) -> None:
        __tracebackhide__ = True
        rejected = [
            problem
            for problem in problems
            if problem.severity == "ERROR"
            and (problem.path in self._folder.written or problem.path not in self._known)
        ]
        if rejected:
            files = len({problem.path for problem in rejected})
            shown = "".join(f"\n  {problem}" for problem in rejected[:MAX_SHOWN])
            raise FileRejectedError(
                f"{files} {'file is' if files == 1 else 'files are'} not served because of errors:{shown}\n"
                "Correct them, or use wait_until_served(allow_rejected=True) if the test is about them.",
                rejected,
            )

    def _remember_rejected(self, problems: tuple[FileProblem, ...]) -> None:
        self._known = frozenset(problem.path for problem in problems if problem.severity == "ERROR")

    # Operations.

    @property
    @abstractmethod
    def client(self) -> httpx2.Client:
        """An HTTP client for requests of any kind, such as `client.get("/health/ready")`."""

    def execute(
        self,
        query: str,
        variables: Variables | None = None,
        *,
        token: str | None = None,
        operation_name: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> QueryResponse:
        """POST an operation, and return the whole response, also one with errors."""
        payload = _payload(query, variables, operation_name)
        authorization = {} if token is None else {"authorization": f"Bearer {token}"}
        response = self.client.post(ENDPOINT, json=payload, headers={**authorization, **(headers or {})})
        return QueryResponse(response.status_code, response.headers, response.json())

    def query(
        self,
        query: str,
        variables: Variables | None = None,
        *,
        token: str | None = None,
        operation_name: str | None = None,
    ) -> dict[str, Any]:
        """POST an operation, and return its `data`. Raises QueryFailedError, which shows the errors."""
        __tracebackhide__ = True  # pytest shows the line of the test and the message
        response = self.execute(query, variables, token=token, operation_name=operation_name)
        return response.raise_for_errors()

    async def query_async(
        self,
        query: str,
        variables: Variables | None = None,
        *,
        token: str | None = None,
        operation_name: str | None = None,
    ) -> dict[str, Any]:
        """Run `query` on a thread, for tests with other tasks on their event loop (asyncio or trio)."""
        from anyio.to_thread import run_sync

        return await run_sync(
            lambda: self.query(query, variables, token=token, operation_name=operation_name)
        )

    @contextmanager
    def subscribe(
        self,
        query: str,
        variables: Variables | None = None,
        *,
        token: str | None = None,
        timeout: float | None = None,
    ) -> Iterator[Events]:
        """Subscribe during the block; yields the events.

        Each has to arrive within `timeout` seconds. Write files in the block:
        `with gqlnews.subscribe("subscription {…}") as events:`. Raises QueryFailedError.
        """
        with self._open_socket() as socket:
            timeouts = self._timeout, self._timeout if timeout is None else timeout
            yield Events(socket, _payload(query, variables, None), token, timeouts)

    # The two variants.

    @abstractmethod
    def close(self) -> None:
        """Stop it. The fixtures do that at the end of their scope."""

    @abstractmethod
    def _ingest(self) -> tuple[FileProblem, ...]:
        """Ingest what has changed, and return the problems of all files."""

    @abstractmethod
    def _open_socket(self) -> AbstractContextManager[Socket]:
        """Open a WebSocket to the endpoint, with the subprotocol `graphql-transport-ws`."""


def _payload(query: str, variables: Variables | None, operation_name: str | None) -> dict[str, Any]:
    payload: dict[str, Any] = {"query": query}
    if variables is not None:
        payload["variables"] = dict(variables)
    if operation_name is not None:
        payload["operationName"] = operation_name
    return payload


def _failure(errors: list[dict[str, Any]], response: object = None) -> QueryFailedError:
    return QueryFailedError(
        _describe_errors(errors, "the subscription"), errors if response is None else response
    )


def _describe_errors(errors: list[dict[str, Any]], source: str) -> str:
    """Format as `2 errors in the response (HTTP 200):`, and one line for each: code, place, path, message."""
    lines = [_describe_error(error) for error in errors[:MAX_SHOWN]]
    count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
    return "\n  ".join([f"{count} in the response ({source}):", *lines])


def _describe_error(error: Mapping[str, Any]) -> str:
    parts = [str(error.get("extensions", {}).get("code", ""))]
    parts += [f"at {place['line']}:{place['column']}" for place in error.get("locations", [])]
    if path := error.get("path"):
        parts.append("in " + ".".join(map(str, path)))
    return f"{' '.join(filter(None, parts))}: {error['message']}"
