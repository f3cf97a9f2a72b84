"""Replay of missed changes to a resuming subscription, in pages and round-robin between clients.

A page that takes too long or grows too large is retried with fewer changes at the next turn.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import inf

from gqlnews.database.sqlite.snapshot_pair import Snapshot, VersionState
from gqlnews.engine.engine import PreparedSubscription
from gqlnews.errors import Code, ResourceLimitError
from gqlnews.subscriptions.budget import CATCH_UP_SECONDS, OverBudgetError
from gqlnews.subscriptions.change_filter import ChangeFilter, missed
from gqlnews.subscriptions.resume_token import ResumePoint
from gqlnews.subscriptions.subscriber_queue import Event

FEWER = 4  # divisor of the page size when a page exceeds a limit
MAX_PAGE_BYTES = 256 << 10  # of events, which stay in memory until the client has read them


@dataclass(slots=True)
class CatchUp:
    """Replay state: everything up to `position` is delivered, or all if None. `page` is the page size."""

    watched: PreparedSubscription
    beginning: ResumePoint
    position: int | None
    page: int
    limited: bool = True

    def read(self, site: VersionState, now: Snapshot) -> list[Event]:
        """Read the events of the next page. Raises ResourceLimitError."""
        assert self.position is not None
        scope = self.watched.audience.scope
        changes, further = missed(now, scope, self.beginning, self.position, self.page)
        judge = ChangeFilter(changes, self.beginning.number, now)
        try:
            with now.within(CATCH_UP_SECONDS if self.limited else inf):
                events = judge.events(self.watched.renewed(), site)
        except ResourceLimitError as error:
            if self.page == 1:
                if error.code is Code.TIMED_OUT:
                    raise OverBudgetError from error
                raise
            self.page = max(1, self.page // FEWER)
            return []
        if self.page > 1 and sum(len(event.body) for event in events) > MAX_PAGE_BYTES:
            self.page = max(1, self.page // FEWER)
            return []
        self.position = further
        return events


@dataclass(slots=True)
class _Line:
    """Queue of one client's subscriptions, of which one at a time competes for the lock."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    count: int = 0


class Turns:
    """Lock that is fair between clients, however many subscriptions a client has waiting."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._lines: dict[str, _Line] = {}

    @asynccontextmanager
    async def taken(self, client: str) -> AsyncIterator[None]:
        line = self._lines.setdefault(client, _Line())
        line.count += 1
        try:
            async with line.lock, self._lock:
                yield
        finally:
            line.count -= 1
            if not line.count:
                del self._lines[client]
