"""HTTP responses: media types, headers, and errors as GraphQL JSON."""

from collections.abc import Mapping

import orjson
from starlette.datastructures import Headers as StarletteHeaders
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gqlnews.errors import Code, GqlnewsError, shorten
from gqlnews.server.observability.logs import REQUEST_ID, assign_request_id, log_rejection

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"
HTML = "text/html"
EVENT_STREAM = "text/event-stream"
MULTIPART = "multipart/mixed"
UTF8 = "; charset=utf-8"

ALLOW = "Allow"
CONTENT_TYPE = "content-type"
WWW_AUTHENTICATE = "WWW-Authenticate"
RETRY_AFTER = "Retry-After"
BEARER = "Bearer"

HTTP, WEBSOCKET = "http", "websocket"  # transport names in logs and metrics
_REQUEST_ID_NAME = REQUEST_ID.decode()

NO_CONTENT = 204
NOT_MODIFIED = 304

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""Sent with every response; a response may override them."""

Headers = tuple[tuple[bytes, bytes], ...]
"""ASGI headers: pairs of a lower-case name and a value."""


def with_request_id(send: Send, request_id: bytes) -> Send:
    """Wrap `send` to add the request id, for responses that send their own headers."""

    async def send_with_id(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (REQUEST_ID, request_id)]
        await send(message)

    return send_with_id


def raw_headers(headers: Mapping[str, str]) -> Headers:
    """Convert headers to ASGI headers."""
    return tuple((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items())


_SECURITY = raw_headers(SECURITY_HEADERS)


def graphql_headers(media: str) -> Headers:
    """The headers of every GraphQL response, errors included."""
    return (
        (b"content-type", f"{media}{UTF8}".encode("ascii")),
        (b"vary", b"Accept, Accept-Encoding, Authorization"),
        *_SECURITY,
    )


def error_body(code: Code, message: str) -> bytes:
    """Encode an error as a GraphQL response: `{"errors": [{"message", "extensions": {"code"}}]}`."""
    return orjson.dumps({"errors": [{"message": shorten(message), "extensions": {"code": code}}]})


class HTTPError(GqlnewsError):
    """Raised to reject a request before GraphQL execution, with an HTTP status, error code and headers."""

    status_for_json: int | None = None
    """The status for responses of the media type `application/json`, if it differs."""
    status_for_draft: int | None = None
    """The status with `StatusCodePolicy.DRAFT`, if it differs."""

    def __init__(self, status: int, code: Code, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers


def reject(headers: StarletteHeaders, error: HTTPError, over: str = HTTP) -> Response:
    """Log the rejection of a request that does not reach the endpoint, and build the response."""
    request_id = assign_request_id(headers.get(_REQUEST_ID_NAME, "").encode("latin-1")).decode("ascii")
    log_rejection(over, error.status, error.code, str(error))
    own = {CONTENT_TYPE: JSON + UTF8, _REQUEST_ID_NAME: request_id}
    return Response(error_body(error.code, str(error)), error.status, {**own, **error.headers})


class UnprocessableRequestError(HTTPError):
    """Raised if the payload is not a valid GraphQL request, although it is valid JSON."""

    status_for_draft = 422

    def __init__(self, message: str) -> None:
        super().__init__(400, Code.BAD_REQUEST, message)


class DocumentNotFoundError(HTTPError):
    """Raised if a document is unknown or not allowed; for `application/json`, Apollo's clients expect 200."""

    status_for_json = 200

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(400, code, message)


class SecurityHeadersMiddleware:
    """Middleware that adds those of SECURITY_HEADERS that a response does not set itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)
