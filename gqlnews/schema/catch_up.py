"""What a client has missed, read for it a page at a time: one client's page after another's.

A page that takes too long is read again at the next turn, with fewer changes.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import inf

from gqlnews.errors import Code, LimitError
from gqlnews.schema.budget import CATCH_UP_SECONDS, OverBudgetError
from gqlnews.schema.engine import Watched
from gqlnews.schema.judge import Judge, missed
from gqlnews.schema.listener import Event
from gqlnews.schema.since import Beginning
from gqlnews.store.snapshots import Site, Snapshot

FEWER = 4  # times
MAX_PAGE_BYTES = 256 << 10  # of events: a page waits in memory until the client has read it


@dataclass(slots=True)
class CatchUp:
    """The subscription has everything up to `position`; None: all of it. `page`: changes of one page."""

    watched: Watched
    beginning: Beginning
    position: int | None
    page: int
    limited: bool = True

    def read(self, site: Site, now: Snapshot) -> list[Event]:
        """The events of the next page. Raises LimitError."""
        assert self.position is not None
        scope = self.watched.audience.scope
        changes, further = missed(now, scope, self.beginning, self.position, self.page)
        judge = Judge(changes, self.beginning.number, now)
        try:
            with now.within(CATCH_UP_SECONDS if self.limited else inf):
                events = judge.events(self.watched.renewed(), site)
        except LimitError as error:
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
    """The subscriptions of one client: one at a time."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    count: int = 0


class Turns:
    """A lock that goes round from client to client, however many of them one has waiting."""

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
