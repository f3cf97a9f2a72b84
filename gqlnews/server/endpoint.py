"""The GraphQL endpoint: headers → authentication → payload → result → response, and one log line.

It is a plain ASGI application, as Starlette's request and response objects would take longer than the rest of
a request. A cache hit needs only the request's payload, unparsed.
"""

import asyncio
from asyncio import CancelledError
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from gqlnews.database.sqlite.database_handle import SnapshotId
from gqlnews.database.sqlite.job_queue import set_client
from gqlnews.engine.requests import (
    INTERNAL_ERROR_MESSAGE,
    GraphQLResponse,
    PreparedIncremental,
    PreparedQuery,
    PreparedSubscription,
    Ready,
    single,
)
from gqlnews.errors import Code
from gqlnews.server.access import anonymous_audience, authenticate
from gqlnews.server.graphiql.page import NEWEST_QUERY_STRING
from gqlnews.server.limits import MIN_COST, RETRY_HEADERS, client_address, operation_cost
from gqlnews.server.negotiation import (
    NO_STREAMS,
    NOT_ACCEPTABLE,
    OVERLOADED,
    RequestHeaders,
    StreamingPreference,
    media_type,
    negotiate_streaming,
    status_for_error,
    status_for_response,
)
from gqlnews.server.observability.logs import REQUEST_ID, assign_request_id, log, log_event, request_id_var
from gqlnews.server.observability.metrics import (
    QUERY,
    OperationOutcome,
    outcome_of_error,
    outcome_of_response,
)
from gqlnews.server.request import parse_request, read_payload, wants_graphiql
from gqlnews.server.response import (
    EVENT_STREAM,
    GRAPHQL_RESPONSE,
    JSON,
    NOT_MODIFIED,
    HTTPError,
    RawResponse,
    error_body,
    graphql_headers,
    raw_headers,
)
from gqlnews.server.response_cache import NO_STORE, CacheKey, cache_headers, etag_matches
from gqlnews.server.services import AppState
from gqlnews.server.stream_framing import (
    MULTIPART_INCREMENTAL,
    MULTIPART_INCREMENTAL_2022,
    MULTIPART_SUBSCRIPTION,
    SSE,
    Framing,
)
from gqlnews.server.streaming import StreamingResponse

OVERLOAD_PAUSE_SECONDS = 0.25  # delay before a 503 for overload, as sending it takes time too
CLIENT_CLOSED_REQUEST = 499  # as nginx logs a client that disconnected; never sent

Page = Callable[[Scope, GraphQLResponse | None], Response]
"""Renders the explorer from the response to `NEWEST_QUERY_STRING`, or None if there is no response."""


@dataclass(slots=True)
class RequestContext:
    """Context of one request; the fields for the access log are set while it is handled."""

    service: AppState
    head: RequestHeaders
    media: str
    streaming: StreamingPreference
    scope: Scope
    response: GraphQLResponse | None = None
    operation: str | None = None
    cached: bool = False
    registers_apq: bool = False
    code: Code | None = None  # of an error outside GraphQL
    reserved_bytes: int = 0  # bytes reserved for a large body
    _client: str | None = None

    @property
    def client(self) -> str:
        """The client's key for fair scheduling (`AppState.client_key`)."""
        if self._client is None:
            self._client = self.service.client_key(self.scope)
        return self._client

    @property
    def is_overload(self) -> bool:
        """Whether the request failed because the server is overloaded."""
        if self.response is not None and Code.OVERLOADED in self.response.codes:
            return True
        return self.code is Code.OVERLOADED

    def reserve(self, size: int) -> None:
        """Reserve memory for a part of the body. Raises HTTPError."""
        self.service.body_memory.reserve(self.client, size)
        self.reserved_bytes += size

    def release(self) -> None:
        if self.reserved_bytes:
            self.service.body_memory.release(self.client, self.reserved_bytes)
            self.reserved_bytes = 0


class GraphQLEndpoint:
    """Endpoint for GET and POST; `page`, if any, renders the explorer for a browser."""

    def __init__(self, page: Page | None) -> None:
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = perf_counter()
        head = RequestHeaders.from_scope(scope)
        request_id = assign_request_id(head.request_id)
        context = RequestContext(
            scope["state"]["service"], head, media_type(head.accept), negotiate_streaming(head.accept), scope
        )
        page = self._page if self._page is not None and wants_graphiql(head) else None
        reply = await _reply(context, receive, page)
        if isinstance(reply, StreamingResponse):
            try:
                await reply.respond(scope, receive, _with_request_id(send, request_id))
                return
            except CancelledError:  # the server aborts all requests
                return
            except HTTPError as error:
                reply = _http_error_response(context, error)
        seconds = perf_counter() - start
        if reply.status != CLIENT_CLOSED_REQUEST:
            _record_metrics(context, seconds)
        _access_log(context, reply, seconds)
        if reply.status == OVERLOADED and context.is_overload:  # slow down a client that retries at once
            with suppress(CancelledError):  # the server is stopping: respond at once
                await asyncio.sleep(OVERLOAD_PAUSE_SECONDS)
        await reply.send(send, request_id)


def _with_request_id(send: Send, request_id: bytes) -> Send:
    """Wrap `send` to add the request id, for responses that send their own headers."""

    async def send_with_id(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (REQUEST_ID, request_id)]
        await send(message)

    return send_with_id


async def _reply(
    context: RequestContext, receive: Receive, page: Page | None
) -> RawResponse | StreamingResponse:
    """Handle the request; every failure becomes a GraphQL JSON error."""
    try:
        return await _handle(context, receive) if page is None else await _render_explorer(context, page)
    except HTTPError as error:
        return _http_error_response(context, error)
    except ClientDisconnect:
        return RawResponse(CLIENT_CLOSED_REQUEST, ())
    except CancelledError:  # only when the server aborts requests in flight
        return _error_response(context, 503, Code.STOPPING, "The server is stopping: try again.")
    except Exception:
        log.exception("operation failed")
        return _error_response(context, 500, Code.INTERNAL_ERROR, INTERNAL_ERROR_MESSAGE)
    finally:
        context.release()


async def _handle(context: RequestContext, receive: Receive) -> RawResponse | StreamingResponse:
    service, head = context.service, context.head
    if service.rate_limiter.rate:
        service.rate_limiter.acquire(client_address(context.scope), MIN_COST)
    if context.media is NOT_ACCEPTABLE:
        raise _not_acceptable()
    audience = authenticate(head.authorization, service.settings)
    key = CacheKey(await read_payload(head, receive, context.reserve), head.is_safe_method, audience)
    if context.streaming.preferred is not None:
        return _stream_response(context, await _parse_and_prepare(context, key))
    return await _respond(context, key)


async def _render_explorer(context: RequestContext, page: Page) -> RawResponse:
    """Serve the explorer; it is counted and rate-limited as the query for its examples."""
    service = context.service
    service.rate_limiter.acquire(client_address(context.scope), MIN_COST)
    try:
        await _respond(context, CacheKey(NEWEST_QUERY_STRING, True, anonymous_audience(service.settings)))
    except HTTPError as error:  # render the page without the content's examples
        context.code = error.code
    response = page(context.scope, context.response)
    headers = (pair for pair in response.raw_headers if pair[0] != b"content-length")
    return RawResponse(response.status_code, tuple(headers), bytes(response.body))


async def _respond(context: RequestContext, key: CacheKey) -> RawResponse | StreamingResponse:
    service, head, audience = context.service, context.head, key.audience
    snapshot_id = (
        service.store.snapshot_id(audience) if service.response_cache.enabled or head.is_safe_method else None
    )
    if snapshot_id is not None and (hit := service.response_cache.get(key, snapshot_id)) is not None:
        context.response, context.cached = hit, True
        return _not_modified(context, key, snapshot_id) or _cacheable_response(context, key, snapshot_id)
    prepared = await _prepare(context, key)
    if isinstance(prepared, PreparedSubscription | PreparedIncremental):
        return _stream_response(context, prepared)
    if isinstance(prepared, GraphQLResponse):
        context.response = prepared
        return _uncacheable_response(context)
    return await _execute(context, key, prepared, snapshot_id)


async def _execute(
    context: RequestContext, key: CacheKey, prepared: PreparedQuery, snapshot_id: SnapshotId | None
) -> RawResponse:
    service = context.service
    context.operation = prepared.operation
    cache_id = snapshot_id if prepared.bound.cacheable else None
    if cache_id is not None and (not_modified := _not_modified(context, key, cache_id)) is not None:
        context.cached = True
        return not_modified
    with service.concurrency_limiter:
        context.response = await service.run(prepared, context.client)
    if cache_id is None or not context.response.is_clean:
        return _uncacheable_response(context)
    if not context.registers_apq:
        service.response_cache.set(key, cache_id, context.response)
    return _cacheable_response(context, key, cache_id)


async def _prepare(context: RequestContext, key: CacheKey) -> Ready:
    """Return the prepared request from the cache or prepare it; or return its error response."""
    service = context.service
    cached = service.response_cache.get_prepared(key)
    if cached is not None:
        _charge_rate_limit(context, cached)
        return cached
    prepared = await _parse_and_prepare(context, key)
    cacheable = single(prepared) if context.streaming is NO_STREAMS else prepared
    if isinstance(cacheable, PreparedQuery) and not context.registers_apq:
        service.response_cache.set_prepared(key, cacheable)
    return cacheable


async def _parse_and_prepare(context: RequestContext, key: CacheKey) -> Ready:
    """Prepare the request. A document sent together with its hash is registered each time (APQ)."""
    raw = parse_request(context.head, key.text)
    context.registers_apq = raw.reference is not None and raw.query is not None
    streaming = context.streaming
    incremental = streaming.incremental and streaming.preferred != EVENT_STREAM
    prepared = await context.service.prepare(raw, key.audience, context.client, incremental=incremental)
    _charge_rate_limit(context, prepared)
    return prepared


def _charge_rate_limit(context: RequestContext, prepared: Ready) -> None:
    """Charge the rest of the operation's cost to the rate limit; set the client for fair scheduling."""
    service = context.service
    set_client(context.client)
    if service.rate_limiter.rate:
        service.rate_limiter.charge(
            client_address(context.scope), operation_cost(prepared, service.engine) - MIN_COST
        )


def _stream_response(context: RequestContext, prepared: Ready) -> StreamingResponse:
    return StreamingResponse(
        context.service, prepared, _choose_framing(context.streaming, prepared), context.client
    )


def _choose_framing(streaming: StreamingPreference, prepared: Ready) -> Framing:
    if isinstance(prepared, PreparedSubscription):
        return SSE if streaming.subscriptions == EVENT_STREAM else MULTIPART_SUBSCRIPTION
    if not isinstance(prepared, PreparedIncremental) and streaming.preferred == EVENT_STREAM:
        return SSE
    return MULTIPART_INCREMENTAL_2022 if streaming.incremental_2022 else MULTIPART_INCREMENTAL


_HEADERS = {
    JSON: graphql_headers(JSON),
    GRAPHQL_RESPONSE: graphql_headers(GRAPHQL_RESPONSE),
    NOT_ACCEPTABLE: graphql_headers(JSON),
}


def _not_modified(context: RequestContext, key: CacheKey, snapshot_id: SnapshotId) -> RawResponse | None:
    """Return 304 if the `If-None-Match` of a GET has the current ETag, else None."""
    if not context.head.is_safe_method or not context.head.if_none_match:
        return None
    etag = key.etag(snapshot_id.version, context.media)
    if not etag_matches(context.head, etag):
        return None
    return RawResponse(NOT_MODIFIED, (*_HEADERS[context.media], *cache_headers(key.audience, etag)))


def _cacheable_response(context: RequestContext, key: CacheKey, snapshot_id: SnapshotId) -> RawResponse:
    """Build a response that is valid until the content changes; a GET's has an ETag."""
    assert context.response is not None
    headers = _HEADERS[context.media]
    if context.head.is_safe_method:
        headers = (*headers, *cache_headers(key.audience, key.etag(snapshot_id.version, context.media)))
    return RawResponse(200, headers, context.response.body)


def _uncacheable_response(context: RequestContext) -> RawResponse:
    """Build a response that must not be cached."""
    response, headers = context.response, _HEADERS[context.media]
    assert response is not None
    status = status_for_response(response, context.media, context.service.settings.http.status_codes)
    if status == OVERLOADED:
        headers = (*headers, *RETRY_HEADERS)
    if context.head.is_safe_method:
        headers = (*headers, *NO_STORE)
    return RawResponse(status, headers, response.body)


def _http_error_response(context: RequestContext, error: HTTPError) -> RawResponse:
    # A client that prefers a stream gets the error status of `application/graphql-response+json`.
    media = GRAPHQL_RESPONSE if context.streaming.preferred is not None else context.media
    status = status_for_error(error, media, context.service.settings.http.status_codes)
    return _error_response(context, status, error.code, str(error), *raw_headers(error.headers))


def _not_acceptable() -> HTTPError:
    message = f"`Accept` has no supported media type: use `{GRAPHQL_RESPONSE}` or `{JSON}`."
    return HTTPError(406, Code.NOT_ACCEPTABLE, message)


def _error_response(
    context: RequestContext, status: int, code: Code, message: str, *extra_headers: tuple[bytes, bytes]
) -> RawResponse:
    context.code = code
    headers = (*_HEADERS[context.media], *extra_headers, *(NO_STORE if context.head.is_safe_method else ()))
    return RawResponse(status, headers, error_body(code, message))


def _record_metrics(context: RequestContext, seconds: float) -> None:
    response, code, service = context.response, context.code, context.service
    if code is not None:
        service.record_operation(context.operation, outcome_of_error(code), (code,))
    elif response is not None:
        kind = QUERY if response.has_data else None
        service.record_operation(
            response.operation, outcome_of_response(response), response.codes, kind, cached=context.cached
        )
    else:  # 304
        service.record_operation(context.operation, OperationOutcome.OK, (), QUERY, cached=True)
    service.metrics.observe_duration(seconds)


def _access_log(context: RequestContext, reply: RawResponse, seconds: float) -> None:
    response = context.response
    log_event(
        "operation",
        name=response.operation if response else context.operation,
        ms=round(seconds * 1000, 2),
        rows=response.rows if response else 0,
        bytes=len(reply.body),
        status=reply.status,
        cached=context.cached,
        id=request_id_var.get(),
    )
