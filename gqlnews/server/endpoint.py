"""The GraphQL endpoint: headers → authentication → payload → result → response, and one log line.

It is a plain ASGI application, as creating Starlette's request and response objects would take longer than
the rest of a cached request. A cache hit needs only the payload of the request, which is not parsed.
"""

import asyncio
from asyncio import CancelledError
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gqlnews.database.job_queue import client_var
from gqlnews.database.protocol import SnapshotId
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
from gqlnews.server.app_state import get_app_state
from gqlnews.server.build_response import (
    RawResponse,
    cacheable_response,
    encoded_response,
    error_response,
    http_error_response,
    not_modified,
    uncacheable_response,
)
from gqlnews.server.compression import NO_ACCEPTABLE_CODING, NO_CODING, negotiate_codings
from gqlnews.server.disconnects import run_until_disconnect
from gqlnews.server.graphiql.page import NEWEST_QUERY_STRING
from gqlnews.server.limits import MIN_COST, client_address, operation_cost
from gqlnews.server.negotiation import (
    HTTP_SERVICE_UNAVAILABLE,
    NO_STREAMS,
    NOT_ACCEPTABLE,
    RequestHead,
    anonymous_audience,
    authenticate,
    negotiate_media_type,
    negotiate_streaming,
)
from gqlnews.server.observability.logs import assign_request_id, log, log_event, request_id_var
from gqlnews.server.observability.metrics import (
    QUERY,
    OperationOutcome,
    outcome_of_error,
    outcome_of_response,
)
from gqlnews.server.request import parse_request, read_payload, wants_graphiql
from gqlnews.server.request_context import RequestContext
from gqlnews.server.response import (
    EVENT_STREAM,
    GRAPHQL_RESPONSE,
    JSON,
    HTTPError,
    with_request_id,
)
from gqlnews.server.response_cache import CachedResponse, CacheKey
from gqlnews.server.streaming import StreamingResponse, choose_framing

OVERLOAD_DELAY_SECONDS = 0.25  # delay before a 503 for overload, so that clients retry less often
NO_ACCEPTABLE_MEDIA_TYPE = f"`Accept` contains no supported media type: use `{GRAPHQL_RESPONSE}` or `{JSON}`."
CLIENT_CLOSED_REQUEST = 499  # status in the log for a client that disconnected, as in nginx; never sent

RenderPage = Callable[[Scope, GraphQLResponse | None], Response]
"""Renders the explorer page; the argument is the response to `NEWEST_QUERY`, or None if there is none."""


class GraphQLEndpoint:
    """Endpoint for GET and POST; `render_page`, if any, renders the explorer for a browser."""

    def __init__(self, render_page: RenderPage | None) -> None:
        self._render_page = render_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = perf_counter()
        head = RequestHead.from_scope(scope)
        request_id = assign_request_id(head.request_id)
        app_state = get_app_state(scope)
        compression = app_state.settings.http.compression
        context = RequestContext(
            app_state,
            head,
            negotiate_media_type(head.accept),
            negotiate_codings(head.accept_encoding) if compression else NO_CODING,
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
                http_response = http_error_response(context, error)
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
        return http_error_response(context, error)
    except ClientDisconnect:
        return RawResponse(CLIENT_CLOSED_REQUEST, ())
    except Exception:
        log.exception("operation failed")
        return error_response(context, 500, Code.INTERNAL_ERROR, INTERNAL_ERROR_MESSAGE)
    finally:
        context.release()


async def _handle(context: RequestContext, receive: Receive) -> RawResponse | StreamingResponse:
    app_state, head = context.app_state, context.head
    if app_state.rate_limiter.rate:
        app_state.rate_limiter.acquire(client_address(context.scope), MIN_COST)
    if context.media is NOT_ACCEPTABLE:
        raise HTTPError(406, Code.NOT_ACCEPTABLE, NO_ACCEPTABLE_MEDIA_TYPE)
    if not context.codings:
        raise HTTPError(406, Code.NOT_ACCEPTABLE, NO_ACCEPTABLE_CODING)
    if context.streaming.preferred is not None:
        app_state.stream_limiter.check(context.scope)  # before the work for it
    audience = authenticate(head.authorization, app_state.settings)
    context.receive = receive
    payload = await read_payload(head, receive, context.reserve)
    key = CacheKey(payload, head.is_safe_method, audience, app_state.engine.schema_id)
    if context.streaming.preferred is not None:
        return _stream_response(context, await _parse_and_prepare(context, key))
    return await _respond(context, key)


async def _render_explorer(context: RequestContext, render_page: RenderPage) -> RawResponse:
    """Serve the explorer; metrics and rate limit count it as the query for its example values."""
    app_state = context.app_state
    app_state.rate_limiter.acquire(client_address(context.scope), MIN_COST)
    if not context.codings:
        raise HTTPError(406, Code.NOT_ACCEPTABLE, NO_ACCEPTABLE_CODING)
    try:
        audience, schema_id = anonymous_audience(app_state.settings), app_state.engine.schema_id
        await _respond(context, CacheKey(NEWEST_QUERY_STRING, True, audience, schema_id))
    except HTTPError as error:  # render the page without example values from the content
        context.code = error.code
    response = render_page(context.scope, context.response)
    headers = (pair for pair in response.raw_headers if pair[0] != b"content-length")
    return await encoded_response(context, response.status_code, tuple(headers), bytes(response.body))


async def _respond(context: RequestContext, key: CacheKey) -> RawResponse | StreamingResponse:
    app_state, head, audience = context.app_state, context.head, key.audience
    snapshot_id = (
        app_state.store.snapshot_id(audience)
        if app_state.response_cache.enabled or head.is_safe_method
        else None
    )
    if snapshot_id is not None and (hit := app_state.response_cache.get(key, snapshot_id)) is not None:
        context.response, context.cached = hit.response, True
        return not_modified(context, key, snapshot_id) or await cacheable_response(context, key, hit)
    prepared = await _prepare(context, key)
    if isinstance(prepared, PreparedSubscription | PreparedIncremental):
        return _stream_response(context, prepared)
    if isinstance(prepared, GraphQLResponse):
        context.response = prepared
        return await uncacheable_response(context)
    return await _execute(context, key, prepared, snapshot_id)


async def _execute(
    context: RequestContext, key: CacheKey, prepared: PreparedQuery, snapshot_id: SnapshotId | None
) -> RawResponse:
    app_state = context.app_state
    context.operation = prepared.operation
    cache_id = snapshot_id if prepared.bound.cacheable else None
    if cache_id is not None and (unchanged := not_modified(context, key, cache_id)) is not None:
        context.cached = True
        return unchanged
    with app_state.concurrency_limiter:
        work = app_state.preparer.run(prepared, context.client)
        if app_state.store.is_remote and context.receive is not None:
            work = run_until_disconnect(work, context.receive)
        context.response = await work
    if cache_id is None or not context.response.is_clean:
        return await uncacheable_response(context)
    entry = CachedResponse(context.response.snapshot_id or cache_id, context.response)
    if not context.registers_apq and key.schema == app_state.engine.schema_id:
        entry = app_state.response_cache.add(key, entry)
    return await cacheable_response(context, key, entry)


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
