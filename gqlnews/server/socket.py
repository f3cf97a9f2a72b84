"""GraphQL over WebSocket: graphql-transport-ws, with every kind of operation.

Messages are taken one by one, in order. Each operation then runs beside the others, in a task of its own; a
subscription begins at the moment its message is taken, so that what happens after the next pong is in it.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from functools import partial
from time import perf_counter

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from gqlnews.errors import Code
from gqlnews.plan.audience import Audience
from gqlnews.schema.engine import Answer
from gqlnews.schema.listener import EndedError
from gqlnews.server.auth import audience, given_credentials
from gqlnews.server.headers import SECURITY_HEADERS
from gqlnews.server.identity import identify
from gqlnews.server.logs import note_stream
from gqlnews.server.messages import (
    ACK,
    PONG,
    SUBPROTOCOL,
    Close,
    ClosedError,
    Complete,
    Init,
    Message,
    Ping,
    Pong,
    Subscribe,
    complete_message,
    error_message,
    next_message,
    read_message,
)
from gqlnews.server.metrics import Outcome
from gqlnews.server.origins import check_origin
from gqlnews.server.rates import COST_OF_ANY, address_of, cost_of
from gqlnews.server.service import Service
from gqlnews.server.streams import LAGGING, answers_of
from gqlnews.server.wire import JSON, RefusedError, error_body, error_response
from gqlnews.store.callers import act_for

INIT_SECONDS = 3.0
MOST_OPERATIONS = 100  # of one socket
MAX_PAUSE_SECONDS = 5.0  # before a ping is answered that is over the rate
WEBSOCKET = "websocket"  # as the log and the metrics name it
AUTHORIZATION = "authorization"  # in the payload of connection_init: a browser sets no headers
GONE = (WebSocketDisconnect, WebSocketDisconnected)  # what sending to a client that has left raises


async def serve_socket(websocket: WebSocket) -> None:
    """The endpoint for WebSockets."""
    service: Service = websocket.state.service
    identify(b"")
    try:
        check_origin(websocket.scope, service.settings.http.allow_origins)
        with service.sockets.taken(websocket.scope, WEBSOCKET):
            await _Connection(websocket, service).serve()
    except RefusedError as refused:  # before the handshake was answered
        service.metrics.tell((refused.code,))
        await _deny(websocket, refused)


async def refuse_socket(websocket: WebSocket) -> None:
    """At every other path."""
    await _deny(websocket, RefusedError(404, Code.NOT_FOUND, "Not Found"))


async def _deny(websocket: WebSocket, refused: RefusedError) -> None:
    headers = {**SECURITY_HEADERS, **refused.headers}
    answer = error_response(refused.status, refused.code, str(refused), JSON, headers)
    await websocket.send_denial_response(answer)


class _Connection:
    """One socket: `_audience` is None until the client has said who it is."""

    def __init__(self, websocket: WebSocket, service: Service) -> None:
        self._socket, self._service = websocket, service
        self._address, self._client = address_of(websocket.scope), service.client_of(websocket.scope)
        self._audience: Audience | None = None
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._closing: asyncio.Task[None] | None = None
        self._patience: asyncio.TimerHandle | None = None

    async def serve(self) -> None:
        act_for(self._client)
        if SUBPROTOCOL not in self._socket.scope["subprotocols"]:
            await self._socket.accept()
            await self._socket.close(Close.NO_SUBPROTOCOL, f"Only {SUBPROTOCOL} is spoken here")
            return
        await self._socket.accept(SUBPROTOCOL)
        self._patience = asyncio.get_running_loop().call_later(
            INIT_SECONDS, self._close, Close.INIT_TIMEOUT, "Connection initialisation timeout"
        )
        try:
            await self._listen()
        except (*GONE, asyncio.CancelledError):  # cancelled where the server has to stop now
            pass
        finally:
            self._patience.cancel()
            await self._end()

    async def _listen(self) -> None:
        """Handle the messages in order. Many may have come at once: other clients are served between two."""
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
            except ClosedError as closed:
                self._close(closed.code, str(closed))
            await asyncio.sleep(0)

    async def _charge(self, message: Message) -> None:
        """Charge any message to the rate, before it is handled. Past the rate, pings are answered slowly."""
        if isinstance(message, Subscribe):
            return  # it is charged and may be refused where it is handled
        late = self._service.rates.charge(self._address, COST_OF_ANY)
        if late and isinstance(message, Ping):
            await asyncio.sleep(min(late, MAX_PAUSE_SECONDS))

    async def _end(self) -> None:
        """Nothing of the socket outlives it."""
        tasks = [*self._operations.values(), *([self._closing] if self._closing else [])]
        for task in self._operations.values():
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _close(self, code: int, reason: str) -> None:
        """Once; from whatever task, and whatever the others do."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._say_goodbye(code, reason))

    async def _say_goodbye(self, code: int, reason: str) -> None:
        with suppress(*GONE, RuntimeError):  # it may be gone already
            await self._socket.close(code, reason)

    async def _take(self, message: Message) -> None:
        match message:
            case Init():
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

    async def _init(self, message: Init) -> None:
        if self._audience is not None:
            raise ClosedError(Close.INIT_TWICE, "Too many initialisation requests")
        given = message.payload.get(AUTHORIZATION)
        credentials = given_credentials(self._socket.scope) if given is None else [str(given)]
        try:
            self._audience = audience(credentials, self._service.settings)
        except RefusedError as refused:
            raise ClosedError(Close.FORBIDDEN, "Forbidden") from refused
        if self._patience is not None:
            self._patience.cancel()
        await self._socket.send_text(ACK)

    async def _subscribe(self, message: Subscribe) -> None:
        if self._audience is None:
            raise ClosedError(Close.NO_INIT, "Unauthorized")
        if message.id in self._operations:
            raise ClosedError(Close.SAME_ID, f"Subscriber for {message.id[:40]} already exists")
        key = orjson.dumps(message.id)
        try:
            self._service.rates.take(self._address, COST_OF_ANY)
        except RefusedError as refused:
            await self._refuse(key, refused)
            return
        if len(self._operations) >= MOST_OPERATIONS:
            text = f"The socket has {MOST_OPERATIONS} operations, as many as it takes: complete some."
            await self._refuse(key, RefusedError(429, Code.TOO_MANY_OPERATIONS, text))
            return
        try:
            ready = await self._service.prepare(message.wanted, self._audience, self._client)
        except RefusedError as refused:
            await self._refuse(key, refused)
            return
        self._service.rates.charge(self._address, cost_of(ready, self._service.engine) - COST_OF_ANY)
        answers = answers_of(self._service, ready, self._client, self._drop)
        traces = self._service.traces
        run = partial(self._run, message.id, key, ready.operation, answers)
        running = run() if traces is None else traces.operation(self._socket.scope, run)
        self._operations[message.id] = asyncio.create_task(running)

    async def _refuse(self, key: bytes, refused: RefusedError) -> None:
        self._service.ended(None, Outcome.REFUSED, (refused.code,))
        await self._socket.send_text(error_message(key, error_body(refused.code, str(refused))))

    async def _run(
        self, name: str, key: bytes, operation: str | None, bodies: AsyncGenerator[Answer, None]
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
        except EndedError:
            pass  # the socket is closed next
        except GONE:
            pass
        finally:
            self._forget(name, me)
            note_stream(operation, start, count, over=WEBSOCKET)

    def _forget(self, name: str, task: "asyncio.Task[None] | None") -> None:
        """The id may be used again from now on, and may be so already where the client has completed it."""
        if self._operations.get(name) is task:
            del self._operations[name]

    def _drop(self) -> None:
        self._close(Close.LAGGING, LAGGING)
