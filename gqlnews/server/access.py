"""Authentication, CORS, and the origin check for WebSockets."""

import hmac
import re
from collections.abc import Sequence
from hashlib import sha256

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Scope, Send

from gqlnews.config.settings import ServerSettings
from gqlnews.errors import Code
from gqlnews.query.fields import Audience
from gqlnews.server.response import (
    BEARER,
    JSON,
    WWW_AUTHENTICATE,
    HTTPError,
    RawResponse,
    error_body,
    graphql_headers,
)

# Authentication: a client with a valid bearer token is an editor; an invalid token is rejected with 401.

# RFC 6750, section 2.1; the scheme is case-insensitive (RFC 9110).
_CREDENTIALS = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)


def authorization_headers(scope: Scope) -> Sequence[str]:
    """The `Authorization` headers of a request."""
    return [value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"]


def anonymous_audience(settings: ServerSettings) -> Audience:
    """The audience of a request without credentials."""
    return Audience.OPEN if settings.unpublished else Audience.PUBLIC


def authenticate(headers: Sequence[str], settings: ServerSettings) -> Audience:
    """The audience of a request with these `Authorization` headers. Raises HTTPError (401)."""
    if not headers:
        return anonymous_audience(settings)
    credentials = _CREDENTIALS.fullmatch(headers[0]) if len(headers) == 1 else None
    if credentials is None:
        raise _unauthenticated("Send exactly one `Authorization` header, of the form `Bearer TOKEN`.")
    if not _is_editor_token(credentials[1], settings.editor_tokens):
        raise _unauthenticated("The token is unknown.")
    return Audience.EDITOR


def _is_editor_token(token: str, editor_digests: Sequence[bytes]) -> bool:
    """Compare the token's digest with all of the editors', each in constant time, against timing attacks."""
    digest = sha256(token.encode("ascii")).digest()
    return sum(hmac.compare_digest(digest, editor_digest) for editor_digest in editor_digests) > 0


def _unauthenticated(message: str) -> HTTPError:
    return HTTPError(401, Code.UNAUTHENTICATED, message, **{WWW_AUTHENTICATE: BEARER})


# CORS and the origin check for WebSockets.
#
# A browser lets a page read the response of another origin only if that origin allows it (CORS). But it lets
# any page open a WebSocket, so the server has to check `Origin` (cross-site WebSocket hijacking). Clients
# other than browsers send no `Origin`.

ORIGIN = "Origin"
ANY_ORIGIN = "*"
ALLOW_ORIGIN = "Access-Control-Allow-Origin"
_EXPOSED_HEADERS = "ETag, Retry-After, X-Request-Id"
_PREFLIGHT_HEADERS = (
    (b"access-control-allow-methods", b"GET, POST"),
    (
        b"access-control-allow-headers",
        b"Content-Type, Authorization, If-None-Match, X-Request-Id, Apollo-Require-Preflight",
    ),
    (b"access-control-max-age", b"7200"),
)
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def check_websocket_origin(scope: Scope, allowed: Sequence[str]) -> None:
    """Check the `Origin` of a WebSocket handshake. Raises HTTPError (403)."""
    origins = _header_values(scope, b"origin")
    if origins and not (
        len(origins) == 1 and (_is_same_origin(origins[0], scope) or _is_allowed(origins[0], allowed))
    ):
        raise _origin_not_allowed()


class CorsPolicy:
    """CORS headers and preflight responses; used only if at least one other origin is allowed."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = allowed
        self._any = ANY_ORIGIN in allowed

    def preflight(self, scope: Scope) -> RawResponse | None:
        """The response to a preflight request; None for any other request."""
        if scope["method"] != "OPTIONS" or not _header_values(scope, b"access-control-request-method"):
            return None
        origin = self._allow_origin(scope)
        if origin is None:
            error = _origin_not_allowed()
            return RawResponse(error.status, graphql_headers(JSON), error_body(error.code, str(error)))
        allow = (b"access-control-allow-origin", origin.encode("latin-1"))
        return RawResponse(204, (allow, *_PREFLIGHT_HEADERS, (b"vary", b"Origin")))

    def wrap_send(self, scope: Scope, send: Send) -> Send:
        """Wrap `send` to add the CORS headers."""
        origin = self._allow_origin(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = list(message["headers"])
                headers = MutableHeaders(scope=message)
                if not self._any:
                    headers.add_vary_header(ORIGIN)
                if origin is not None:
                    headers[ALLOW_ORIGIN] = origin
                    headers["Access-Control-Expose-Headers"] = _EXPOSED_HEADERS
            await send(message)

        return send_with_headers

    def _allow_origin(self, scope: Scope) -> str | None:
        """The value of `Access-Control-Allow-Origin`; None to omit the header."""
        if self._any:
            return ANY_ORIGIN
        origins = _header_values(scope, b"origin")
        return origins[0] if len(origins) == 1 and origins[0] in self._allowed else None


def _is_allowed(origin: str, allowed: Sequence[str]) -> bool:
    return origin in allowed or (ANY_ORIGIN in allowed and origin != "null")


def _is_same_origin(origin: str, scope: Scope) -> bool:
    """Return whether the origin matches `Host`. The scheme may differ, as a proxy may terminate TLS."""
    scheme, _, authority = origin.partition("://")
    hosts = _header_values(scope, b"host")
    if scheme not in _DEFAULT_PORTS or len(hosts) != 1 or not authority:
        return False
    return _with_port(authority, scheme) == _with_port(hosts[0], scheme)


def _with_port(authority: str, scheme: str) -> str:
    host, colon, port = authority.lower().rpartition(":")
    has_port = bool(colon) and port.isdecimal()
    return f"{host}:{port}" if has_port else f"{authority.lower()}:{_DEFAULT_PORTS[scheme]}"


def _header_values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _origin_not_allowed() -> HTTPError:
    message = "This origin is not allowed. The operator of the server can allow it with `--allow-origin`."
    return HTTPError(403, Code.ORIGIN_NOT_ALLOWED, message)
