"""Build the HTTP response to a request: its status, headers, and body in the negotiated content coding."""

from asyncio import CancelledError
from dataclasses import dataclass
from functools import partial

from starlette.types import Send

from gqlnews.database.protocol import SnapshotId
from gqlnews.errors import Code
from gqlnews.server.compression import IDENTITY, INLINE_BYTES, NO_CODING, choose_coding, compress
from gqlnews.server.limits import RETRY_HEADERS
from gqlnews.server.negotiation import (
    HTTP_SERVICE_UNAVAILABLE,
    NOT_ACCEPTABLE,
    status_for_error,
    status_for_response,
)
from gqlnews.server.observability.logs import REQUEST_ID
from gqlnews.server.request_context import RequestContext
from gqlnews.server.response import (
    GRAPHQL_RESPONSE,
    JSON,
    NO_CONTENT,
    NOT_MODIFIED,
    Headers,
    HTTPError,
    error_body,
    graphql_headers,
    raw_headers,
)
from gqlnews.server.response_cache import (
    NO_STORE,
    CachedResponse,
    CacheKey,
    cache_headers,
    etag_of,
    find_etag,
)

_HEADERS = {
    JSON: graphql_headers(JSON),
    GRAPHQL_RESPONSE: graphql_headers(GRAPHQL_RESPONSE),
    NOT_ACCEPTABLE: graphql_headers(JSON),
}
_CONTENT_ENCODING = b"content-encoding"
_BODILESS = frozenset({NO_CONTENT, NOT_MODIFIED})


@dataclass(frozen=True, slots=True)
class RawResponse:
    """An HTTP response with a complete body."""

    status: int
    headers: Headers
    body: bytes = b""

    async def send(self, send: Send, request_id: bytes) -> None:
        """Send the response, with its length and the request id as headers."""
        length = () if self.status in _BODILESS else ((b"content-length", b"%d" % len(self.body)),)
        headers = (*self.headers, (REQUEST_ID, request_id), *length)
        respond = getattr(getattr(send, "__self__", None), "respond", None)
        if respond is not None and respond(self.status, headers, self.body):
            return  # `SingleWriteCycle` has sent it in one write
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


def not_modified(context: RequestContext, key: CacheKey, snapshot_id: SnapshotId) -> RawResponse | None:
    """Return a 304 response if the `If-None-Match` of a GET contains the current ETag, else None.

    It is the ETag of the preferred coding, or that of `identity`, in which short responses are sent.
    """
    if not context.head.is_safe_method or not context.head.if_none_match:
        return None
    entity_id = _entity_id(context, key, snapshot_id)
    preferred, *others = context.codings
    sent = (preferred, IDENTITY) if IDENTITY in others else (preferred,)
    etag = find_etag(context.head.if_none_match, (etag_of(entity_id, coding) for coding in sent))
    if etag is None:
        return None
    return RawResponse(NOT_MODIFIED, (*_HEADERS[context.media], *_cache_headers(context, key, etag)))


async def cacheable_response(context: RequestContext, key: CacheKey, entry: CachedResponse) -> RawResponse:
    """Build a response that is valid until the content changes; for a GET, it has an ETag."""
    coding = choose_coding(context.codings, len(entry.response.body))
    body = entry.body(coding)
    if body is None:
        coding, body = await _compress_entry(context, key, entry, coding)
    headers = _HEADERS[context.media]
    if context.head.is_safe_method:
        etag = etag_of(_entity_id(context, key, entry.snapshot_id), coding)
        headers = (*headers, *_cache_headers(context, key, etag))
    return RawResponse(200, _with_coding(headers, coding), body)


async def uncacheable_response(context: RequestContext) -> RawResponse:
    """Build a response that no cache may store: it has errors or depends on the clock."""
    response, headers = context.response, _HEADERS[context.media]
    assert response is not None
    status = status_for_response(response, context.media, context.app_state.settings.http.status_codes)
    if status == HTTP_SERVICE_UNAVAILABLE:
        headers = (*headers, *RETRY_HEADERS)
    if context.head.is_safe_method:
        headers = (*headers, *NO_STORE)
    return await encoded_response(context, status, headers, response.body)


async def encoded_response(
    context: RequestContext, status: int, headers: Headers, body: bytes
) -> RawResponse:
    """Build a response whose body is compressed for this request only."""
    coding = choose_coding(context.codings, len(body))
    if coding != IDENTITY:
        coding, body = await _compress(context, coding, body)
    return RawResponse(status, _with_coding(headers, coding), body)


def http_error_response(context: RequestContext, error: HTTPError | CancelledError) -> RawResponse:
    if isinstance(error, CancelledError):  # the server aborts requests in flight
        error = HTTPError(503, Code.STOPPING, "The server is stopping: send the request again.")
    # A client that prefers a stream gets the error status of `application/graphql-response+json`.
    media = GRAPHQL_RESPONSE if context.streaming.preferred is not None else context.media
    status = status_for_error(error, media, context.app_state.settings.http.status_codes)
    return error_response(context, status, error.code, str(error), *raw_headers(error.headers))


def error_response(
    context: RequestContext, status: int, code: Code, message: str, *extra_headers: tuple[bytes, bytes]
) -> RawResponse:
    """Build the response to a request that failed before GraphQL execution."""
    context.code = code
    headers = (*_HEADERS[context.media], *extra_headers, *(NO_STORE if context.head.is_safe_method else ()))
    body = error_body(code, message)  # short, as messages are
    coding = choose_coding(context.codings or NO_CODING, len(body))
    if coding != IDENTITY:
        body = compress(coding, body)
    return RawResponse(status, _with_coding(headers, coding), body)


async def _compress_entry(
    context: RequestContext, key: CacheKey, entry: CachedResponse, coding: str
) -> tuple[str, bytes]:
    """Compress the body of a cached response once, and keep it for further requests."""

    async def compress_once() -> tuple[str, bytes]:
        used, body = await _compress(context, coding, entry.response.body)
        if used == coding:
            context.app_state.response_cache.add_compressed(key, entry, coding, body)
        return used, body

    if len(entry.response.body) <= INLINE_BYTES:
        return await compress_once()
    return await context.app_state.compressing.run((id(entry), context.codings), compress_once)


async def _compress(context: RequestContext, coding: str, body: bytes) -> tuple[str, bytes]:
    """Return the coding that was used, and the body; if the worker thread is overloaded, it is `identity`.

    Raises HTTPError (503) if that is not acceptable to the client.
    """
    if len(body) <= INLINE_BYTES:
        compressed = compress(coding, body)
    else:
        try:
            compressed = await context.app_state.offload.run(context.client, partial(compress, coding, body))
        except HTTPError:
            if IDENTITY not in context.codings:
                raise
            return IDENTITY, body
    context.app_state.metrics.count_compressed(coding, len(body), len(compressed))
    return coding, compressed


def _entity_id(context: RequestContext, key: CacheKey, snapshot_id: SnapshotId) -> bytes:
    documents_id = context.app_state.preparer.persisted_documents.id
    return key.entity_id(snapshot_id.version, context.media, documents_id)


def _cache_headers(context: RequestContext, key: CacheKey, etag: bytes) -> Headers:
    return cache_headers(key.audience, etag, context.app_state.settings.http.cache_control)


def _with_coding(headers: Headers, coding: str) -> Headers:
    return headers if coding == IDENTITY else (*headers, (_CONTENT_ENCODING, coding.encode()))
