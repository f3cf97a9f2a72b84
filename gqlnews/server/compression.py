"""Content coding of responses: negotiate it, and compress bodies (RFC 9110, sections 8.4.1 and 12.5.3).

1. `Accept-Encoding` → the acceptable codings, best first. At equal quality, the order is br, zstd, gzip: some
   clients accept zstd and cannot decode it, such as @whatwg-node/node-fetch 0.9 on Node.js 20.
2. A body below MIN_BYTES is sent as it is, unless the client rejects `identity`.
3. A body of at most INLINE_BYTES is compressed on the event loop, in less than a millisecond; a larger one is
   for a thread.

Streams are never compressed, as each event must reach the client at once, nor are images.
"""

import sys
import zlib
from collections.abc import Callable, Mapping
from functools import partial

import brotli
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gqlnews.server.negotiation import cached_parser, parse_qualities

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MIN_BYTES = 1024
INLINE_BYTES = 32 * 1024

IDENTITY, GZIP, BROTLI, ZSTD = "identity", "gzip", "br", "zstd"
CODINGS = (BROTLI, ZSTD, GZIP)
"""The codings, best first."""

NO_CODING = (IDENTITY,)
"""The acceptable codings of a client that sends no `Accept-Encoding`."""
_GZIP_WINDOW_BITS = 31  # 15 bits, and 16 for the header and trailer of gzip
_ANY = "*"
_TEXT_TYPES = ("text/", "application/json", "application/openmetrics-text")

NO_ACCEPTABLE_CODING = (
    f"`Accept-Encoding` contains no supported coding: use {', '.join(CODINGS)} or {IDENTITY}."
)
"""Message of a 406 response."""

# Levels at which 4 KB of JSON take 15 to 60 µs.
_ENCODERS: Mapping[str, Callable[[bytes], bytes]] = {
    ZSTD: partial(zstd.compress, level=3),
    BROTLI: partial(brotli.compress, quality=4),
    GZIP: partial(zlib.compress, level=6, wbits=_GZIP_WINDOW_BITS),
}

Codings = tuple[str, ...]
"""Acceptable codings, best first; `identity` is one of them unless the client rejects it."""


@cached_parser
def negotiate_codings(accept_encoding: str) -> Codings:
    """Return the acceptable codings, best first; () if the client accepts none, not even `identity`."""
    qualities = parse_qualities(accept_encoding)
    if "x-gzip" in qualities:  # RFC 9110, section 8.4.1.3
        qualities.setdefault(GZIP, qualities["x-gzip"])
    if not qualities:
        return NO_CODING
    acceptable = {coding: qualities.get(coding, 0.0) for coding in CODINGS}
    if _ANY in qualities:  # gzip, as not every client that sends `*` knows the others
        acceptable[GZIP] = qualities.get(GZIP, qualities[_ANY])
    # Unlisted, `identity` is acceptable, but comes last; `*;q=0` rejects it.
    acceptable[IDENTITY] = qualities.get(IDENTITY, 0.0 if qualities.get(_ANY) == 0.0 else 1e-9)
    ordered = sorted(acceptable, key=acceptable.__getitem__, reverse=True)  # stable: ties stay in order
    return tuple(coding for coding in ordered if acceptable[coding] > 0.0)


def accepted_codings(scope: Scope) -> Codings:
    """Return the acceptable codings of a request, best first; () if the client accepts none."""
    return negotiate_codings(",".join(Headers(scope=scope).getlist("accept-encoding")))


def choose_coding(codings: Codings, size: int) -> str:
    """Return the coding for a body of `size` bytes."""
    return IDENTITY if size < MIN_BYTES and IDENTITY in codings else codings[0]


def compress(coding: str, body: bytes) -> bytes:
    """Compress the body with one of CODINGS."""
    return _ENCODERS[coding](body)


class CompressionMiddleware:
    """Compress short, complete texts of routes that do not negotiate a coding themselves.

    The paths of `is_endpoint` do that; other responses that do have `Accept-Encoding` in their `Vary`.
    """

    def __init__(self, app: ASGIApp, *, is_endpoint: Callable[[Scope], bool]) -> None:
        self.app, self._is_endpoint = app, is_endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._is_endpoint(scope):
            send = _compressing(send, accepted_codings(scope) or NO_CODING)
        await self.app(scope, receive, send)


def _compressing(send: Send, codings: Codings) -> Send:
    start: Message = {}

    async def send_compressed(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            start = message
            return
        if start:
            if not message.get("more_body") and len(message.get("body", b"")) <= INLINE_BYTES:
                start, message = _compress_message(start, message, codings)
            await send(start)
            start = {}
        await send(message)

    return send_compressed


def _compress_message(start: Message, message: Message, codings: Codings) -> tuple[Message, Message]:
    headers, body = MutableHeaders(raw=list(start["headers"])), message.get("body", b"")
    is_text = headers.get("content-type", "").startswith(_TEXT_TYPES)
    if not body or not is_text or "accept-encoding" in headers.get("vary", "").lower():
        return start, message
    headers.add_vary_header("Accept-Encoding")
    coding = choose_coding(codings, len(body))
    if coding != IDENTITY:
        body = compress(coding, body)
        headers["content-encoding"], headers["content-length"] = coding, str(len(body))
    return {**start, "headers": headers.raw}, {**message, "body": body}
