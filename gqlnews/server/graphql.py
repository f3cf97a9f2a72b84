"""The GraphQL endpoint: head → who asks → text → answer → reply, and one line of log.

An ASGI application of its own: this is the way of every request, and Starlette's request and response
objects take longer than the rest of it. An answer that is kept needs no more than its request's text.
"""

from asyncio import CancelledError
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from time import perf_counter

from starlette.requests import ClientDisconnect
from starlette.requests import Request as PageRequest
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from gqlnews.errors import Code
from gqlnews.schema.engine import FAILED, Answer, Asked, Parted, Prepared, Watched
from gqlnews.server.answers import Request
from gqlnews.server.auth import audience
from gqlnews.server.conditional import NOT_KEPT, caching, is_known
from gqlnews.server.framing import EVENTS, PARTS, PARTS_OF_2022, PAYLOADS, Framing
from gqlnews.server.head import NO_STREAMS, NOTHING, Head, Streams, media_type, takes_streams
from gqlnews.server.identity import REQUEST_ID, current, identify
from gqlnews.server.logs import log, note
from gqlnews.server.metrics import QUERY, Outcome, outcome_of, outcome_of_refusal
from gqlnews.server.named import Wanted
from gqlnews.server.rates import COST_OF_ANY, Ready, address_of, cost_of
from gqlnews.server.request import read_request, read_text, wants_page
from gqlnews.server.service import Service
from gqlnews.server.statuses import status_of, status_of_refusal
from gqlnews.server.streamed import StreamedReply
from gqlnews.server.wire import (
    EVENT_STREAM,
    GRAPHQL_RESPONSE,
    JSON,
    NOT_MODIFIED,
    RefusedError,
    Reply,
    error_body,
    graphql_headers,
    raw_headers,
)
from gqlnews.store.access import Moment

CLIENT_CLOSED_REQUEST = 499  # nginx's word in logs for a client that left; nobody receives it

Page = Callable[[PageRequest], Awaitable[Response]]


@dataclass(slots=True)
class Exchange:
    """One request on its way; what the log tells of it is filled in as it goes."""

    service: Service
    head: Head
    media: str
    streams: Streams
    scope: Scope
    answer: Answer | None = None
    operation: str | None = None
    cached: bool = False
    registers: bool = False
    code: Code | None = None  # where it was refused outside GraphQL


class GraphQL:
    """Answers GET and POST; `page` answers a browser that opens the address, where there is a page."""

    def __init__(self, page: Page | None) -> None:
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = perf_counter()
        head = Head.of(scope)
        request_id = identify(head.request_id)
        if self._page is not None and wants_page(head):
            response = await self._page(PageRequest(scope))
            await response(scope, receive, _named(send, request_id))
            return
        exchange = Exchange(
            scope["state"]["service"], head, media_type(head.accept), takes_streams(head.accept), scope
        )
        reply = await _reply(exchange, receive)
        if isinstance(reply, StreamedReply):
            try:
                await reply.respond(scope, receive, _named(send, request_id))
                return
            except CancelledError:  # cut off, as the server has to stop now
                return
            except RefusedError as refused:
                reply = _refused(exchange, refused)
        seconds = perf_counter() - start
        if reply.status != CLIENT_CLOSED_REQUEST:
            _count(exchange, seconds)
        _note(exchange, reply, seconds)
        await reply.send(send, request_id)


def _named(send: Send, request_id: bytes) -> Send:
    """For what sends its headers by itself."""

    async def send_named(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (REQUEST_ID, request_id)]
        await send(message)

    return send_named


async def _reply(exchange: Exchange, receive: Receive) -> Reply | StreamedReply:
    """Whatever goes wrong is answered as GraphQL JSON too."""
    try:
        return await _answer(exchange, receive)
    except RefusedError as refused:
        return _refused(exchange, refused)
    except ClientDisconnect:
        return Reply(CLIENT_CLOSED_REQUEST, ())
    except CancelledError:  # the server cancels what is in flight only when it has to stop now
        return _refusal(exchange, 503, Code.STOPPING, "The server is stopping: ask again.")
    except Exception:
        log.exception("operation failed")
        return _refusal(exchange, 500, Code.INTERNAL_ERROR, FAILED)


async def _answer(exchange: Exchange, receive: Receive) -> Reply | StreamedReply:
    service, head = exchange.service, exchange.head
    if exchange.media is NOTHING:
        raise _not_acceptable()
    who = audience(head.authorization, service.settings)
    request = Request(await read_text(head, receive), head.reads, who)
    if service.rates.rate:
        service.rates.take(address_of(exchange.scope), COST_OF_ANY)
    if exchange.streams.always is not None:
        ready = service.engine.ready(_asked(exchange, request), who)
        _charge(exchange, ready)
        return _streamed(exchange, ready)
    moment = service.store.moment(who) if service.answers.are_kept or head.reads else None
    if moment is not None and (kept := service.answers.get(request, moment)) is not None:
        exchange.answer, exchange.cached = kept, True
        return _not_modified(exchange, request, moment) or _lasting(exchange, request, moment)
    prepared = _prepared(exchange, request)
    _charge(exchange, prepared)
    if isinstance(prepared, Watched | Parted):
        return _streamed(exchange, prepared)
    if isinstance(prepared, Answer):
        exchange.answer = prepared
        return _momentary(exchange)
    return await _run(exchange, request, prepared, moment)


async def _run(exchange: Exchange, request: Request, prepared: Prepared, moment: Moment | None) -> Reply:
    service = exchange.service
    exchange.operation = prepared.operation
    lasting = moment if prepared.bound.timeless else None
    if lasting is not None and (known := _not_modified(exchange, request, lasting)) is not None:
        exchange.cached = True
        return known
    with service.in_flight:
        exchange.answer = await service.engine.run(prepared)
    if lasting is None or not exchange.answer.faultless:
        return _momentary(exchange)
    if not exchange.registers:
        service.answers.keep(request, lasting, exchange.answer)
    return _lasting(exchange, request, lasting)


def _prepared(exchange: Exchange, request: Request) -> Ready:
    """As it was kept, or made ready now; or its refusal."""
    service = exchange.service
    kept = service.answers.prepared(request)
    if kept is not None:
        return kept
    make = service.engine.prepare if exchange.streams is NO_STREAMS else service.engine.ready
    made = make(_asked(exchange, request), request.audience)
    if isinstance(made, Prepared) and not exchange.registers:
        service.answers.keep_prepared(request, made)
    return made


def _charge(exchange: Exchange, ready: Ready) -> None:
    """Where there is a rate, the client pays for what it asks."""
    rates = exchange.service.rates
    if rates.rate:
        rates.charge(address_of(exchange.scope), cost_of(ready) - COST_OF_ANY)


def _asked(exchange: Exchange, request: Request) -> Asked:
    """With its document; one that is to be remembered is looked at each time, so that it is."""
    wanted: Wanted = read_request(exchange.head, request.text)
    exchange.registers = wanted.named is not None and wanted.query is not None
    asked = exchange.service.persisted.find(wanted)
    streams = exchange.streams
    in_parts = streams.parts and streams.always != EVENT_STREAM
    return replace(asked, in_parts=True) if in_parts else asked


def _streamed(exchange: Exchange, ready: Ready) -> StreamedReply:
    client = exchange.service.client_of(exchange.scope)
    return StreamedReply(exchange.service, ready, _framing(exchange.streams, ready), client)


def _framing(streams: Streams, ready: Ready) -> Framing:
    if isinstance(ready, Watched):
        return EVENTS if streams.many == EVENT_STREAM else PAYLOADS
    if not isinstance(ready, Parted) and streams.always == EVENT_STREAM:
        return EVENTS
    return PARTS_OF_2022 if streams.of_2022 else PARTS


_HEADERS = {
    JSON: graphql_headers(JSON),
    GRAPHQL_RESPONSE: graphql_headers(GRAPHQL_RESPONSE),
    NOTHING: graphql_headers(JSON),
}


def _not_modified(exchange: Exchange, request: Request, moment: Moment) -> Reply | None:
    """304, where the client of a GET has this version of the answer already."""
    if not exchange.head.reads or not exchange.head.if_none_match:
        return None
    tag = request.tag(moment.version, exchange.media)
    if not is_known(exchange.head, tag):
        return None
    return Reply(NOT_MODIFIED, (*_HEADERS[exchange.media], *caching(request.audience, tag)))


def _lasting(exchange: Exchange, request: Request, moment: Moment) -> Reply:
    """An answer that holds as long as the content does."""
    assert exchange.answer is not None
    headers = _HEADERS[exchange.media]
    if exchange.head.reads:
        headers = (*headers, *caching(request.audience, request.tag(moment.version, exchange.media)))
    return Reply(200, headers, exchange.answer.body)


def _momentary(exchange: Exchange) -> Reply:
    """An answer that speaks of this moment alone."""
    answer, headers = exchange.answer, _HEADERS[exchange.media]
    assert answer is not None
    status = status_of(answer, exchange.media, exchange.service.settings.http.status)
    if exchange.head.reads:
        headers = (*headers, *NOT_KEPT)
    return Reply(status, headers, answer.body)


def _refused(exchange: Exchange, refused: RefusedError) -> Reply:
    # Who wants events only is told by the status, as by the newer media type.
    media = GRAPHQL_RESPONSE if exchange.streams.always is not None else exchange.media
    status = status_of_refusal(refused, media, exchange.service.settings.http.status)
    return _refusal(exchange, status, refused.code, str(refused), *raw_headers(refused.headers))


def _not_acceptable() -> RefusedError:
    message = f"`Accept` names nothing that is served here: ask for `{GRAPHQL_RESPONSE}` or `{JSON}`."
    return RefusedError(406, Code.NOT_ACCEPTABLE, message)


def _refusal(exchange: Exchange, status: int, code: Code, message: str, *more: tuple[bytes, bytes]) -> Reply:
    exchange.code = code
    headers = (*_HEADERS[exchange.media], *more, *(NOT_KEPT if exchange.head.reads else ()))
    return Reply(status, headers, error_body(code, message))


def _count(exchange: Exchange, seconds: float) -> None:
    answer, code, service = exchange.answer, exchange.code, exchange.service
    if code is not None:
        service.ended(exchange.operation, outcome_of_refusal(code), (code,))
    elif answer is not None:
        kind = QUERY if answer.ok else None
        service.ended(answer.operation, outcome_of(answer), answer.codes, kind, cached=exchange.cached)
    else:  # the client has it already
        service.ended(exchange.operation, Outcome.OK, (), QUERY, cached=True)
    service.metrics.timed(seconds)


def _note(exchange: Exchange, reply: Reply, seconds: float) -> None:
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
