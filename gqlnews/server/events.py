"""Server-sent events, in the "distinct connections mode" of graphql-sse: one operation a request.

https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
"""

import asyncio
from collections.abc import Sequence
from time import perf_counter
from typing import Any

from starlette.types import Receive, Scope, Send

from gqlnews.schema.engine import Answer, Prepared, Watched
from gqlnews.schema.listener import EndedError
from gqlnews.server.logs import note_stream
from gqlnews.server.protocol import ABORT, CLOSE_SECONDS
from gqlnews.server.service import Service
from gqlnews.server.streams import events_of
from gqlnews.server.wire import EVENT_STREAM, Headers, graphql_headers

PING_SECONDS = 12.0  # proxies end what is silent for longer, most of them after 30 or 60

HEADERS: Headers = (
    *graphql_headers(EVENT_STREAM),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would keep events back
)
PING = b":\n\n"
COMPLETE = b"event: complete\ndata: \n\n"


class EventStream:
    """The response of one operation: a subscription begins when it is made, and ends with its client."""

    def __init__(self, service: Service, ready: Prepared | Watched | Answer) -> None:
        self._service, self._ready = service, ready
        self._dropped = asyncio.Event()
        self._answers = events_of(service, ready, self._dropped.set)
        self._sent = 0

    async def respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises RefusedError before anything is sent, where there are too many streams."""
        start = perf_counter()
        with self._service.sockets.taken(scope):
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
                note_stream(self._ready.operation, start, self._sent, over="events")
        if (failure := ends[0].exception() if not ends[0].cancelled() else None) is not None:
            raise failure

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await _send_some(send, PING)  # the headers go out with it
        pinging = asyncio.create_task(_ping(send))
        try:
            async for answer in self._answers:
                self._sent += 1
                await _send_some(send, b"event: next\ndata: %b\n\n" % answer.body)
            end = COMPLETE
        except EndedError:
            end = b""  # it was not complete: the client comes again
        finally:
            pinging.cancel()
            await self._answers.aclose()
        await send({"type": "http.response.body", "body": end})


async def _cut(scope: Scope, ends: Sequence["asyncio.Task[Any]"]) -> None:
    """Whoever reads too slowly may still read why; then the connection is cut."""
    await asyncio.wait(ends, timeout=CLOSE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    cutting = scope.get("extensions", {}).get(ABORT)
    if cutting is not None and not any(end.done() for end in ends):
        cutting["abort"]()
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)


async def _ping(send: Send) -> None:
    while True:
        await asyncio.sleep(PING_SECONDS)
        await _send_some(send, PING)


async def _send_some(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _left(receive: Receive) -> None:
    """Until the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
