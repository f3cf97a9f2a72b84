"""Streaming HTTP response of one operation; ends with the operation or when the client disconnects."""

import asyncio
from collections.abc import Sequence
from time import perf_counter
from typing import Any

from starlette.types import Receive, Scope, Send

from gqlnews.engine.engine import Ready
from gqlnews.server.observability.logs import note_stream
from gqlnews.server.response_stream import stream_responses
from gqlnews.server.services import AppState
from gqlnews.server.stream_framing import Framing
from gqlnews.server.uvicorn.http_protocol import ABORT
from gqlnews.server.uvicorn.websocket_protocol import CLOSE_SECONDS
from gqlnews.subscriptions.subscriber_queue import ShuttingDownError

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
