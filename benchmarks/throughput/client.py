"""A client with one connection, for requests outside the measurements."""

from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Response:
    """A response. `headers` are in the order received."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


class Client:
    """Sends POST requests over one keep-alive connection."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        assert address.hostname is not None
        self._path = address.path
        self._connection = HTTPConnection(address.hostname, address.port, timeout=TIMEOUT_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def post(self, body: bytes) -> Response:
        """Send a request. Raises OSError or HTTPException if there is no response within TIMEOUT_SECONDS."""
        self._connection.request("POST", self._path, body, {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        return Response(response.status, response.getheaders(), response.read())
