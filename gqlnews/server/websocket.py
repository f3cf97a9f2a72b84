"""GraphQL over WebSocket: the graphql-transport-ws protocol, for all kinds of operations.

Messages are handled sequentially, and each operation then runs in its own task. A subscription starts while
its message is handled, so it includes every change after the next pong.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from functools import partial
from time import perf_counter

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from gqlnews.database.sqlite.job_queue import act_for
from gqlnews.engine.requests import GraphQLResponse
from gqlnews.errors import Code
from gqlnews.query.fields import Audience
from gqlnews.server.access import audience, check_origin, given_credentials
from gqlnews.server.limits import MIN_COST, address_of, cost_of
from gqlnews.server.observability.logs import assign_request_id, note_stream
from gqlnews.server.observability.metrics import OperationOutcome
from gqlnews.server.response import JSON, SECURITY_HEADERS, HTTPError, error_body, error_response
from gqlnews.server.services import AppState
from gqlnews.server.streaming import LAGGING, stream_responses
from gqlnews.server.ws_messages import (
    ACK,
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
    read_message,
)
from gqlnews.subscriptions.subscriber_queue import ShuttingDownError

INIT_SECONDS = 3.0
MAX_OPERATIONS = 100  # concurrent, per socket
MAX_PAUSE_SECONDS = 5.0  # delay of a pong for a client over its rate
WEBSOCKET = "websocket"  # transport name in logs and metrics
AUTHORIZATION = "authorization"  # key in the connection_init payload: browsers cannot set headers
GONE = (WebSocketDisconnect, WebSocketDisconnected)  # raised by sending to a disconnected client


async def websocket_endpoint(websocket: WebSocket) -> None:
    """The WebSocket endpoint."""
    service: AppState = websocket.state.service
    assign_request_id(b"")
    try:
        check_origin(websocket.scope, service.settings.http.allow_origins)
        with service.sockets.taken(websocket.scope, WEBSOCKET):
            await GraphQLTransportWSHandler(websocket, service).serve()
    except HTTPError as refused:  # only before the handshake is answered
        service.metrics.tell((refused.code,))
        await _deny(websocket, refused)


async def refuse_socket(websocket: WebSocket) -> None:
    """Reject a WebSocket at any other path with 404."""
    await _deny(websocket, HTTPError(404, Code.NOT_FOUND, "Not Found"))


async def _deny(websocket: WebSocket, refused: HTTPError) -> None:
    headers = {**SECURITY_HEADERS, **refused.headers}
    answer = error_response(refused.status, refused.code, str(refused), JSON, headers)
    await websocket.send_denial_response(answer)


class GraphQLTransportWSHandler:
    """Handler of one socket; `_audience` is None until `connection_init`."""

    def __init__(self, websocket: WebSocket, service: AppState) -> None:
        self._socket, self._service = websocket, service
        self._address, self._client = address_of(websocket.scope), service.client_of(websocket.scope)
        self._audience: Audience | None = None
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._closing: asyncio.Task[None] | None = None
        self._init_timeout: asyncio.TimerHandle | None = None

    async def serve(self) -> None:
        act_for(self._client)
        if SUBPROTOCOL not in self._socket.scope["subprotocols"]:
            await self._socket.accept()
            await self._socket.close(CloseCode.NO_SUBPROTOCOL, f"Only {SUBPROTOCOL} is spoken here")
            return
        await self._socket.accept(SUBPROTOCOL)
        self._init_timeout = asyncio.get_running_loop().call_later(
            INIT_SECONDS, self._close, CloseCode.INIT_TIMEOUT, "Connection initialisation timeout"
        )
        try:
            await self._listen()
        except (*GONE, asyncio.CancelledError):  # cancelled if the server aborts all connections
            pass
        finally:
            self._init_timeout.cancel()
            await self._end()

    async def _listen(self) -> None:
        """Handle messages in order, and yield to other clients after each, as many may arrive at once."""
        while True:
            received = await self._socket.receive()
            if received["type"] == "websocket.disconnect":
                return
            if self._closing is not None:
                continue
            try:
                message = read_message(received.get("text"))
                await self._charge(message)
                await self._take(message)
            except CloseConnectionError as closed:
                self._close(closed.code, str(closed))
            await asyncio.sleep(0)

    async def _charge(self, message: Message) -> None:
        """Charge a message to the rate limit before it is handled; over the limit, delay the pong."""
        if isinstance(message, Subscribe):
            return  # charged, and possibly rejected, in `_subscribe`
        late = self._service.rates.charge(self._address, MIN_COST)
        if late and isinstance(message, Ping):
            await asyncio.sleep(min(late, MAX_PAUSE_SECONDS))

    async def _end(self) -> None:
        """Cancel all operations and wait for their tasks."""
        tasks = [*self._operations.values(), *([self._closing] if self._closing else [])]
        for task in self._operations.values():
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _close(self, code: int, reason: str) -> None:
        """Close the socket in a new task; idempotent, and callable from any task."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._send_close(code, reason))

    async def _send_close(self, code: int, reason: str) -> None:
        with suppress(*GONE, RuntimeError):  # it may be closed already
            await self._socket.close(code, reason)

    async def _take(self, message: Message) -> None:
        match message:
            case ConnectionInit():
                await self._init(message)
            case Ping():
                await self._socket.send_text(PONG)
            case Pong():
                pass
            case Subscribe():
                await self._subscribe(message)
            case Complete(id=key):
                if task := self._operations.pop(key, None):
                    task.cancel()

    async def _init(self, message: ConnectionInit) -> None:
        if self._audience is not None:
            raise CloseConnectionError(CloseCode.INIT_TWICE, "Too many initialisation requests")
        given = message.payload.get(AUTHORIZATION)
        credentials = given_credentials(self._socket.scope) if given is None else [str(given)]
        try:
            self._audience = audience(credentials, self._service.settings)
        except HTTPError as refused:
            raise CloseConnectionError(CloseCode.FORBIDDEN, "Forbidden") from refused
        if self._init_timeout is not None:
            self._init_timeout.cancel()
        await self._socket.send_text(ACK)

    async def _subscribe(self, message: Subscribe) -> None:
        if self._audience is None:
            raise CloseConnectionError(CloseCode.NO_INIT, "Unauthorized")
        if message.id in self._operations:
            raise CloseConnectionError(CloseCode.SAME_ID, f"Subscriber for {message.id[:40]} already exists")
        key = orjson.dumps(message.id)
        try:
            self._service.rates.take(self._address, MIN_COST)
        except HTTPError as refused:
            await self._refuse(key, refused)
            return
        if len(self._operations) >= MAX_OPERATIONS:
            text = f"The socket has {MAX_OPERATIONS} operations, as many as it takes: complete some."
            await self._refuse(key, HTTPError(429, Code.TOO_MANY_OPERATIONS, text))
            return
        try:
            ready = await self._service.prepare(message.wanted, self._audience, self._client)
        except HTTPError as refused:
            await self._refuse(key, refused)
            return
        self._service.rates.charge(self._address, cost_of(ready, self._service.engine) - MIN_COST)
        answers = stream_responses(self._service, ready, self._client, self._drop)
        traces = self._service.traces
        run = partial(self._run, message.id, key, ready.operation, answers)
        running = run() if traces is None else traces.operation(self._socket.scope, run)
        self._operations[message.id] = asyncio.create_task(running)

    async def _refuse(self, key: bytes, refused: HTTPError) -> None:
        self._service.ended(None, OperationOutcome.REFUSED, (refused.code,))
        await self._socket.send_text(error_message(key, error_body(refused.code, str(refused))))

    async def _run(
        self, name: str, key: bytes, operation: str | None, bodies: AsyncGenerator[GraphQLResponse, None]
    ) -> None:
        start, count = perf_counter(), 0
        me = asyncio.current_task()
        try:
            async with aclosing(bodies):
                async for answer in bodies:
                    if not answer.ok:
                        self._forget(name, me)
                        await self._socket.send_text(error_message(key, answer.body))
                        return
                    count += 1
                    await self._socket.send_text(next_message(key, answer.body))
            self._forget(name, me)
            await self._socket.send_text(complete_message(key))
        except ShuttingDownError:
            pass  # the server is stopping and closes the socket next
        except GONE:
            pass
        finally:
            self._forget(name, me)
            note_stream(operation, start, count, over=WEBSOCKET)

    def _forget(self, name: str, task: "asyncio.Task[None] | None") -> None:
        """Free the id, unless the client has completed the operation and reused the id already."""
        if self._operations.get(name) is task:
            del self._operations[name]

    def _drop(self) -> None:
        self._close(CloseCode.LAGGING, LAGGING)
