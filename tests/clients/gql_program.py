"""Python's gql as a program with the same commands as `program.mjs`."""

import asyncio
import json
import sys
from collections.abc import Coroutine
from typing import Any

from gql import gql
from gql.transport.exceptions import TransportError, TransportQueryError
from gql_client import open_client, run_query, stream_changes


def tell(**what: Any) -> None:
    print(json.dumps(what), flush=True)


async def follow(url: str, token: str | None, where: Any) -> None:
    """Subscribe from the version just queried, so that nothing is missed in between."""
    site = (await run_query(url, token, "query Version { site { version } }"))["site"]
    tell(watching=site["version"])
    async for change in stream_changes(url, token, where, site["version"]):
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
                tell(answer=await run_query(url, token, query))
            case {"stop": True} if task is not None:
                task.cancel()


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:]))
