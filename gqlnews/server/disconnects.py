"""Cancel the work of a request whose client has left."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect
from starlette.types import Receive

T = TypeVar("T")

UNWATCHED_SECONDS = 0.05
"""Time before which nothing is cancelled: most requests are done, and need no task that watches."""


async def run_until_disconnect(work: Coroutine[Any, Any, T], receive: Receive) -> T:
    """Return the result of `work`. If the client leaves before, cancel it and raise ClientDisconnect."""
    running = asyncio.create_task(work)
    try:
        await asyncio.wait([running], timeout=UNWATCHED_SECONDS)
        if not running.done():
            watching = asyncio.create_task(wait_for_disconnect(receive))
            try:
                await asyncio.wait([running, watching], return_when=asyncio.FIRST_COMPLETED)
            finally:
                watching.cancel()
            if not running.done():
                raise ClientDisconnect
        return running.result()
    finally:
        if running.cancel():
            await asyncio.wait([running])


async def wait_for_disconnect(receive: Receive) -> None:
    """Wait until the client disconnects."""
    while (await receive())["type"] != "http.disconnect":
        pass
