"""The client of Python's gql, in a program with the same commands as `program.mjs`."""

import asyncio
import json
import random
import sys
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from gql import Client, gql
from gql.transport.exceptions import TransportConnectionFailed, TransportError, TransportQueryError
from gql.transport.websockets import WebsocketsTransport

FORBIDDEN = 4403

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


async def ask(url: str, token: str | None, query: str) -> Any:
    async with open_client(url, token) as session:
        return await session.execute(gql(query))


async def changes(url: str, token: str | None, where: Any, since: str) -> AsyncIterator[Any]:
    """Yield the changes after a version; reconnect and resume from the last change received."""
    patience = 0.25  # seconds
    while True:
        try:
            async with open_client(url, token) as session:
                request = gql(CHANGES)
                request.variable_values = {"where": where, "since": since}
                async for data in session.subscribe(request):
                    change, patience = data["articleChanged"], 0.25
                    since = change["version"]
                    yield change
        except (TransportConnectionFailed, OSError) as error:
            if is_forbidden(error):
                raise
        await asyncio.sleep(random.uniform(0, patience))  # so that not all reconnect at once
        patience = min(2 * patience, 30.0)


def is_forbidden(error: Exception) -> bool:
    """Whether the server closed the socket because it does not know the token."""
    closed = getattr(error.__cause__, "rcvd", None)
    return closed is not None and closed.code == FORBIDDEN


def tell(**what: Any) -> None:
    print(json.dumps(what), flush=True)


async def follow(url: str, token: str | None, where: Any) -> None:
    """Subscribe from the version just queried, so that nothing is missed in between."""
    site = (await ask(url, token, "query Version { site { version } }"))["site"]
    tell(watching=site["version"])
    async for change in changes(url, token, where, site["version"]):
        tell(change=change)


async def attempt(url: str, token: str | None, subscription: str) -> None:
    async with open_client(url, token) as session:
        async for data in session.subscribe(gql(subscription)):
            tell(change=data)


async def report_errors(running: Coroutine[Any, Any, None]) -> None:
    """Run, and report errors."""
    try:
        await running
    except TransportQueryError as error:
        tell(refused=[one["extensions"]["code"] for one in error.errors or []])
    except TransportError as error:
        tell(lost=str(error.__cause__ or error))


async def run(url: str, token: str | None = None) -> None:
    task: asyncio.Task[None] | None = None
    while line := await asyncio.to_thread(sys.stdin.readline):
        match json.loads(line):
            case {"watch": where}:
                task = asyncio.create_task(report_errors(follow(url, token, where)))
            case {"try": subscription}:
                task = asyncio.create_task(report_errors(attempt(url, token, subscription)))
            case {"ask": query}:
                tell(answer=await ask(url, token, query))
            case {"stop": True} if task is not None:
                task.cancel()


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:]))
