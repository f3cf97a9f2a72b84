"""Two feeds over one store, so that heavy subscriptions do not delay the events of light ones.

Each has snapshots and a thread of its own. A subscription stays in its lane: `expected.py` says which.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

from gqlnews.limits import UNLIMITED, Limits
from gqlnews.schema.engine import Watched
from gqlnews.schema.expected import is_heavy
from gqlnews.schema.feed import Feed, VersionOf


class Lanes:
    """As a `Feed`. `close` it before the loop ends."""

    def __init__(self, path: Path, version_of: VersionOf, limits: Limits = UNLIMITED) -> None:
        self.light, self.heavy = (Feed(path, version_of, limits) for _ in range(2))

    @property
    def watching(self) -> int:
        """Subscriptions that run."""
        return self.light.watching + self.heavy.watching

    @property
    def over_budget(self) -> int:
        """Subscriptions that ended as their client's took too much statement time."""
        return self.light.over_budget + self.heavy.over_budget

    def watch(
        self, watched: Watched, drop: Callable[[], None], client: str = ""
    ) -> AsyncGenerator[bytes, None]:
        lane = self.heavy if is_heavy(watched.bound) else self.light
        return lane.watch(watched, drop, client)

    def end(self) -> None:
        self.light.end()
        self.heavy.end()

    async def close(self) -> None:
        await asyncio.gather(self.light.close(), self.heavy.close())

    async def begin_anew(self) -> None:
        await asyncio.gather(self.light.begin_anew(), self.heavy.begin_anew())
