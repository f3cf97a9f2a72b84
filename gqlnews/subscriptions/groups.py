"""Groups of identical subscriptions: fair evaluation, replay of missed changes, and event queues."""

import asyncio
import logging
import sqlite3
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Hashable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import inf
from operator import itemgetter
from time import monotonic, thread_time
from typing import NamedTuple

from gqlnews.database.sqlite.damage import to_database_error
from gqlnews.database.sqlite.snapshots import Snapshot, VersionState
from gqlnews.engine.requests import PreparedSubscription
from gqlnews.errors import Code, ResourceLimitError
from gqlnews.subscriptions.budget import CATCH_UP_SECONDS, Budget, OverBudgetError, expected_seconds
from gqlnews.subscriptions.change_filter import ChangeFilter, ResumePoint, missed
from gqlnews.subscriptions.subscriber_queue import Event, SubscriberQueue, SubscriptionFailedError

# Groups of identical subscriptions, and fair evaluation of a page of changes for all groups.
#
# 1. Groups are ordered by fair queueing. Each client's groups are sorted by expected time, and a group's
#    position is the time that its clients have accumulated up to and including it. So cheap groups run first,
#    whatever others cost.
# 2. Groups are evaluated in slices of about `SLICE` seconds on the snapshots' thread, and the events of a
#    slice are delivered before the next slice runs. A group that is expected to take longer gets its own
#    slice.
# 3. A group whose clients have all used up their statement time (`budget.py`) ends with OverBudgetError.


log = logging.getLogger("gqlnews")

SLICE = 0.01  # seconds


@dataclass(slots=True, eq=False)
class SubscriberGroup:
    """Subscriptions that receive the same events. `seconds` is the expected time of a page."""

    watched: PreparedSubscription
    listeners: set[SubscriberQueue] = field(default_factory=set)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.seconds = expected_seconds(self.watched.bound)

    @property
    def clients(self) -> frozenset[str]:
        """Clients of the subscriptions that have not failed."""
        return frozenset(listener.client for listener in self.listeners if not listener.failed)

    def put(self, result: list[Event] | Exception) -> None:
        for listener in tuple(self.listeners):
            if isinstance(result, Exception):
                listener.fail(result)
            else:
                listener.put(result)


class Turn(NamedTuple):
    """A group to evaluate, and the clients to charge for it."""

    group: SubscriberGroup
    clients: frozenset[str]


Result = tuple[SubscriberGroup, list[Event] | Exception]


def identity_of(watched: PreparedSubscription) -> Hashable:
    """Return a key that is equal for subscriptions with the same events; unique if one reads the clock."""
    return id(watched) if watched.bound.inputs.clock else (watched.audience, watched.bound.identity)


def fairly(groups: Iterable[SubscriberGroup]) -> list[Turn]:
    """Order groups by fair queueing. Groups without a client are left out."""
    used: defaultdict[str, float] = defaultdict(float)
    turns: list[tuple[float, Turn]] = []
    for group in sorted(groups, key=lambda group: group.seconds):
        clients = group.clients
        for client in clients:
            used[client] += group.seconds / len(clients)
        if clients:
            turns.append((min(used[client] for client in clients), Turn(group, clients)))
    return [turn for _, turn in sorted(turns, key=itemgetter(0))]


class ChangePage:
    """A page of a scope's changes after a version number. `further` is the start of the next page, if any."""

    def __init__(
        self, groups: Iterable[SubscriberGroup], scope: int, after: int, most: int, *, limited: bool = True
    ) -> None:
        self._scope, self._after, self._most = scope, after, most
        self._turns = deque(fairly(groups))
        self._budget = Budget(limited=limited)
        self._judge: ChangeFilter | None = None
        self.further: int | None = None

    @property
    def is_done(self) -> bool:
        return not self._turns

    def judge_some(self, before: Snapshot, now: Snapshot) -> list[Result]:
        """Evaluate the next slice of groups: return each with its events, or with the error that ends it."""
        if self._judge is None:
            self._judge = self._read(before, now)
        results: list[Result] = []
        until = monotonic() + SLICE
        while self._turns and (not results or self._fits(until)):
            turn = self._turns.popleft()
            results.append((turn.group, judged(turn, self._judge, now, self._budget)))
        return results

    def _read(self, before: Snapshot, now: Snapshot) -> ChangeFilter:
        changes = now.changes(self._scope, self._after, self._most)
        self.further = changes[-1].number if len(changes) == self._most else None
        if not changes:
            self._turns.clear()
        return ChangeFilter(changes, before, now)

    def _fits(self, until: float) -> bool:
        return monotonic() + self._turns[0].group.seconds < until


def judged(turn: Turn, judge: ChangeFilter, now: Snapshot, budget: Budget) -> list[Event] | Exception:
    """Evaluate one group. An error ends only this group; errors of the database itself are raised."""
    group, clients = turn
    left = budget.left(clients)
    if left <= 0:
        return OverBudgetError()
    start = thread_time()
    try:
        with now.within(left):
            return judge.events(group.watched.renewed(), now.sites[group.watched.audience])
    except ResourceLimitError as error:
        return OverBudgetError() if thread_time() - start >= left else error
    except Exception as error:
        if isinstance(error, sqlite3.Error) and to_database_error(error, "") is not None:
            raise
        log.error("a subscription failed", exc_info=error)
        return SubscriptionFailedError("A subscription failed.")
    finally:
        took = thread_time() - start
        group.seconds = max(took, group.seconds / 2)  # decay: another group may have run the same filter
        budget.charge(clients, took)


# Replay of missed changes to a resuming subscription, in pages and round-robin between clients.
#
# A page that takes too long or grows too large is retried with fewer changes at the next turn.


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
