"""GraphQL over WebSocket: the graphql-transport-ws protocol, for queries and subscriptions.

Messages are handled sequentially, and each operation then runs in its own task. A subscription starts when
its message is handled, so a client that receives the pong to a later ping gets every change from then on.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from contextvars import copy_context
from functools import partial
from time import perf_counter

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from gqlnews.database.job_queue import client_var
from gqlnews.engine.requests import GraphQLResponse
from gqlnews.errors import Code
from gqlnews.query.entities import Audience
from gqlnews.server.app_state import AppState, get_app_state
from gqlnews.server.cors import check_websocket_origin
from gqlnews.server.limits import MIN_COST, client_address, operation_cost
from gqlnews.server.negotiation import authenticate
from gqlnews.server.observability.logs import assign_request_id, log_rejection, log_stream_end
from gqlnews.server.observability.metrics import OperationOutcome
from gqlnews.server.response import SECURITY_HEADERS, WEBSOCKET, HTTPError, error_body, reject
from gqlnews.server.streaming import SLOW_CONSUMER, stream_responses
from gqlnews.server.ws_messages import (
    ACK,
    ERROR_CODES,
    PONG,
    SUBPROTOCOL,
    CloseCode,
    CloseConnectionError,
    Complete,
    ConnectionInit,
    Message,
    Ping,
    Pong,
    Subscribe,
    complete_message,
    error_message,
    next_message,
    parse_message,
)
from gqlnews.subscriptions.subscriber_queue import SchemaChangedError, ShuttingDownError

INIT_SECONDS = 3.0  # from the handshake to `connection_init`
MAX_OPERATIONS = 100  # concurrent, per socket
MAX_PAUSE_SECONDS = 5.0  # maximum delay of a pong for a client above its rate limit
AUTHORIZATION = "authorization"  # key in the payload of `connection_init`, as browsers cannot set headers
DISCONNECTED = (WebSocketDisconnect, WebSocketDisconnected)  # raised by sending to a disconnected client


async def websocket_endpoint(websocket: WebSocket) -> None:
    """The WebSocket endpoint."""
    app_state = get_app_state(websocket.scope)
    assign_request_id(b"")
    try:
        check_websocket_origin(websocket.scope, app_state.settings.http.allow_origins)
        with app_state.stream_limiter.acquire(websocket.scope, WEBSOCKET):
            await GraphQLTransportWSHandler(websocket, app_state).serve()
    except HTTPError as error:  # raised only before the response to the handshake
        app_state.metrics.count_errors((error.code,))
        await _deny(websocket, error)


async def reject_websocket(websocket: WebSocket) -> None:
    """Reject a WebSocket at any other path with 404."""
    await _deny(websocket, HTTPError(404, Code.NOT_FOUND, "Not Found"))


async def _deny(websocket: WebSocket, error: HTTPError) -> None:
    response = reject(websocket.headers, error, over=WEBSOCKET)
    response.headers.update(SECURITY_HEADERS)
    await websocket.send_denial_response(response)


class GraphQLTransportWSHandler:
    """Handler of one WebSocket; `_audience` is None until `connection_init`."""

    def __init__(self, websocket: WebSocket, app_state: AppState) -> None:
        self._socket, self._app_state = websocket, app_state
        self._context = copy_context()  # with the request id
        self._address, self._client = client_address(websocket.scope), app_state.client_key(websocket.scope)
        self._audience: Audience | None = None
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._closing: asyncio.Task[None] | None = None
        self._init_timeout: asyncio.TimerHandle | None = None

    async def serve(self) -> None:
        """Accept the handshake and handle messages until the socket is closed."""
        client_var.set(self._client)
        if SUBPROTOCOL not in self._socket.scope["subprotocols"]:
            await self._socket.accept()
            self._close(CloseCode.NO_SUBPROTOCOL, f"Only {SUBPROTOCOL} is supported")
            await self._cancel_operations()
            return
        await self._socket.accept(SUBPROTOCOL)
        self._init_timeout = asyncio.get_running_loop().call_later(
            INIT_SECONDS, self._close, CloseCode.INIT_TIMEOUT, "Connection initialisation timeout"
        )
        try:
            await self._receive_messages()
        except (*DISCONNECTED, asyncio.CancelledError):  # cancelled if the server aborts all connections
            pass
        finally:
            self._init_timeout.cancel()
            await self._cancel_operations()

    async def _receive_messages(self) -> None:
        """Handle messages in order; yield to other clients after each message, as many may be buffered."""
        while True:
            received = await self._socket.receive()
            if received["type"] == "websocket.disconnect":
                return
            if self._closing is not None:
                continue
            try:
                message = parse_message(received.get("text"))
                await self._charge(message)
                await self._handle_message(message)
            except CloseConnectionError as closed:
                self._close(closed.code, str(closed))
            await asyncio.sleep(0)

    async def _charge(self, message: Message) -> None:
        """Charge a message to the rate limit before it is handled; above the limit, delay the pong."""
        if isinstance(message, Subscribe):
            return  # charged, and possibly rejected, in `_handle_subscribe`
        debt_seconds = self._app_state.rate_limiter.charge(self._address, MIN_COST)
        if debt_seconds and isinstance(message, Ping):
            await asyncio.sleep(min(debt_seconds, MAX_PAUSE_SECONDS))

    async def _cancel_operations(self) -> None:
        """Cancel all operations and wait for their tasks."""
        tasks = [*self._operations.values(), *([self._closing] if self._closing else [])]
        for task in self._operations.values():
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _close(self, code: int, reason: str) -> None:
        """Close the socket in a new task; idempotent, and callable from any task."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._send_close(code, reason), context=self._context)

    async def _send_close(self, code: int, reason: str) -> None:
        log_rejection(WEBSOCKET, code, ERROR_CODES.get(code, Code.BAD_REQUEST), reason)
        with suppress(*DISCONNECTED, RuntimeError):  # it may be closed already
            await self._socket.close(code, reason)

    async def _handle_message(self, message: Message) -> None:
        match message:
            case ConnectionInit():
                await self._handle_connection_init(message)
            case Ping():
                await self._socket.send_text(PONG)
            case Pong():
                pass
            case Subscribe():
                await self._handle_subscribe(message)
            case Complete(id=operation_id):
                if task := self._operations.pop(operation_id, None):
                    task.cancel()

    async def _handle_connection_init(self, message: ConnectionInit) -> None:
        if self._audience is not None:
            raise CloseConnectionError(CloseCode.REPEATED_INIT, "Too many initialisation requests")
        token = (message.payload or {}).get(AUTHORIZATION)
        try:
            if not isinstance(token, str | None):
                raise HTTPError(401, Code.UNAUTHENTICATED, "`authorization` must be a string.")
            credentials = self._socket.headers.getlist("authorization") if token is None else [token]
            self._audience = authenticate(credentials, self._app_state.settings)
        except HTTPError as error:
            raise CloseConnectionError(CloseCode.FORBIDDEN, "Forbidden") from error
        if self._init_timeout is not None:
            self._init_timeout.cancel()
        await self._socket.send_text(ACK)

    async def _handle_subscribe(self, message: Subscribe) -> None:
        request = message.request()
        if self._audience is None:
            raise CloseConnectionError(CloseCode.NO_INIT, "Unauthorized")
        if message.id in self._operations:
            raise CloseConnectionError(
                CloseCode.DUPLICATE_ID, f"Subscriber for {message.id[:40]} already exists"
            )
        json_id, start = orjson.dumps(message.id), perf_counter()
        try:
            self._app_state.rate_limiter.acquire(self._address, MIN_COST)
            if len(self._operations) >= MAX_OPERATIONS:
                text = f"The socket has {MAX_OPERATIONS} operations, which is the maximum: complete some."
                raise HTTPError(429, Code.TOO_MANY_OPERATIONS, text)
            prepared = await self._app_state.preparer.prepare(request, self._audience, self._client)
        except HTTPError as error:
            self._app_state.record_operation(None, OperationOutcome.REFUSED, (error.code,))
            log_stream_end(None, start, 0, WEBSOCKET, error.code)
            await self._socket.send_text(error_message(json_id, error_body(error.code, str(error))))
            return
        self._app_state.rate_limiter.charge(
            self._address, operation_cost(prepared, self._app_state.engine) - MIN_COST
        )
        on_slow = partial(self._close, CloseCode.SLOW_CONSUMER, SLOW_CONSUMER)
        responses = stream_responses(self._app_state, prepared, self._client, on_slow)
        tracer = self._app_state.tracer
        run = partial(self._run_operation, message.id, json_id, prepared.operation, responses)
        running = run() if tracer is None else tracer.run_operation(self._socket.scope, run)
        self._operations[message.id] = asyncio.create_task(running)

    async def _run_operation(
        self,
        message_id: str,
        json_id: bytes,
        operation_name: str | None,
        responses: AsyncGenerator[GraphQLResponse, None],
    ) -> None:
        start, count, code = perf_counter(), 0, None
        task = asyncio.current_task()
        try:
            async with aclosing(responses):
                async for response in responses:
                    code = response.rejection_code
                    if not response.has_data:
                        self._deregister(message_id, task)
                        await self._socket.send_text(error_message(json_id, response.body))
                        return
                    count += 1
                    await self._socket.send_text(next_message(json_id, response.body))
            self._deregister(message_id, task)
            await self._socket.send_text(complete_message(json_id))
        except SchemaChangedError as error:
            self._close(CloseCode.RESTARTING, str(error))
        except ShuttingDownError:
            pass  # the server is stopping and closes the socket next
        except DISCONNECTED:
            pass
        finally:
            self._deregister(message_id, task)
            log_stream_end(operation_name, start, count, WEBSOCKET, code)

    def _deregister(self, message_id: str, task: "asyncio.Task[None] | None") -> None:
        """Free the id, unless the client has already completed this operation and reused its id."""
        if self._operations.get(message_id) is task:
            del self._operations[message_id]
