"""The GraphQL endpoint: headers → authentication → payload → result → response, and one log line.

It is a plain ASGI application, as creating Starlette's request and response objects would take longer than
the rest of a cached request. A cache hit needs only the payload of the request, which is not parsed.
"""

import asyncio
from asyncio import CancelledError
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gqlnews.database.sqlite.database_handle import SnapshotId
from gqlnews.database.sqlite.job_queue import client_var
from gqlnews.engine.requests import (
    INTERNAL_ERROR_MESSAGE,
    GraphQLResponse,
    PreparedIncremental,
    PreparedQuery,
    PreparedRequest,
    PreparedSubscription,
    for_single_response,
)
from gqlnews.errors import Code
from gqlnews.server.app_state import AppState, get_app_state
from gqlnews.server.graphiql.page import NEWEST_QUERY_STRING
from gqlnews.server.limits import MIN_COST, RETRY_HEADERS, client_address, operation_cost
from gqlnews.server.negotiation import (
    HTTP_SERVICE_UNAVAILABLE,
    NO_STREAMS,
    NOT_ACCEPTABLE,
    RequestHead,
    StreamingPreference,
    anonymous_audience,
    authenticate,
    negotiate_media_type,
    negotiate_streaming,
    status_for_error,
    status_for_response,
)
from gqlnews.server.observability.logs import assign_request_id, log, log_event, request_id_var
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
    NO_STORE,
    NOT_MODIFIED,
    CacheKey,
    HTTPError,
    RawResponse,
    cache_headers,
    error_body,
    etag_matches,
    graphql_headers,
    raw_headers,
    with_request_id,
)
from gqlnews.server.streaming import StreamingResponse, choose_framing

OVERLOAD_DELAY_SECONDS = 0.25  # delay before a 503 for overload, so that clients retry less often
CLIENT_CLOSED_REQUEST = 499  # status in the log for a client that disconnected, as in nginx; never sent

RenderPage = Callable[[Scope, GraphQLResponse | None], Response]
"""Renders the explorer page; the argument is the response to `NEWEST_QUERY`, or None if there is none."""


@dataclass(slots=True)
class RequestContext:
    """Context of one request; the fields with a default are set while the request is handled."""

    app_state: AppState
    head: RequestHead
    media: str
    streaming: StreamingPreference
    scope: Scope
    response: GraphQLResponse | None = None
    operation: str | None = None
    cached: bool = False
    registers_apq: bool = False
    code: Code | None = None  # of an error before GraphQL execution
    is_recorded: bool = False  # in the metrics
    reserved_bytes: int = 0  # bytes reserved for a large body
    _client: str | None = None

    @property
    def client(self) -> str:
        """The client's key for fair scheduling (`AppState.client_key`)."""
        if self._client is None:
            self._client = self.app_state.client_key(self.scope)
        return self._client

    @property
    def is_overload(self) -> bool:
        """Whether the request failed because the server is overloaded."""
        if self.response is not None and Code.OVERLOADED in self.response.codes:
            return True
        return self.code is Code.OVERLOADED

    def reserve(self, size: int) -> None:
        """Reserve memory for a part of the body. Raises HTTPError (503)."""
        self.app_state.body_memory.reserve(self.client, size)
        self.reserved_bytes += size

    def release(self) -> None:
        if self.reserved_bytes:
            self.app_state.body_memory.release(self.client, self.reserved_bytes)
            self.reserved_bytes = 0


class GraphQLEndpoint:
    """Endpoint for GET and POST; `render_page`, if any, renders the explorer for a browser."""

    def __init__(self, render_page: RenderPage | None) -> None:
        self._render_page = render_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = perf_counter()
        head = RequestHead.from_scope(scope)
        request_id = assign_request_id(head.request_id)
        context = RequestContext(
            get_app_state(scope),
            head,
            negotiate_media_type(head.accept),
            negotiate_streaming(head.accept),
            scope,
        )
        render_page = self._render_page if self._render_page is not None and wants_graphiql(head) else None
        http_response = await _respond_to_request(context, receive, render_page)
        if isinstance(http_response, StreamingResponse):
            try:
                await http_response.respond(scope, receive, with_request_id(send, request_id))
                return
            except (CancelledError, HTTPError) as error:
                if http_response.has_started:  # the server aborts all connections
                    return
                context.is_recorded = http_response.is_recorded
                http_response = _http_error_response(context, error)
        seconds = perf_counter() - start
        if http_response.status != CLIENT_CLOSED_REQUEST and not context.is_recorded:
            _record_metrics(context, seconds)
        _access_log(context, http_response, seconds)
        if http_response.status == HTTP_SERVICE_UNAVAILABLE and context.is_overload:
            # Slow down clients that retry immediately; respond without delay if the server is stopping.
            with suppress(CancelledError):
                await asyncio.sleep(OVERLOAD_DELAY_SECONDS)
        await http_response.send(send, request_id)


async def _respond_to_request(
    context: RequestContext, receive: Receive, render_page: RenderPage | None
) -> RawResponse | StreamingResponse:
    """Handle the request; every failure becomes a GraphQL JSON error."""
    try:
        if render_page is not None:
            return await _render_explorer(context, render_page)
        return await _handle(context, receive)
    except (HTTPError, CancelledError) as error:
        return _http_error_response(context, error)
    except ClientDisconnect:
        return RawResponse(CLIENT_CLOSED_REQUEST, ())
    except Exception:
        log.exception("operation failed")
        return _error_response(context, 500, Code.INTERNAL_ERROR, INTERNAL_ERROR_MESSAGE)
    finally:
        context.release()


async def _handle(context: RequestContext, receive: Receive) -> RawResponse | StreamingResponse:
    app_state, head = context.app_state, context.head
    if app_state.rate_limiter.rate:
        app_state.rate_limiter.acquire(client_address(context.scope), MIN_COST)
    if context.media is NOT_ACCEPTABLE:
        raise _not_acceptable()
    if context.streaming.preferred is not None:
        app_state.stream_limiter.check(context.scope)  # before the work for it
    audience = authenticate(head.authorization, app_state.settings)
    payload = await read_payload(head, receive, context.reserve)
    key = CacheKey(payload, head.is_safe_method, audience, app_state.engine.schema_id)
    if context.streaming.preferred is not None:
        return _stream_response(context, await _parse_and_prepare(context, key))
    return await _respond(context, key)


async def _render_explorer(context: RequestContext, render_page: RenderPage) -> RawResponse:
    """Serve the explorer; metrics and rate limit count it as the query for its example values."""
    app_state = context.app_state
    app_state.rate_limiter.acquire(client_address(context.scope), MIN_COST)
    try:
        audience, schema_id = anonymous_audience(app_state.settings), app_state.engine.schema_id
        await _respond(context, CacheKey(NEWEST_QUERY_STRING, True, audience, schema_id))
    except HTTPError as error:  # render the page without example values from the content
        context.code = error.code
    response = render_page(context.scope, context.response)
    headers = (pair for pair in response.raw_headers if pair[0] != b"content-length")
    return RawResponse(response.status_code, tuple(headers), bytes(response.body))


async def _respond(context: RequestContext, key: CacheKey) -> RawResponse | StreamingResponse:
    app_state, head, audience = context.app_state, context.head, key.audience
    snapshot_id = (
        app_state.store.snapshot_id(audience)
        if app_state.response_cache.enabled or head.is_safe_method
        else None
    )
    if snapshot_id is not None and (hit := app_state.response_cache.get(key, snapshot_id)) is not None:
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
    app_state = context.app_state
    context.operation = prepared.operation
    cache_id = snapshot_id if prepared.bound.cacheable else None
    if cache_id is not None and (not_modified := _not_modified(context, key, cache_id)) is not None:
        context.cached = True
        return not_modified
    with app_state.concurrency_limiter:
        context.response = await app_state.preparer.run(prepared, context.client)
    if cache_id is None or not context.response.is_clean:
        return _uncacheable_response(context)
    if not context.registers_apq and key.schema == app_state.engine.schema_id:
        app_state.response_cache.set(key, cache_id, context.response)
    return _cacheable_response(context, key, cache_id)


async def _prepare(context: RequestContext, key: CacheKey) -> PreparedRequest:
    """Return the prepared request, from the cache if possible, or its error response. Raises HTTPError."""
    app_state = context.app_state
    cached = app_state.engine.cache.get_request(key)
    if cached is not None:
        _charge_rate_limit(context, cached)
        return cached
    prepared = await _parse_and_prepare(context, key)
    cacheable = for_single_response(prepared) if context.streaming is NO_STREAMS else prepared
    if isinstance(cacheable, PreparedQuery) and cacheable.bound.cacheable and not context.registers_apq:
        app_state.engine.cache.set_request(key, len(key.text), cacheable)
    return cacheable


async def _parse_and_prepare(context: RequestContext, key: CacheKey) -> PreparedRequest:
    """Parse and prepare the request. Raises HTTPError."""
    raw = parse_request(context.head, key.text)
    # A document sent together with its hash must be registered, so such a request is never cached (APQ).
    context.registers_apq = raw.reference is not None and raw.query is not None
    if raw.is_subscription:
        context.app_state.stream_limiter.check(context.scope)
    streaming = context.streaming
    incremental = streaming.incremental and streaming.preferred != EVENT_STREAM
    prepared = await context.app_state.preparer.prepare(
        raw, key.audience, context.client, incremental=incremental
    )
    _charge_rate_limit(context, prepared)
    return prepared


def _charge_rate_limit(context: RequestContext, prepared: PreparedRequest) -> None:
    """Charge the operation's cost beyond MIN_COST to the rate limit; set the client for fair scheduling."""
    app_state = context.app_state
    client_var.set(context.client)
    if app_state.rate_limiter.rate:
        app_state.rate_limiter.charge(
            client_address(context.scope), operation_cost(prepared, app_state.engine) - MIN_COST
        )


def _stream_response(context: RequestContext, prepared: PreparedRequest) -> StreamingResponse:
    return StreamingResponse(
        context.app_state, prepared, choose_framing(context.streaming, prepared), context.client
    )


_HEADERS = {
    JSON: graphql_headers(JSON),
    GRAPHQL_RESPONSE: graphql_headers(GRAPHQL_RESPONSE),
    NOT_ACCEPTABLE: graphql_headers(JSON),
}


def _not_modified(context: RequestContext, key: CacheKey, snapshot_id: SnapshotId) -> RawResponse | None:
    """Return a 304 response if the `If-None-Match` of a GET contains the current ETag, else None."""
    if not context.head.is_safe_method or not context.head.if_none_match:
        return None
    etag = key.etag(snapshot_id.version, context.media)
    if not etag_matches(context.head.if_none_match, etag):
        return None
    return RawResponse(NOT_MODIFIED, (*_HEADERS[context.media], *cache_headers(key.audience, etag)))


def _cacheable_response(context: RequestContext, key: CacheKey, snapshot_id: SnapshotId) -> RawResponse:
    """Build a response that is valid until the content changes; for a GET, it has an ETag."""
    assert context.response is not None
    headers = _HEADERS[context.media]
    if context.head.is_safe_method:
        headers = (*headers, *cache_headers(key.audience, key.etag(snapshot_id.version, context.media)))
    return RawResponse(200, headers, context.response.body)


def _uncacheable_response(context: RequestContext) -> RawResponse:
    """Build a response that no cache may store: it has errors or depends on the clock."""
    response, headers = context.response, _HEADERS[context.media]
    assert response is not None
    status = status_for_response(response, context.media, context.app_state.settings.http.status_codes)
    if status == HTTP_SERVICE_UNAVAILABLE:
        headers = (*headers, *RETRY_HEADERS)
    if context.head.is_safe_method:
        headers = (*headers, *NO_STORE)
    return RawResponse(status, headers, response.body)


def _http_error_response(context: RequestContext, error: HTTPError | CancelledError) -> RawResponse:
    if isinstance(error, CancelledError):  # the server aborts requests in flight
        error = HTTPError(503, Code.STOPPING, "The server is stopping: send the request again.")
    # A client that prefers a stream gets the error status of `application/graphql-response+json`.
    media = GRAPHQL_RESPONSE if context.streaming.preferred is not None else context.media
    status = status_for_error(error, media, context.app_state.settings.http.status_codes)
    return _error_response(context, status, error.code, str(error), *raw_headers(error.headers))


def _not_acceptable() -> HTTPError:
    message = f"`Accept` contains no supported media type: use `{GRAPHQL_RESPONSE}` or `{JSON}`."
    return HTTPError(406, Code.NOT_ACCEPTABLE, message)


def _error_response(
    context: RequestContext, status: int, code: Code, message: str, *extra_headers: tuple[bytes, bytes]
) -> RawResponse:
    context.code = code
    headers = (*_HEADERS[context.media], *extra_headers, *(NO_STORE if context.head.is_safe_method else ()))
    return RawResponse(status, headers, error_body(code, message))


def _record_metrics(context: RequestContext, seconds: float) -> None:
    response, code, app_state = context.response, context.code, context.app_state
    if code is not None:
        app_state.record_operation(context.operation, outcome_of_error(code), (code,))
    elif response is not None:
        kind = QUERY if response.has_data else None
        app_state.record_operation(
            response.operation, outcome_of_response(response), response.codes, kind, cached=context.cached
        )
    else:  # 304
        app_state.record_operation(context.operation, OperationOutcome.OK, (), QUERY, cached=True)
    app_state.metrics.observe_duration(seconds)


def _access_log(context: RequestContext, http_response: RawResponse, seconds: float) -> None:
    response = context.response
    code = context.code or (response.rejection_code if response else None)
    fields: dict[str, object] = {
        "name": response.operation if response else context.operation,
        "ms": round(seconds * 1000, 2),
        "rows": response.rows if response else 0,
        "bytes": len(http_response.body),
        "status": http_response.status,
        "cached": context.cached,
        "id": request_id_var.get(),
    }
    if code is not None:
        fields["code"] = code
    log_event("operation", **fields)
