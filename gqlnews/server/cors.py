"""CORS and the origin check for WebSockets.

A browser lets a page read the response of another origin only if that origin allows it (CORS). But it lets
any page open a WebSocket, so the server has to check `Origin` (cross-site WebSocket hijacking). Clients
other than browsers send no `Origin`.
"""

from collections.abc import Callable, Sequence
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gqlnews.errors import Code, shorten
from gqlnews.server.response import ALLOW, HTTPError, reject

ANY_ORIGIN = "*"
_METHODS = ("GET", "HEAD", "POST")
_EXPOSED_HEADERS = ("ETag", "Retry-After", "X-Request-Id")
MAX_QUOTED = 70  # characters of a header value in an error message
_MAX_AGE_SECONDS = 7200  # for which a browser may cache the response to a preflight
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def check_websocket_origin(scope: Scope, allowed: Sequence[str]) -> None:
    """Check the `Origin` of a WebSocket handshake. Raises HTTPError (403)."""
    headers = Headers(scope=scope)
    origins, hosts = headers.getlist("origin"), headers.getlist("host")
    if origins and not (
        len(origins) == 1 and (_is_same_origin(origins[0], hosts) or _is_allowed(origins[0], allowed))
    ):
        origin, host = (shorten(", ".join(values), MAX_QUOTED) for values in (origins, hosts))
        message = (
            f"The page's `Origin` is {origin!r}, but the request's `Host` is {host!r}: let the proxy forward "
            "the `Host` that browsers send, or allow the origin with `--allow-origin`."
        )
        raise HTTPError(403, Code.ORIGIN_NOT_ALLOWED, message)


class EndpointCors(CORSMiddleware):
    """CORS for the paths of `is_endpoint`; a rejected preflight gets a GraphQL error."""

    def __init__(
        self, app: ASGIApp, *, allow_origins: Sequence[str], is_endpoint: Callable[[Scope], bool]
    ) -> None:
        super().__init__(
            app,
            allow_origins=allow_origins,
            allow_methods=_METHODS,
            allow_headers=("*",),
            allow_private_network=True,
            expose_headers=_EXPOSED_HEADERS,
            max_age=_MAX_AGE_SECONDS,
        )
        self._is_endpoint = is_endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._is_endpoint(scope):
            await super().__call__(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code == HTTPStatus.OK:
            return response
        vary = {"Vary": response.headers["vary"]}
        if not self.is_allowed_origin(request_headers["origin"]):
            message = "This origin is not allowed: the operator can allow it with `--allow-origin`."
            return reject(request_headers, HTTPError(403, Code.ORIGIN_NOT_ALLOWED, message, **vary))
        allowed = ", ".join(_METHODS)
        message = f"The method is not allowed: use one of {allowed}."
        headers = {ALLOW: allowed, **vary}
        return reject(request_headers, HTTPError(405, Code.METHOD_NOT_ALLOWED, message, **headers))


def _is_allowed(origin: str, allowed: Sequence[str]) -> bool:
    return origin in allowed or (ANY_ORIGIN in allowed and origin != "null")


def _is_same_origin(origin: str, hosts: Sequence[str]) -> bool:
    """Return whether the origin matches `Host`. The scheme may differ, as a proxy may terminate TLS."""
    scheme, _, authority = origin.partition("://")
    if scheme not in _DEFAULT_PORTS or len(hosts) != 1 or not authority:
        return False
    return _with_port(authority, scheme) == _with_port(hosts[0], scheme)


def _with_port(authority: str, scheme: str) -> str:
    host, colon, port = authority.lower().rpartition(":")
    has_port = bool(colon) and port.isdecimal()
    return f"{host}:{port}" if has_port else f"{authority.lower()}:{_DEFAULT_PORTS[scheme]}"
