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

from gqlnews.engine.incremental import IncrementalPayload, IncrementalUnavailableError, incremental_payloads
from gqlnews.engine.requests import (
    INTERNAL_ERROR_MESSAGE,
    GraphQLResponse,
    PreparedIncremental,
    PreparedQuery,
    PreparedSubscription,
    Ready,
    argument_error,
    error_response,
)
from gqlnews.errors import Code, DatabaseError, RequestError
from gqlnews.server.observability.logs import log_stream_end
from gqlnews.server.observability.metrics import QUERY, SUBSCRIPTION, OperationOutcome, outcome_of_response
from gqlnews.server.response import HTTPError, error_body
from gqlnews.server.services import AppState
from gqlnews.server.stream_framing import (
    MULTIPART_INCREMENTAL,
    MULTIPART_INCREMENTAL_2022,
    Framing,
    add_has_next_false,
    encode_2022,
    encode_v2,
)
from gqlnews.server.uvicorn.http_protocol import ABORT
from gqlnews.server.uvicorn.websocket_protocol import CLOSE_TIMEOUT
from gqlnews.subscriptions.subscriber_queue import (
    ShuttingDownError,
    SlowConsumerError,
    StoreReplacedError,
    SubscriptionFailedError,
)

# The responses of an operation as an async generator: one per event or payload, else a single one.

log = logging.getLogger("gqlnews")

INCREMENTAL_FRAMINGS = (MULTIPART_INCREMENTAL, MULTIPART_INCREMENTAL_2022)

STORE_REPLACED = "The database was replaced: start again without `since`."
SLOW_CONSUMER = "The client reads more slowly than events arrive: resume with `since`."


def stream_responses(
    service: AppState,
    prepared: Ready,
    client: str,
    on_slow: Callable[[], None],
    framing: Framing | None = None,
) -> AsyncGenerator[GraphQLResponse, None]:
    """Return the responses; the last one is not `ok` if the operation was rejected or failed.

    A subscription starts now, not at the first iteration. Its statement time is charged to `client`, and
    `on_slow` is called if the client reads too slowly. Iteration raises ShuttingDownError when the server
    stops.
    """
    if isinstance(prepared, PreparedSubscription):
        responses = _subscription(
            service, prepared, service.subscriptions.subscribe(prepared, on_slow, client), client
        )
    elif isinstance(prepared, PreparedIncremental):
        responses = _incremental(
            service, prepared, client, encode_2022 if framing is MULTIPART_INCREMENTAL_2022 else encode_v2
        )
    else:
        one = _single(service, prepared, client)
        responses = one if framing not in INCREMENTAL_FRAMINGS else _as_last_payload(one)
    return _with_metrics(service, prepared, responses)


async def _with_metrics(
    service: AppState, prepared: Ready, responses: AsyncGenerator[GraphQLResponse, None]
) -> AsyncGenerator[GraphQLResponse, None]:
    """Pass on the responses and record them in the metrics; a subscription's duration is not recorded."""
    start, outcome = perf_counter(), OperationOutcome.OK
    codes: tuple[str, ...] = ()
    is_subscription = isinstance(prepared, PreparedSubscription)
    try:
        async with aclosing(responses):
            async for response in responses:
                if response.has_data and is_subscription:
                    service.metrics.events += 1
                else:
                    outcome, codes = outcome_of_response(response), response.codes
                yield response
    finally:
        service.record_operation(prepared.operation, outcome, codes, _operation_kind(prepared))
        if not is_subscription:
            service.metrics.observe_duration(perf_counter() - start)


def _operation_kind(prepared: Ready) -> str | None:
    if isinstance(prepared, GraphQLResponse):
        return None
    return SUBSCRIPTION if isinstance(prepared, PreparedSubscription) else QUERY


async def _incremental(
    service: AppState,
    prepared: PreparedIncremental,
    client: str,
    encode: Callable[[IncrementalPayload], bytes],
) -> AsyncGenerator[GraphQLResponse, None]:
    """Run incremental delivery. A failure after the first payload ends the stream with an error payload."""
    rows = 0
    scan_or_error = service.engine.begin(prepared.query)
    if isinstance(scan_or_error, GraphQLResponse):
        yield _with_has_next_false(scan_or_error)
        return
    try:
        offload = partial(service.offload.run, client)
        async with service.response_slots.acquire(client):
            with service.concurrency_limiter:
                async with aclosing(
                    incremental_payloads(prepared.bound, service.read_parts, encode, offload)
                ) as parts:
                    async for part in parts:
                        rows += 1
                        yield GraphQLResponse(part, has_data=True, operation=prepared.operation, rows=rows)
    except IncrementalUnavailableError:
        async for response in _as_last_payload(_single(service, prepared.query, client)):
            yield response
    except HTTPError as error:
        yield _with_has_next_false(_failure(error.code, str(error), prepared.operation))
    except RequestError as error:  # an invalid argument or an exceeded limit
        yield _with_has_next_false(error_response([argument_error(error)], prepared.operation))
    except Exception:
        log.exception("operation failed")
        yield _with_has_next_false(_failure(Code.INTERNAL_ERROR, INTERNAL_ERROR_MESSAGE, prepared.operation))


async def _as_last_payload(
    responses: AsyncGenerator[GraphQLResponse, None],
) -> AsyncGenerator[GraphQLResponse, None]:
    async for response in responses:
        yield _with_has_next_false(response)


def _with_has_next_false(response: GraphQLResponse) -> GraphQLResponse:
    return replace(response, body=add_has_next_false(response.body))


async def _single(
    service: AppState, prepared: PreparedQuery | GraphQLResponse, client: str
) -> AsyncGenerator[GraphQLResponse, None]:
    try:
        if isinstance(prepared, GraphQLResponse):
            yield prepared
            return
        async with service.response_slots.acquire(client):
            with service.concurrency_limiter:
                response = await service.run(prepared, client)
            yield response
    except HTTPError as error:
        yield GraphQLResponse(error_body(error.code, str(error)), has_data=False)
    except Exception:
        log.exception("operation failed")
        yield _failure(Code.INTERNAL_ERROR, INTERNAL_ERROR_MESSAGE, prepared.operation)


async def _subscription(
    service: AppState, prepared: PreparedSubscription, bodies: AsyncGenerator[bytes, None], client: str
) -> AsyncGenerator[GraphQLResponse, None]:
    try:
        async with aclosing(bodies):
            with service.subscription_limiter.acquire(client):
                async for body in bodies:
                    response = GraphQLResponse(body, has_data=True, operation=prepared.operation, rows=1)
                    yield service.engine.with_cost_extension(response, prepared.request, prepared.bound.cost)
    except HTTPError as error:
        yield _failure(error.code, str(error), prepared.operation)
    except RequestError as error:  # an invalid argument or an exceeded limit
        yield error_response([argument_error(error)], prepared.operation)
    except StoreReplacedError:
        yield _failure(Code.VERSION_TOO_OLD, STORE_REPLACED, prepared.operation)
    except SlowConsumerError:
        yield _failure(Code.TOO_SLOW, SLOW_CONSUMER, prepared.operation)
    except ShuttingDownError:
        raise
    except Exception as error:
        if isinstance(error, DatabaseError):
            log.error("%s", error)
        elif not isinstance(error, SubscriptionFailedError):
            log.exception("a subscription failed")
        yield _failure(Code.INTERNAL_ERROR, INTERNAL_ERROR_MESSAGE, prepared.operation)


def _failure(code: Code, message: str, operation: str | None) -> GraphQLResponse:
    return GraphQLResponse(error_body(code, message), has_data=False, operation=operation, codes=(code,))


# Streaming HTTP response of one operation; ends with the operation or when the client disconnects.

PING_SECONDS = 12.0  # proxies close idle connections, most of them after 30 or 60


class StreamingResponse:
    """Streaming response; a subscription starts when it is constructed."""

    def __init__(self, service: AppState, prepared: Ready, framing: Framing, client: str) -> None:
        self._service, self._prepared, self._framing = service, prepared, framing
        self._slow = asyncio.Event()
        self._responses = stream_responses(service, prepared, client, self._slow.set, framing)
        self._sent = 0

    async def respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream. Raises HTTPError, before anything is sent, if too many streams are open."""
        start = perf_counter()
        if scope["method"] == "HEAD":  # headers only, without opening a stream
            await send({"type": "http.response.start", "status": 200, "headers": self._framing.headers})
            await send({"type": "http.response.body", "body": b""})
            return
        with self._service.stream_limiter.acquire(scope, self._framing.name):
            tasks = [
                asyncio.create_task(one)
                for one in (self._send(send), _wait_for_disconnect(receive), self._slow.wait())
            ]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                if self._slow.is_set():
                    await _abort_slow_client(scope, tasks[:2])
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
                log_stream_end(self._prepared.operation, start, self._sent, transport=self._framing.name)
        if (failure := tasks[0].exception() if not tasks[0].cancelled() else None) is not None:
            raise failure

    async def _send(self, send: Send) -> None:
        framing = self._framing
        await send({"type": "http.response.start", "status": 200, "headers": framing.headers})
        await _send_chunk(send, framing.opening)
        pinging = asyncio.create_task(_ping(send, framing.ping))
        try:
            async for response in self._responses:
                self._sent += 1
                await _send_chunk(send, framing.frame(response.body))
            end = framing.end
        except ShuttingDownError:
            end = b""  # not complete: the client should reconnect
        finally:
            pinging.cancel()
            await self._responses.aclose()
        await send({"type": "http.response.body", "body": end})


async def _abort_slow_client(scope: Scope, tasks: Sequence["asyncio.Task[Any]"]) -> None:
    """Give a slow client CLOSE_TIMEOUT seconds to read the error, then abort the connection."""
    await asyncio.wait(tasks, timeout=CLOSE_TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
    extension = scope.get("extensions", {}).get(ABORT)
    if extension is not None and not any(end.done() for end in tasks):
        extension["abort"]()
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)


async def _ping(send: Send, ping: bytes) -> None:
    while ping:
        await asyncio.sleep(PING_SECONDS)
        await _send_chunk(send, ping)


async def _send_chunk(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _wait_for_disconnect(receive: Receive) -> None:
    """Wait until the client disconnects."""
    while (await receive())["type"] != "http.disconnect":
        pass
