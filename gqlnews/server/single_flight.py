"""Request coalescing: a call waits for an equal one that is already running, and shares its result."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class SingleFlight:
    """Coalesce calls by key, in one event loop. Work continues if a caller is cancelled: others may wait."""

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[Any]] = {}

    async def run(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """Return the result of `work`, or of the running work of an earlier caller with the same key."""
        running = self._running.get(key)
        if running is None:
            running = self._running[key] = asyncio.ensure_future(work())
            running.add_done_callback(lambda done: self._forget(key, done))
        result: T = await asyncio.shield(running)
        return result

    def _forget(self, key: Hashable, done: "asyncio.Task[Any]") -> None:
        del self._running[key]
        if not done.cancelled():
            done.exception()  # mark it as retrieved, or asyncio logs it if all callers have left
