"""Coalesce equal work: what is asked for while the same is under way waits for that instead."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class SingleFlight:
    """In one event loop. What runs goes on where a caller leaves, as others may wait for it."""

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[Any]] = {}

    async def run(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """The result of `work`, or of the work of an earlier caller with this key that still runs."""
        running = self._running.get(key)
        if running is None:
            running = self._running[key] = asyncio.ensure_future(work())
            running.add_done_callback(lambda done: self._forget(key, done))
        result: T = await asyncio.shield(running)
        return result

    def _forget(self, key: Hashable, done: "asyncio.Task[Any]") -> None:
        del self._running[key]
        if not done.cancelled():
            done.exception()  # each caller has it; there may be none left
