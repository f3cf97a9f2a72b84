"""Static responses to malformed, oversized or slow HTTP requests; each closes the connection."""

from http import HTTPStatus

from gqlnews.errors import Code
from gqlnews.server.http import JSON, error_body, graphql_headers

MAX_HEADERS = 200
MAX_HEAD_BYTES = MAX_URL_BYTES = 64 * 1024
MAX_BODY_WIRE_BYTES = 1024 * 1024  # of a body on the wire, with chunk sizes, chunk extensions and trailers


def _refusal(status: HTTPStatus, code: Code, message: str) -> bytes:
    body = error_body(code, message)
    headers = (*graphql_headers(JSON), (b"content-length", b"%d" % len(body)), (b"connection", b"close"))
    lines = b"".join(b"%b: %b\r\n" % header for header in headers)
    return b"HTTP/1.1 %d %b\r\n%b\r\n%b" % (status, status.phrase.encode(), lines, body)


MALFORMED = _refusal(HTTPStatus.BAD_REQUEST, Code.BAD_REQUEST, "This is no HTTP request that can be read.")
BAD_HOST = _refusal(
    HTTPStatus.BAD_REQUEST,
    Code.BAD_REQUEST,
    "A request has exactly one `Host` header: a host name with an optional port, the same as in its URL.",
)
BAD_TARGET = _refusal(
    HTTPStatus.BAD_REQUEST,
    Code.BAD_REQUEST,
    "The request target must be a path, or an http URL without user information and fragment.",
)
BAD_CONNECT = _refusal(
    HTTPStatus.BAD_REQUEST, Code.BAD_REQUEST, "CONNECT is not supported: this server is not a proxy."
)
BAD_TRANSFER_ENCODING = _refusal(
    HTTPStatus.BAD_REQUEST,
    Code.BAD_REQUEST,
    "`Transfer-Encoding` must be `chunked`, over HTTP/1.1: where this request ends is not clear.",
)
UNSUPPORTED_TRANSFER_ENCODING = _refusal(
    HTTPStatus.NOT_IMPLEMENTED,
    Code.UNSUPPORTED_TRANSFER_ENCODING,
    "The only supported `Transfer-Encoding` is `chunked`.",
)
EXPECTATION_FAILED = _refusal(
    HTTPStatus.EXPECTATION_FAILED,
    Code.EXPECTATION_FAILED,
    "The only supported expectation is `Expect: 100-continue`.",
)
BODY_TOO_LARGE = _refusal(
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Code.BODY_TOO_LARGE,
    f"The body takes more than {MAX_BODY_WIRE_BYTES} bytes to send, chunk extensions and trailers included.",
)
STOPPING = _refusal(
    HTTPStatus.SERVICE_UNAVAILABLE, Code.STOPPING, "The server is stopping: send the request again."
)
BAD_HANDSHAKE = _refusal(
    HTTPStatus.BAD_REQUEST, Code.BAD_REQUEST, "This is no WebSocket handshake that can be read."
)
URL_TOO_LONG = _refusal(
    HTTPStatus.REQUEST_URI_TOO_LONG,
    Code.URL_TOO_LONG,
    f"The URL is longer than {MAX_URL_BYTES} bytes: POST it.",
)
HEADERS_TOO_LARGE = _refusal(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    Code.HEADERS_TOO_LARGE,
    f"The headers are more than {MAX_HEADERS}, or longer than {MAX_HEAD_BYTES} bytes in all.",
)
TIMEOUT = _refusal(
    HTTPStatus.REQUEST_TIMEOUT,
    Code.REQUEST_TIMEOUT,
    "The request did not arrive in time: headers and body have 10 s each.",
)
