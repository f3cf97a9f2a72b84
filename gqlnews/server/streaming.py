"""Streamed responses: the responses of an operation as a generator, and the HTTP response that sends them."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from gqlnews.engine.incremental import IncrementalPayload, IncrementalUnavailableError, incremental_payloads
from gqlnews.engine.requests import (
    INTERNAL_ERROR_MESSAGE,
    GraphQLResponse,
    PreparedIncremental,
    PreparedQuery,
    PreparedRequest,
    PreparedSubscription,
    argument_error,
    error_response,
)
from gqlnews.errors import RETRYABLE, Code, DatabaseError, RequestError
from gqlnews.server.app_state import AppState
from gqlnews.server.disconnects import wait_for_disconnect
from gqlnews.server.negotiation import StreamingPreference
from gqlnews.server.observability.logs import log, log_stream_end
from gqlnews.server.observability.metrics import QUERY, SUBSCRIPTION, OperationOutcome, outcome_of_response
from gqlnews.server.response import EVENT_STREAM, RETRY_AFTER, HTTPError, error_body
from gqlnews.server.stream_framing import (
    MULTIPART_INCREMENTAL,
    MULTIPART_INCREMENTAL_2022,
    MULTIPART_SUBSCRIPTION,
    SSE,
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

# The responses of an operation as an async generator: one for each event or payload, or else a single one.

INCREMENTAL_FRAMINGS = (MULTIPART_INCREMENTAL, MULTIPART_INCREMENTAL_2022)

STORE_REPLACED = "The database was replaced: subscribe again without `since`."
SLOW_CONSUMER = "The client reads more slowly than events arrive: subscribe again with `since` to resume."


def stream_responses(
    app_state: AppState,
    prepared: PreparedRequest,
    client: str,
    on_slow: Callable[[], None],
    framing: Framing | None = None,
) -> AsyncGenerator[GraphQLResponse, None]:
    """Return the responses; the last one has no data if the operation was rejected or failed.

    A subscription reports all changes after this call, not only those after the first iteration. Its
    statement time is charged to `client`, and `on_slow` is called if the client reads too slowly. Iteration
    raises ShuttingDownError when the server stops.
    """
    if isinstance(prepared, PreparedSubscription):
        responses = _subscription(
            app_state, prepared, app_state.subscription_hubs.subscribe(prepared, on_slow, client), client
        )
    elif isinstance(prepared, PreparedIncremental):
        responses = _incremental(
            app_state, prepared, client, encode_2022 if framing is MULTIPART_INCREMENTAL_2022 else encode_v2
        )
    else:
        single = _single(app_state, prepared, client)
        responses = single if framing not in INCREMENTAL_FRAMINGS else _as_last_payload(single)
    return _with_metrics(app_state, prepared, responses)


async def _with_metrics(
    app_state: AppState, prepared: PreparedRequest, responses: AsyncGenerator[GraphQLResponse, None]
) -> AsyncGenerator[GraphQLResponse, None]:
    """Pass on the responses and record them in the metrics; a subscription's duration is not recorded."""
    start, outcome = perf_counter(), OperationOutcome.OK
    codes: tuple[str, ...] = ()
    is_subscription = isinstance(prepared, PreparedSubscription)
    try:
        async with aclosing(responses):
            async for response in responses:
                if response.has_data and is_subscription:
                    app_state.metrics.events += 1
                else:
                    outcome, codes = outcome_of_response(response), response.codes
                yield response
    finally:
        app_state.record_operation(prepared.operation, outcome, codes, _operation_kind(prepared))
        if not is_subscription:
            app_state.metrics.observe_duration(perf_counter() - start)


def _operation_kind(prepared: PreparedRequest) -> str | None:
    if isinstance(prepared, GraphQLResponse):
        return None
    return SUBSCRIPTION if isinstance(prepared, PreparedSubscription) else QUERY


async def _incremental(
    app_state: AppState,
    prepared: PreparedIncremental,
    client: str,
    encode: Callable[[IncrementalPayload], bytes],
) -> AsyncGenerator[GraphQLResponse, None]:
    """Yield the payloads of incremental delivery; after a failure, the last one is an error response."""
    rows = 0
    scan_or_error = app_state.engine.begin(prepared.query)
    if isinstance(scan_or_error, GraphQLResponse):
        yield _with_has_next_false(scan_or_error)
        return
    try:
        offload = partial(app_state.offload.run, client)
        async with app_state.response_slots.acquire(client):
            with app_state.concurrency_limiter:
                async with aclosing(
                    incremental_payloads(prepared.bound, app_state.engine.store, encode, offload)
                ) as payloads:
                    async for payload in payloads:
                        rows += 1
                        yield GraphQLResponse(payload, has_data=True, operation=prepared.operation, rows=rows)
    except IncrementalUnavailableError:
        async for response in _as_last_payload(_single(app_state, prepared.query, client)):
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
    app_state: AppState, prepared: PreparedQuery | GraphQLResponse, client: str
) -> AsyncGenerator[GraphQLResponse, None]:
    try:
        if isinstance(prepared, GraphQLResponse):
            yield prepared
            return
        async with app_state.response_slots.acquire(client):
            with app_state.concurrency_limiter:
                response = await app_state.preparer.run(prepared, client)
            yield response
    except HTTPError as error:
        yield _failure(error.code, str(error), prepared.operation)
    except Exception:
        log.exception("operation failed")
        yield _failure(Code.INTERNAL_ERROR, INTERNAL_ERROR_MESSAGE, prepared.operation)


async def _subscription(
    app_state: AppState, prepared: PreparedSubscription, bodies: AsyncGenerator[bytes, None], client: str
) -> AsyncGenerator[GraphQLResponse, None]:
    try:
        async with aclosing(bodies):
            with app_state.subscription_limiter.acquire(client):
                async for body in bodies:
                    response = GraphQLResponse(body, has_data=True, operation=prepared.operation, rows=1)
                    yield app_state.engine.with_cost_extension(
                        response, prepared.request, prepared.bound.cost
                    )
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


def _failure(code: Code, message: str, operation_name: str | None) -> GraphQLResponse:
    body = error_body(code, message)
    return GraphQLResponse(body, has_data=False, operation=operation_name, codes=(code,))


# Streaming HTTP response of one operation. It ends with the operation, or when the client disconnects.

PING_SECONDS = 12.0  # proxies close idle connections, most of them after 30 or 60 seconds


def choose_framing(streaming: StreamingPreference, prepared: PreparedRequest) -> Framing:
    """Return the framing that the client prefers for this response."""
    if isinstance(prepared, PreparedSubscription):
        return SSE if streaming.subscriptions == EVENT_STREAM else MULTIPART_SUBSCRIPTION
    if not isinstance(prepared, PreparedIncremental) and streaming.preferred == EVENT_STREAM:
        return SSE
    return MULTIPART_INCREMENTAL_2022 if streaming.incremental_2022 else MULTIPART_INCREMENTAL


class StreamingResponse:
    """Streaming response. A subscription reports all changes after the construction of its response."""

    def __init__(self, app_state: AppState, prepared: PreparedRequest, framing: Framing, client: str) -> None:
        self._app_state, self._prepared, self._framing = app_state, prepared, framing
        self._slow = asyncio.Event()
        self._responses = stream_responses(app_state, prepared, client, self._slow.set, framing)
        self._sent = 0
        self._code: str | None = None
        self.has_started = False  # whether the headers were sent
        self.is_recorded = False  # whether the metrics contain the operation, or will when it ends

    async def respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream. Raises HTTPError, before anything is sent, if the server cannot run the operation.

        The reason is the limit of streams, or overload, which ends the operation (`is_recorded`).
        """
        start = perf_counter()
        if scope["method"] == "HEAD":  # headers only, without opening a stream
            await send({"type": "http.response.start", "status": 200, "headers": self._framing.headers})
            await send({"type": "http.response.body", "body": b""})
            return
        with self._app_state.stream_limiter.acquire(scope, self._framing.name):
            tasks = [
                asyncio.create_task(coroutine)
                for coroutine in (self._send(send), wait_for_disconnect(receive), self._slow.wait())
            ]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                if self._slow.is_set():
                    await _abort_slow_client(scope, tasks[:2])
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
                failure = None if tasks[0].cancelled() else tasks[0].exception()
                if not isinstance(failure, HTTPError):
                    log_stream_end(
                        self._prepared.operation, start, self._sent, self._framing.name, self._code
                    )
        if failure is not None:
            raise failure

    async def _send(self, send: Send) -> None:
        framing = self._framing
        async with aclosing(self._responses):
            first = await self._first_response()
            self.has_started = True
            await send({"type": "http.response.start", "status": 200, "headers": framing.headers})
            await _send_chunk(send, framing.opening)
            pinging = asyncio.create_task(_ping(send, framing.ping))
            try:
                if first is not None:
                    await self._send_response(send, first)
                async for response in self._responses:
                    await self._send_response(send, response)
                end = framing.end
            except ShuttingDownError:
                end = b""  # the stream is not complete: the client should reconnect
            finally:
                pinging.cancel()
        await send({"type": "http.response.body", "body": end})

    async def _first_response(self) -> GraphQLResponse | None:
        """Wait for the first response, except of a subscription. Raises HTTPError (503)."""
        self.is_recorded = True
        if isinstance(self._prepared, PreparedSubscription):
            return None
        response = await anext(self._responses)
        if not RETRYABLE.isdisjoint(response.codes):
            error = orjson.loads(response.body)["errors"][0]
            code = Code(error["extensions"]["code"])
            raise HTTPError(503, code, error["message"], **{RETRY_AFTER: "1"})
        return response

    async def _send_response(self, send: Send, response: GraphQLResponse) -> None:
        self._sent += 1
        self._code = response.rejection_code
        await _send_chunk(send, self._framing.frame(response.body))


async def _abort_slow_client(scope: Scope, tasks: Sequence["asyncio.Task[Any]"]) -> None:
    """Wait CLOSE_TIMEOUT seconds for a slow client to read the error, then abort the connection."""
    await asyncio.wait(tasks, timeout=CLOSE_TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
    extension = scope.get("extensions", {}).get(ABORT)
    if extension is not None and not any(task.done() for task in tasks):
        extension["abort"]()
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)


async def _ping(send: Send, ping: bytes) -> None:
    while ping:
        await asyncio.sleep(PING_SECONDS)
        await _send_chunk(send, ping)


async def _send_chunk(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})
