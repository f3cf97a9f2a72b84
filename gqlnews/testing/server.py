"""Servers in processes of their own, which a fork server starts."""

import json
import os
import secrets
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from gqlnews.errors import NotServedError, ServerProcessError
from gqlnews.testing.client import ENDPOINT, SUBPROTOCOL, FileProblem, NewsClient, Socket
from gqlnews.testing.files import ArticleFolder

LOG_TAIL = 20_000  # characters of a log that are shown
EXIT_TIMEOUT = 10.0  # seconds until a fork server that does not exit is killed


class ForkServerProcess:
    """The fork server of this process, `gqlnews.testing.fork_server`. Its methods are thread-safe."""

    def __init__(self, log: Path) -> None:
        """Start it; it does not have to be ready for the first request."""
        self.log, self._lock, self._unread = log, threading.Lock(), b""
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "gqlnews.testing.fork_server"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                process_group=0,  # Ctrl-C reaches only pytest, which ends it
            )

    def request(self, timeout: float, **command: Any) -> dict[str, Any]:
        """Run a command. Raises ServerProcessError if it takes longer than `timeout` seconds."""
        with self._lock:
            try:
                self._write(json.dumps(command).encode() + b"\n")
                result: dict[str, Any] = json.loads(self._read_line(time.monotonic() + timeout))
            except TimeoutError:
                self._process.kill()
                reason = f"did not {command['command']} within {timeout:g} s"
            except OSError:
                self._process.kill()
                reason = "has exited"
            else:
                return result
            raise ServerProcessError(f"the process of the servers {reason}; its log:\n{read_log(self.log)}")

    def close(self) -> None:
        """End it and all servers."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(EXIT_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _write(self, line: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line)
        self._process.stdin.flush()

    def _read_line(self, deadline: float) -> bytes:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise TimeoutError
                if not (part := os.read(descriptor, 65536)):
                    raise BrokenPipeError
                self._unread += part
        line, _, self._unread = self._unread.partition(b"\n")
        return line


class NewsServer(NewsClient):
    """A server over a content folder, in a process of its own, on a free port of this machine.

    `url` is the GraphQL endpoint over HTTP, `websocket_url` that over WebSockets, `base_url` the server.
    """

    base_url: str
    url: str
    websocket_url: str

    def __init__(
        self,
        fork_server: ForkServerProcess,
        folder: ArticleFolder,
        home: Path,
        settings: Mapping[str, Any],
        timeout: float,
    ) -> None:
        """Start it; `home` is a folder for its database and log. Raises ServerProcessError."""
        super().__init__(folder, secrets.token_urlsafe(), timeout)
        self.log, self._fork_server = home / "server.log", fork_server
        self.log.touch()
        result = self._request(
            command="start",
            folder=str(folder.path),
            log=str(self.log),
            settings=to_arguments(settings, home / "news.db", self.token),
        )
        self._id, self.pids = result["id"], tuple(result["pids"])
        self.base_url = result["base_url"]
        self.url = self.base_url + ENDPOINT
        self.websocket_url = self.url.replace("http:", "ws:", 1)
        self._remember_rejected(to_problems(result))
        self.is_running = True

    @cached_property
    def client(self) -> httpx2.Client:
        """An HTTP client for requests of any kind, such as `client.get("/health/ready")`."""
        return httpx2.Client(base_url=self.base_url, timeout=self._timeout, trust_env=False)

    def close(self) -> None:
        """Stop the server. The fixtures do that at the end of their scope."""
        if not self.is_running:
            return
        self.is_running = False
        if "client" in self.__dict__:
            self.client.close()
        self._request(command="stop", id=self._id)

    def _ingest(self) -> tuple[FileProblem, ...]:
        try:
            return to_problems(self._request(command="ingest", id=self._id))
        except ServerProcessError as error:
            raise NotServedError(f"the content is not served: {error}") from error

    def _request(self, **command: Any) -> dict[str, Any]:
        result = self._fork_server.request(self._timeout, **command)
        if "error" in result:
            log = read_log(self.log)
            raise ServerProcessError(
                f"{result['error']}{f'; the log of the server:{chr(10)}{log}' if log else ''}"
            )
        return result

    def _open_socket(self) -> AbstractContextManager[Socket]:
        protocols = [Subprotocol(SUBPROTOCOL)]
        return connect(self.websocket_url, subprotocols=protocols, close_timeout=1, proxy=None)


def to_arguments(settings: Mapping[str, Any], database: Path, token: str) -> dict[str, Any]:
    """Return the arguments of `gqlnews.create_app` as JSON values, with the token as one of the editors'."""
    plain = {name: _plain(value) for name, value in settings.items()}
    tokens = [sha256(token.encode()).hexdigest(), *plain.get("editor_tokens", ())]
    return {"db": str(database), **plain, "editor_tokens": tokens}


def _plain(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return os.path.abspath(value)
    return list(value) if isinstance(value, tuple) else value


def to_problems(result: Mapping[str, Any]) -> tuple[FileProblem, ...]:
    return tuple(FileProblem(*problem) for problem in result["problems"])


def read_log(log: Path, start: int = 0) -> str:
    """Return the end of a log, from the byte `start` on."""
    with log.open("rb") as file:
        file.seek(start)
        text = file.read().decode(errors="replace").strip()
    return text if len(text) <= LOG_TAIL else f"…{text[-LOG_TAIL:]}"
