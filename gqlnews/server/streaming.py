"""Streamed responses: the results of an operation, and the HTTP response that delivers them."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any

from starlette.types import Receive, Scope, Send

from gqlnews.engine.incremental import IncrementalPayload, IncrementalUnavailableError, deliveries
from gqlnews.engine.requests import (
    FAILED,
    GraphQLResponse,
    PreparedIncremental,
    PreparedQuery,
    PreparedSubscription,
    Ready,
    argument_error,
    refused,
)
from gqlnews.errors import Code, DatabaseError, RequestError
from gqlnews.server.observability.logs import note_stream
from gqlnews.server.observability.metrics import QUERY, SUBSCRIPTION, OperationOutcome, outcome_of
from gqlnews.server.response import HTTPError, error_body
from gqlnews.server.services import AppState
from gqlnews.server.stream_framing import PARTS, PARTS_OF_2022, Framing, last, newer, of_2022
from gqlnews.server.uvicorn.http_protocol import ABORT
from gqlnews.server.uvicorn.websocket_protocol import CLOSE_SECONDS
from gqlnews.subscriptions.subscriber_queue import (
    ShuttingDownError,
    SlowConsumerError,
    StoreReplacedError,
    SubscriptionFailedError,
)

# The responses of an operation as an async generator: one per event or payload, else a single one.


log = logging.getLogger("gqlnews")

ONE_IN_PARTS = (PARTS, PARTS_OF_2022)

STORE_REPLACED = "The database was replaced: start again without `since`."
LAGGING = "You read more slowly than things change: come again, with `since`."


def stream_responses(
    service: AppState,
    ready: Ready,
    client: str,
    drop: Callable[[], None],
    framing: Framing | None = None,
) -> AsyncGenerator[GraphQLResponse, None]:
    """Return the responses; the last one is not `ok` if the operation was rejected or failed.

    A subscription starts now, not at the first iteration. Its statement time is charged to `client`, and
    `drop` is called if the client reads too slowly. Iteration raises ShuttingDownError when the server stops.
    """
    if isinstance(ready, PreparedSubscription):
        answers = _many(service, ready, service.feed.watch(ready, drop, client), client)
    elif isinstance(ready, PreparedIncremental):
        answers = _parts(service, ready, client, of_2022 if framing is PARTS_OF_2022 else newer)
    else:
        one = _one(service, ready, client)
        answers = one if framing not in ONE_IN_PARTS else _as_part(one)
    return _counted(service, ready, answers)


async def _counted(
    service: AppState, ready: Ready, answers: AsyncGenerator[GraphQLResponse, None]
) -> AsyncGenerator[GraphQLResponse, None]:
    """Pass on the responses and record them in the metrics; a subscription's duration is not recorded."""
    start, outcome = perf_counter(), OperationOutcome.OK
    codes: tuple[str, ...] = ()
    watched = isinstance(ready, PreparedSubscription)
    try:
        async with aclosing(answers):
            async for answer in answers:
                if answer.ok and watched:
                    service.metrics.events += 1
                else:
                    outcome, codes = outcome_of(answer), answer.codes
                yield answer
    finally:
        service.ended(ready.operation, outcome, codes, _kind(ready))
        if not watched:
            service.metrics.timed(perf_counter() - start)


def _kind(ready: Ready) -> str | None:
    if isinstance(ready, GraphQLResponse):
        return None
    return SUBSCRIPTION if isinstance(ready, PreparedSubscription) else QUERY


async def _parts(
    service: AppState, parted: PreparedIncremental, client: str, encode: Callable[[IncrementalPayload], bytes]
) -> AsyncGenerator[GraphQLResponse, None]:
    """Run incremental delivery. A failure after the first payload ends the stream with an error payload."""
    rows = 0
    begun = service.engine.begin(parted.whole)
    if isinstance(begun, GraphQLResponse):
        yield _last(begun)
        return
    try:
        offload = partial(service.offload.run, client)
        async with service.slots.taken(client):
            with service.in_flight:
                async with aclosing(deliveries(parted.bound, service.read_parts, encode, offload)) as parts:
                    async for part in parts:
                        rows += 1
                        yield GraphQLResponse(part, ok=True, operation=parted.operation, rows=rows)
    except IncrementalUnavailableError:
        async for answer in _as_part(_one(service, parted.whole, client)):
            yield answer
    except HTTPError as error:
        yield _last(_failure(error.code, str(error), parted.operation))
    except RequestError as error:  # an invalid argument or an exceeded limit
        yield _last(refused([argument_error(error)], parted.operation))
    except Exception:
        log.exception("operation failed")
        yield _last(_failure(Code.INTERNAL_ERROR, FAILED, parted.operation))


async def _as_part(answers: AsyncGenerator[GraphQLResponse, None]) -> AsyncGenerator[GraphQLResponse, None]:
    async for answer in answers:
        yield _last(answer)


def _last(answer: GraphQLResponse) -> GraphQLResponse:
    return replace(answer, body=last(answer.body))


async def _one(
    service: AppState, ready: PreparedQuery | GraphQLResponse, client: str
) -> AsyncGenerator[GraphQLResponse, None]:
    try:
        if isinstance(ready, GraphQLResponse):
            yield ready
            return
        async with service.slots.taken(client):
            with service.in_flight:
                answer = await service.run(ready, client)
            yield answer
    except HTTPError as error:
        yield GraphQLResponse(error_body(error.code, str(error)), ok=False)
    except Exception:
        log.exception("operation failed")
        yield _failure(Code.INTERNAL_ERROR, FAILED, ready.operation)


async def _many(
    service: AppState, watched: PreparedSubscription, bodies: AsyncGenerator[bytes, None], client: str
) -> AsyncGenerator[GraphQLResponse, None]:
    try:
        async with aclosing(bodies):
            with service.subscriptions.taken(client):
                async for body in bodies:
                    response = GraphQLResponse(body, ok=True, operation=watched.operation, rows=1)
                    yield service.engine.with_cost_extension(response, watched.asked, watched.bound.cost)
    except HTTPError as error:
        yield _failure(error.code, str(error), watched.operation)
    except RequestError as error:  # an invalid argument or an exceeded limit
        yield refused([argument_error(error)], watched.operation)
    except StoreReplacedError:
        yield _failure(Code.VERSION_TOO_OLD, STORE_REPLACED, watched.operation)
    except SlowConsumerError:
        yield _failure(Code.TOO_SLOW, LAGGING, watched.operation)
    except ShuttingDownError:
        raise
    except Exception as error:
        if isinstance(error, DatabaseError):
            log.error("%s", error)
        elif not isinstance(error, SubscriptionFailedError):
            log.exception("a subscription failed")
        yield _failure(Code.INTERNAL_ERROR, FAILED, watched.operation)


def _failure(code: Code, message: str, operation: str | None) -> GraphQLResponse:
    return GraphQLResponse(error_body(code, message), ok=False, operation=operation, codes=(code,))


# Streaming HTTP response of one operation; ends with the operation or when the client disconnects.


PING_SECONDS = 12.0  # proxies close idle connections, most of them after 30 or 60


class StreamingResponse:
    """Streaming response; a subscription starts when it is constructed."""

    def __init__(self, service: AppState, ready: Ready, framing: Framing, client: str) -> None:
        self._service, self._ready, self._framing = service, ready, framing
        self._dropped = asyncio.Event()
        self._answers = stream_responses(service, ready, client, self._dropped.set, framing)
        self._sent = 0

    async def respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream. Raises HTTPError, before anything is sent, if too many streams are open."""
        start = perf_counter()
        if scope["method"] == "HEAD":  # headers only, without opening a stream
            await send({"type": "http.response.start", "status": 200, "headers": self._framing.headers})
            await send({"type": "http.response.body", "body": b""})
            return
        with self._service.sockets.taken(scope, self._framing.name):
            ends = [
                asyncio.create_task(one) for one in (self._send(send), _left(receive), self._dropped.wait())
            ]
            try:
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                if self._dropped.is_set():
                    await _cut(scope, ends[:2])
            finally:
                for task in ends:
                    task.cancel()
                await asyncio.wait(ends)
                note_stream(self._ready.operation, start, self._sent, over=self._framing.name)
        if (failure := ends[0].exception() if not ends[0].cancelled() else None) is not None:
            raise failure

    async def _send(self, send: Send) -> None:
        framing = self._framing
        await send({"type": "http.response.start", "status": 200, "headers": framing.headers})
        await _send_some(send, framing.opening)
        pinging = asyncio.create_task(_ping(send, framing.ping))
        try:
            async for answer in self._answers:
                self._sent += 1
                await _send_some(send, framing.framed(answer.body))
            end = framing.end
        except ShuttingDownError:
            end = b""  # not complete: the client should reconnect
        finally:
            pinging.cancel()
            await self._answers.aclose()
        await send({"type": "http.response.body", "body": end})


async def _cut(scope: Scope, ends: Sequence["asyncio.Task[Any]"]) -> None:
    """Give a slow client CLOSE_SECONDS to read the error, then abort the connection."""
    await asyncio.wait(ends, timeout=CLOSE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    cutting = scope.get("extensions", {}).get(ABORT)
    if cutting is not None and not any(end.done() for end in ends):
        cutting["abort"]()
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)


async def _ping(send: Send, ping: bytes) -> None:
    while ping:
        await asyncio.sleep(PING_SECONDS)
        await _send_some(send, ping)


async def _send_some(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _left(receive: Receive) -> None:
    """Wait until the client disconnects."""
    while (await receive())["type"] != "http.disconnect":
        pass
