"""Two subscription hubs over one store, so that heavy subscriptions do not delay the events of light ones.

Each hub has its own snapshots and thread. `expected_cost.py` assigns a subscription to one of them for its
lifetime.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

from gqlnews.config.limits import UNLIMITED, Limits
from gqlnews.engine.engine import PreparedSubscription
from gqlnews.subscriptions.expected_cost import is_heavy
from gqlnews.subscriptions.hub import SubscriptionHub, VersionOf


class Lanes:
    """Drop-in for a single `SubscriptionHub`. Call `close` before the event loop ends."""

    def __init__(self, path: Path, version_of: VersionOf, limits: Limits = UNLIMITED) -> None:
        self.light, self.heavy = (SubscriptionHub(path, version_of, limits) for _ in range(2))

    @property
    def watching(self) -> int:
        """Number of active subscriptions."""
        return self.light.watching + self.heavy.watching

    @property
    def over_budget(self) -> int:
        """Number of subscriptions that ended because their client was over its statement time budget."""
        return self.light.over_budget + self.heavy.over_budget

    def watch(
        self, watched: PreparedSubscription, drop: Callable[[], None], client: str = ""
    ) -> AsyncGenerator[bytes, None]:
        lane = self.heavy if is_heavy(watched.bound) else self.light
        return lane.watch(watched, drop, client)

    def end(self) -> None:
        self.light.end()
        self.heavy.end()

    async def close(self) -> None:
        await asyncio.gather(self.light.close(), self.heavy.close())

    async def reset(self) -> None:
        await asyncio.gather(self.light.reset(), self.heavy.reset())
