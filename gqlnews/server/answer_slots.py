"""Limit how many streamed responses of one client are in memory: being computed, or not yet sent.

A WebSocket runs operations concurrently, and each holds its response until the socket accepts it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

SLOTS = 3  # per client


@dataclass(slots=True)
class _Slots:
    free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SLOTS))
    users: int = 0


class AnswerSlots:
    """A semaphore per client, for one event loop; a client without a free slot waits."""

    def __init__(self) -> None:
        self._clients: dict[str, _Slots] = {}

    @asynccontextmanager
    async def taken(self, client: str) -> AsyncIterator[None]:
        """Hold a slot from before a response is computed until it is sent."""
        slots = self._clients.setdefault(client, _Slots())
        slots.users += 1
        try:
            async with slots.free:
                yield
        finally:
            slots.users -= 1
            if not slots.users:
                del self._clients[client]
