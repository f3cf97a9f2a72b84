"""Two subscription hubs over one store, so that heavy subscriptions do not delay the events of light ones.

Each hub has its own snapshot reader, with a thread. `is_heavy` (`budget.py`) assigns each subscription to one
of them, for its lifetime.
"""

from collections.abc import AsyncGenerator, Callable

from gqlnews.config.settings import UNLIMITED, Limits
from gqlnews.engine.requests import PreparedSubscription
from gqlnews.subscriptions.budget import is_heavy
from gqlnews.subscriptions.hub import NewReader, SubscriptionHub, VersionOf


class SubscriptionHubs:
    """A light and a heavy hub with the interface of one `SubscriptionHub`. `close` them at the end."""

    def __init__(
        self,
        new_reader: NewReader,
        version_of: VersionOf,
        limits: Limits = UNLIMITED,
        *,
        max_lag: float = 0.0,
    ) -> None:
        self.light, self.heavy = (
            SubscriptionHub(new_reader, version_of, limits, max_lag=max_lag) for _ in range(2)
        )

    @property
    def active(self) -> int:
        """Number of active subscriptions."""
        return self.light.active + self.heavy.active

    @property
    def over_budget(self) -> int:
        """Number of subscriptions that ended because their client exceeded its statement time."""
        return self.light.over_budget + self.heavy.over_budget

    def subscribe(
        self, subscription: PreparedSubscription, on_slow: Callable[[], None], client: str = ""
    ) -> AsyncGenerator[bytes, None]:
        hub = self.heavy if is_heavy(subscription.bound) else self.light
        return hub.subscribe(subscription, on_slow, client)

    def shutdown(self) -> None:
        self.light.shutdown()
        self.heavy.shutdown()

    async def close(self) -> None:
        """Close both hubs, even if one of them fails or the caller is cancelled."""
        try:
            await self.light.close()
        finally:
            await self.heavy.close()

    def restart(self) -> None:
        self.light.restart()
        self.heavy.restart()

    async def reset(self) -> None:
        try:
            await self.light.reset()
        finally:
            await self.heavy.reset()
