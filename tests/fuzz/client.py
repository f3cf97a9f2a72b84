"""Send one HTTP request, and return the response unprocessed."""

from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from tests.server.support import DEADLINE

Header = tuple[str, bytes]
JSON_BODY: Sequence[Header] = (("content-type", b"application/json"),)


@dataclass(frozen=True)
class Request:
    """A request. The response may repeat the text `sent`; `token` means that it carries an editor's token.

    `is_http_1_0`: HTTP/1.0, without a `Host` header.
    """

    body: bytes | None = None
    headers: Sequence[Header] = JSON_BODY
    method: str = "POST"
    query: str = ""
    sent: str = ""
    token: bool = False
    is_http_1_0: bool = False


class OldConnection(HTTPConnection):
    """A connection of a client that speaks HTTP/1.0."""

    _http_vsn = 10
    _http_vsn_str = "HTTP/1.0"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    @property
    def kind(self) -> str:
        return self.header("content-type").split(";")[0]

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")


class Client:
    """One connection, reused for as long as the server leaves it open."""

    def __init__(self, url: str) -> None:
        self._path = urlsplit(url).path
        address = urlsplit(url).netloc
        self._connection = HTTPConnection(address, timeout=DEADLINE)
        self._old_connection = OldConnection(address, timeout=DEADLINE)

    def ask(self, request: Request) -> Answer:
        try:
            return self._ask(request)
        except (HTTPException, ConnectionError):  # the server closed it after the last response
            self.close()
            return self._ask(request)

    def close(self) -> None:
        self._connection.close()
        self._old_connection.close()

    def _ask(self, request: Request) -> Answer:
        to = f"{self._path}?{request.query}" if request.query else self._path
        connection = self._old_connection if request.is_http_1_0 else self._connection
        connection.putrequest(request.method, to, skip_accept_encoding=True)
        for name, value in request.headers:
            connection.putheader(name, value)
        if request.body is not None:
            connection.putheader("content-length", str(len(request.body)))
        connection.endheaders(request.body)
        response = connection.getresponse()
        return Answer(response.status, response.getheaders(), response.read())
