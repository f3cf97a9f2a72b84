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
from gqlnews.database.sqlite.job_queue import act_for
from gqlnews.engine.requests import (
    FAILED,
    GraphQLResponse,
    PreparedIncremental,
    PreparedQuery,
    PreparedSubscription,
    Ready,
    single,
)
from gqlnews.errors import Code
from gqlnews.server.access import anonymous, audience
from gqlnews.server.graphiql.page import NEWEST_QUERY_STRING
from gqlnews.server.limits import AGAIN_LATER, MIN_COST, address_of, cost_of
from gqlnews.server.negotiation import (
    NO_STREAMS,
    NOTHING,
    OVERLOADED,
    RequestHeaders,
    StreamingPreference,
    media_type,
    negotiate_streaming,
    status_of,
    status_of_refusal,
)
from gqlnews.server.observability.logs import REQUEST_ID, assign_request_id, current, log, note
from gqlnews.server.observability.metrics import QUERY, OperationOutcome, outcome_of, outcome_of_refusal
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
from gqlnews.server.stream_framing import EVENTS, PARTS, PARTS_OF_2022, PAYLOADS, Framing
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
    streams: StreamingPreference
    scope: Scope
    answer: GraphQLResponse | None = None
    operation: str | None = None
    cached: bool = False
    registers_apq: bool = False
    code: Code | None = None  # of an error outside GraphQL
    held: int = 0  # bytes reserved for a large body
    _client: str | None = None

    @property
    def client(self) -> str:
        """The client's key for fair scheduling (`AppState.client_of`)."""
        if self._client is None:
            self._client = self.service.client_of(self.scope)
        return self._client

    @property
    def is_overload(self) -> bool:
        """Whether the request failed because the server is overloaded."""
        if self.answer is not None and Code.OVERLOADED in self.answer.codes:
            return True
        return self.code is Code.OVERLOADED

    def hold(self, size: int) -> None:
        """Reserve memory for a part of the body. Raises HTTPError."""
        self.service.bodies.take(self.client, size)
        self.held += size

    def release(self) -> None:
        if self.held:
            self.service.bodies.give_back(self.client, self.held)
            self.held = 0


class GraphQLEndpoint:
    """Endpoint for GET and POST; `page`, if any, renders the explorer for a browser."""

    def __init__(self, page: Page | None) -> None:
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = perf_counter()
        head = RequestHeaders.of(scope)
        request_id = assign_request_id(head.request_id)
        exchange = RequestContext(
            scope["state"]["service"], head, media_type(head.accept), negotiate_streaming(head.accept), scope
        )
        page = self._page if self._page is not None and wants_graphiql(head) else None
        reply = await _reply(exchange, receive, page)
        if isinstance(reply, StreamingResponse):
            try:
                await reply.respond(scope, receive, _with_request_id(send, request_id))
                return
            except CancelledError:  # the server aborts all requests
                return
            except HTTPError as refused:
                reply = _http_error_response(exchange, refused)
        seconds = perf_counter() - start
        if reply.status != CLIENT_CLOSED_REQUEST:
            _count(exchange, seconds)
        _access_log(exchange, reply, seconds)
        if reply.status == OVERLOADED and exchange.is_overload:  # slow down a client that retries at once
            with suppress(CancelledError):  # the server is stopping: respond at once
                await asyncio.sleep(OVERLOAD_PAUSE_SECONDS)
        await reply.send(send, request_id)


def _with_request_id(send: Send, request_id: bytes) -> Send:
    """Wrap `send` to add the request id, for responses that send their own headers."""

    async def send_named(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (REQUEST_ID, request_id)]
        await send(message)

    return send_named


async def _reply(
    exchange: RequestContext, receive: Receive, page: Page | None
) -> RawResponse | StreamingResponse:
    """Handle the request; every failure becomes a GraphQL JSON error."""
    try:
        return await _handle(exchange, receive) if page is None else await _explorer(exchange, page)
    except HTTPError as refused:
        return _http_error_response(exchange, refused)
    except ClientDisconnect:
        return RawResponse(CLIENT_CLOSED_REQUEST, ())
    except CancelledError:  # only when the server aborts requests in flight
        return _error_response(exchange, 503, Code.STOPPING, "The server is stopping: ask again.")
    except Exception:
        log.exception("operation failed")
        return _error_response(exchange, 500, Code.INTERNAL_ERROR, FAILED)
    finally:
        exchange.release()


async def _handle(exchange: RequestContext, receive: Receive) -> RawResponse | StreamingResponse:
    service, head = exchange.service, exchange.head
    if service.rates.rate:
        service.rates.take(address_of(exchange.scope), MIN_COST)
    if exchange.media is NOTHING:
        raise _not_acceptable()
    who = audience(head.authorization, service.settings)
    request = CacheKey(await read_payload(head, receive, exchange.hold), head.reads, who)
    if exchange.streams.always is not None:
        return _streamed(exchange, await _ready(exchange, request))
    return await _respond(exchange, request)


async def _explorer(exchange: RequestContext, page: Page) -> RawResponse:
    """Serve the explorer; it is counted and rate-limited as the query for its examples."""
    service = exchange.service
    service.rates.take(address_of(exchange.scope), MIN_COST)
    try:
        await _respond(exchange, CacheKey(NEWEST_QUERY_STRING, True, anonymous(service.settings)))
    except HTTPError as refused:  # render the page without the content's examples
        exchange.code = refused.code
    response = page(exchange.scope, exchange.answer)
    headers = (pair for pair in response.raw_headers if pair[0] != b"content-length")
    return RawResponse(response.status_code, tuple(headers), bytes(response.body))


async def _respond(exchange: RequestContext, request: CacheKey) -> RawResponse | StreamingResponse:
    service, head, who = exchange.service, exchange.head, request.audience
    moment = service.store.moment(who) if service.answers.enabled or head.reads else None
    if moment is not None and (hit := service.answers.get(request, moment)) is not None:
        exchange.answer, exchange.cached = hit, True
        return _not_modified(exchange, request, moment) or _cacheable_response(exchange, request, moment)
    prepared = await _prepare(exchange, request)
    if isinstance(prepared, PreparedSubscription | PreparedIncremental):
        return _streamed(exchange, prepared)
    if isinstance(prepared, GraphQLResponse):
        exchange.answer = prepared
        return _uncacheable_response(exchange)
    return await _execute(exchange, request, prepared, moment)


async def _execute(
    exchange: RequestContext, request: CacheKey, prepared: PreparedQuery, moment: SnapshotId | None
) -> RawResponse:
    service = exchange.service
    exchange.operation = prepared.operation
    lasting = moment if prepared.bound.cacheable else None
    if lasting is not None and (known := _not_modified(exchange, request, lasting)) is not None:
        exchange.cached = True
        return known
    with service.in_flight:
        exchange.answer = await service.run(prepared, exchange.client)
    if lasting is None or not exchange.answer.is_clean:
        return _uncacheable_response(exchange)
    if not exchange.registers_apq:
        service.answers.set(request, lasting, exchange.answer)
    return _cacheable_response(exchange, request, lasting)


async def _prepare(exchange: RequestContext, request: CacheKey) -> Ready:
    """Return the prepared request from the cache or prepare it; or return its error response."""
    service = exchange.service
    cached = service.answers.get_prepared(request)
    if cached is not None:
        _charge_rate_limit(exchange, cached)
        return cached
    ready = await _ready(exchange, request)
    made = single(ready) if exchange.streams is NO_STREAMS else ready
    if isinstance(made, PreparedQuery) and not exchange.registers_apq:
        service.answers.set_prepared(request, made)
    return made


async def _ready(exchange: RequestContext, request: CacheKey) -> Ready:
    """Prepare the request. A document sent together with its hash is registered each time (APQ)."""
    wanted = parse_request(exchange.head, request.text)
    exchange.registers_apq = wanted.named is not None and wanted.query is not None
    streams = exchange.streams
    in_parts = streams.parts and streams.always != EVENT_STREAM
    ready = await exchange.service.prepare(wanted, request.audience, exchange.client, in_parts=in_parts)
    _charge_rate_limit(exchange, ready)
    return ready


def _charge_rate_limit(exchange: RequestContext, ready: Ready) -> None:
    """Charge the rest of the operation's cost to the rate limit; set the client for fair scheduling."""
    service = exchange.service
    act_for(exchange.client)
    if service.rates.rate:
        service.rates.charge(address_of(exchange.scope), cost_of(ready, service.engine) - MIN_COST)


def _streamed(exchange: RequestContext, ready: Ready) -> StreamingResponse:
    return StreamingResponse(exchange.service, ready, _framing(exchange.streams, ready), exchange.client)


def _framing(streams: StreamingPreference, ready: Ready) -> Framing:
    if isinstance(ready, PreparedSubscription):
        return EVENTS if streams.many == EVENT_STREAM else PAYLOADS
    if not isinstance(ready, PreparedIncremental) and streams.always == EVENT_STREAM:
        return EVENTS
    return PARTS_OF_2022 if streams.of_2022 else PARTS


_HEADERS = {
    JSON: graphql_headers(JSON),
    GRAPHQL_RESPONSE: graphql_headers(GRAPHQL_RESPONSE),
    NOTHING: graphql_headers(JSON),
}


def _not_modified(exchange: RequestContext, request: CacheKey, moment: SnapshotId) -> RawResponse | None:
    """Return 304 if the `If-None-Match` of a GET has the current ETag, else None."""
    if not exchange.head.reads or not exchange.head.if_none_match:
        return None
    tag = request.etag(moment.version, exchange.media)
    if not etag_matches(exchange.head, tag):
        return None
    return RawResponse(NOT_MODIFIED, (*_HEADERS[exchange.media], *cache_headers(request.audience, tag)))


def _cacheable_response(exchange: RequestContext, request: CacheKey, moment: SnapshotId) -> RawResponse:
    """Build a response that is valid until the content changes; a GET's has an ETag."""
    assert exchange.answer is not None
    headers = _HEADERS[exchange.media]
    if exchange.head.reads:
        headers = (*headers, *cache_headers(request.audience, request.etag(moment.version, exchange.media)))
    return RawResponse(200, headers, exchange.answer.body)


def _uncacheable_response(exchange: RequestContext) -> RawResponse:
    """Build a response that must not be cached."""
    answer, headers = exchange.answer, _HEADERS[exchange.media]
    assert answer is not None
    status = status_of(answer, exchange.media, exchange.service.settings.http.status)
    if status == OVERLOADED:
        headers = (*headers, *AGAIN_LATER)
    if exchange.head.reads:
        headers = (*headers, *NO_STORE)
    return RawResponse(status, headers, answer.body)


def _http_error_response(exchange: RequestContext, refused: HTTPError) -> RawResponse:
    # A client that prefers a stream gets the error status of `application/graphql-response+json`.
    media = GRAPHQL_RESPONSE if exchange.streams.always is not None else exchange.media
    status = status_of_refusal(refused, media, exchange.service.settings.http.status)
    return _error_response(exchange, status, refused.code, str(refused), *raw_headers(refused.headers))


def _not_acceptable() -> HTTPError:
    message = f"`Accept` names nothing that is served here: ask for `{GRAPHQL_RESPONSE}` or `{JSON}`."
    return HTTPError(406, Code.NOT_ACCEPTABLE, message)


def _error_response(
    exchange: RequestContext, status: int, code: Code, message: str, *more: tuple[bytes, bytes]
) -> RawResponse:
    exchange.code = code
    headers = (*_HEADERS[exchange.media], *more, *(NO_STORE if exchange.head.reads else ()))
    return RawResponse(status, headers, error_body(code, message))


def _count(exchange: RequestContext, seconds: float) -> None:
    answer, code, service = exchange.answer, exchange.code, exchange.service
    if code is not None:
        service.ended(exchange.operation, outcome_of_refusal(code), (code,))
    elif answer is not None:
        kind = QUERY if answer.ok else None
        service.ended(answer.operation, outcome_of(answer), answer.codes, kind, cached=exchange.cached)
    else:  # 304
        service.ended(exchange.operation, OperationOutcome.OK, (), QUERY, cached=True)
    service.metrics.timed(seconds)


def _access_log(exchange: RequestContext, reply: RawResponse, seconds: float) -> None:
    answer = exchange.answer
    note(
        "operation",
        name=answer.operation if answer else exchange.operation,
        ms=round(seconds * 1000, 2),
        rows=answer.rows if answer else 0,
        bytes=len(reply.body),
        status=reply.status,
        cached=exchange.cached,
        id=current.get(),
    )
