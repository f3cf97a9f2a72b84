"""Refusals of what is no HTTP, or too much of it, or too slow: whole responses, after which nothing comes."""

from http import HTTPStatus

from gqlnews.errors import Code
from gqlnews.server.wire import JSON, error_body, graphql_headers

MOST_HEADERS = 200
MOST_HEAD_BYTES = MOST_URL_BYTES = 64 * 1024


def _refusal(status: HTTPStatus, code: Code, message: str) -> bytes:
    body = error_body(code, message)
    headers = (*graphql_headers(JSON), (b"content-length", b"%d" % len(body)), (b"connection", b"close"))
    lines = b"".join(b"%b: %b\r\n" % header for header in headers)
    return b"HTTP/1.1 %d %b\r\n%b\r\n%b" % (status, status.phrase.encode(), lines, body)


MALFORMED = _refusal(HTTPStatus.BAD_REQUEST, Code.BAD_REQUEST, "This is no HTTP request that can be read.")
BAD_HANDSHAKE = _refusal(
    HTTPStatus.BAD_REQUEST, Code.BAD_REQUEST, "This is no WebSocket handshake that can be read."
)
URL_TOO_LONG = _refusal(
    HTTPStatus.REQUEST_URI_TOO_LONG,
    Code.URL_TOO_LONG,
    f"The URL is longer than {MOST_URL_BYTES} bytes: POST it.",
)
HEADERS_TOO_LARGE = _refusal(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    Code.HEADERS_TOO_LARGE,
    f"The headers are more than {MOST_HEADERS}, or longer than {MOST_HEAD_BYTES} bytes in all.",
)
TIMEOUT = _refusal(
    HTTPStatus.REQUEST_TIMEOUT,
    Code.REQUEST_TIMEOUT,
    "The request did not arrive in time: headers and body have 10 s each.",
)
