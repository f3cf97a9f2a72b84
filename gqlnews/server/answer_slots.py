"""Bound how many answers one client has in memory over streams: in the making, or waiting until it reads.

A WebSocket runs operations side by side, and each holds its answer until the socket takes it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

SLOTS = 3  # of one client


@dataclass(slots=True)
class _Slots:
    free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SLOTS))
    users: int = 0


class AnswerSlots:
    """In one event loop; a client that has no slot free waits for one."""

    def __init__(self) -> None:
        self._clients: dict[str, _Slots] = {}

    @asynccontextmanager
    async def taken(self, client: str) -> AsyncIterator[None]:
        """A slot, from before an answer is made until it is sent."""
        slots = self._clients.setdefault(client, _Slots())
        slots.users += 1
        try:
            async with slots.free:
                yield
        finally:
            slots.users -= 1
            if not slots.users:
                del self._clients[client]
