"""Queries and resumable subscriptions with Python's gql, as in docs/clients.md."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

from gql import Client, gql
from gql.transport.exceptions import TransportConnectionFailed
from gql.transport.websockets import WebsocketsTransport

FORBIDDEN = 4403  # close code: the token is unknown or malformed

CHANGES = """
  subscription Changes($where: ArticleFilter, $since: String) {
    articleChanged(where: $where, since: $since) { kind slug version article { id title } }
  }"""


def open_client(url: str, token: str | None) -> Client:
    transport = WebsocketsTransport(
        url=url.replace("http", "ws", 1),
        init_payload={"authorization": f"Bearer {token}"} if token else {},
    )
    return Client(transport=transport)


async def run_query(url: str, token: str | None, query: str) -> Any:
    async with open_client(url, token) as session:
        return await session.execute(gql(query))


async def stream_changes(url: str, token: str | None, where: Any, since: str) -> AsyncIterator[Any]:
    """Yield the changes after a version; reconnect and resume from the last change received."""
    max_delay = 0.25  # seconds
    while True:
        try:
            async with open_client(url, token) as session:
                request = gql(CHANGES)
                request.variable_values = {"where": where, "since": since}
                async for data in session.subscribe(request):
                    change, max_delay = data["articleChanged"], 0.25
                    since = change["version"]
                    yield change
        except (TransportConnectionFailed, OSError) as error:
            if is_forbidden(error):
                raise
        await asyncio.sleep(random.uniform(0, max_delay))  # full jitter: not all clients reconnect at once
        max_delay = min(2 * max_delay, 30.0)


def is_forbidden(error: Exception) -> bool:
    """Return whether the server closed the WebSocket because the token is unknown or malformed."""
    close_frame = getattr(error.__cause__, "rcvd", None)
    return close_frame is not None and close_frame.code == FORBIDDEN
