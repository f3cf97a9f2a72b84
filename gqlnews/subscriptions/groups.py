"""Groups of identical subscriptions: fair evaluation, and replay of missed changes."""

import asyncio
import logging
import sqlite3
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Hashable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import inf
from operator import itemgetter
from time import monotonic
from typing import NamedTuple

from gqlnews.database.job_queue import ClientSlots
from gqlnews.database.snapshots import Snapshot, VersionState
from gqlnews.database.sqlite.damage import to_database_error
from gqlnews.engine.requests import PreparedSubscription
from gqlnews.errors import Code, DatabaseError, ResourceLimitError
from gqlnews.subscriptions.budget import CATCH_UP_SECONDS, Budget, OverBudgetError, expected_seconds
from gqlnews.subscriptions.change_filter import ChangeFilter, Progress, ResumePoint
from gqlnews.subscriptions.subscriber_queue import Event, SubscriberQueue, SubscriptionFailedError

# Groups of identical subscriptions, and fair evaluation of a page of changes for all groups.
#
# 1. Groups are ordered by fair queueing. The groups of each client are sorted by expected time. The position
#    of a group is the sum of these times up to and including its own, for the client with the smallest sum.
#    So cheap groups run first, regardless of the cost of others.
# 2. Groups are evaluated in slices of about `SLICE_SECONDS` on the thread of the snapshot reader, and the
#    events of a slice are delivered before the next slice runs. A group that is expected to take longer has a
#    slice of its own.
# 3. A group whose clients have all used up their statement time (`budget.py`) ends with OverBudgetError.

log = logging.getLogger("gqlnews")

SLICE_SECONDS = 0.01


@dataclass(slots=True, eq=False)
class SubscriberGroup:
    """Subscriptions that receive the same events. `expected_seconds` estimates the time for one page."""

    subscription: PreparedSubscription
    queues: set[SubscriberQueue] = field(default_factory=set)
    expected_seconds: float = 0.0

    def __post_init__(self) -> None:
        self.expected_seconds = expected_seconds(self.subscription.bound)

    @property
    def clients(self) -> frozenset[str]:
        """Clients of the subscriptions that have not failed."""
        return frozenset(queue.client for queue in self.queues if not queue.failed)

    def put(self, result: list[Event] | Exception) -> None:
        """Queue the events for all subscriptions, or end all of them with the error."""
        for queue in tuple(self.queues):
            if isinstance(result, Exception):
                queue.fail(result)
            else:
                queue.put(result)


class ScheduledGroup(NamedTuple):
    """A group to evaluate, and the clients to charge for it."""

    group: SubscriberGroup
    clients: frozenset[str]


Result = tuple[SubscriberGroup, list[Event] | Exception]


def group_key(subscription: PreparedSubscription) -> Hashable:
    """Return a key that is equal for subscriptions with the same events; unique if it reads the clock."""
    return (
        id(subscription)
        if subscription.bound.arguments.uses_clock
        else (subscription.audience, subscription.bound.identity)
    )


def order_fairly(groups: Iterable[SubscriberGroup]) -> list[ScheduledGroup]:
    """Order groups by fair queueing. Groups without a client are omitted."""
    accumulated: defaultdict[str, float] = defaultdict(float)
    positions: list[tuple[float, ScheduledGroup]] = []
    for group in sorted(groups, key=lambda group: group.expected_seconds):
        clients = group.clients
        for client in clients:
            accumulated[client] += group.expected_seconds / len(clients)
        if clients:
            positions.append((min(accumulated[client] for client in clients), ScheduledGroup(group, clients)))
    return [scheduled for _, scheduled in sorted(positions, key=itemgetter(0))]


class ChangePage:
    """A page of at most `limit` changes of a scope after version number `after`, evaluated for all groups.

    `progress` is that of all their clients. `next_start` is the `after` of the next page; None if there is
    none.
    """

    def __init__(
        self,
        groups: Iterable[SubscriberGroup],
        scope: int,
        progress: Progress,
        after: int,
        limit: int,
        *,
        limited: bool = True,
    ) -> None:
        self._scope, self._progress, self._after, self._limit = scope, progress, after, limit
        self._remaining = deque(order_fairly(groups))
        self._budget = Budget(limited=limited)
        self._filter: ChangeFilter | None = None
        self.next_start: int | None = None

    @property
    def is_done(self) -> bool:
        return not self._remaining

    def evaluate_slice(self, now: Snapshot) -> list[Result]:
        """Evaluate the next slice of groups; return each with its events, or with the error that ends it."""
        if self._filter is None:
            self._filter = self._read_changes(now)
        results: list[Result] = []
        until = monotonic() + SLICE_SECONDS
        while self._remaining and (not results or self._fits(until)):
            scheduled = self._remaining.popleft()
            results.append((scheduled.group, evaluate(scheduled, self._filter, now, self._budget)))
        return results

    def record_delivery(self) -> None:
        """Add the page to the progress, after the results of one slice or all slices were delivered."""
        assert self._filter is not None, "a slice was evaluated"
        self._progress.add(self._filter.delivered(to_all=self.is_done))

    def _read_changes(self, now: Snapshot) -> ChangeFilter:
        page = ChangeFilter(now, self._scope, self._progress, self._after, self._limit)
        self.next_start = page.next_position
        if not page.changes:
            self._remaining.clear()
        return page

    def _fits(self, until: float) -> bool:
        return monotonic() + self._remaining[0].group.expected_seconds < until


def evaluate(
    scheduled: ScheduledGroup, change_filter: ChangeFilter, now: Snapshot, budget: Budget
) -> list[Event] | Exception:
    """Evaluate one group. An error ends only this group, except for database errors, which are raised."""
    group, clients = scheduled
    left = budget.remaining(clients)
    if left <= 0:
        return OverBudgetError()
    start = now.statement_seconds()
    try:
        subscription = group.subscription.current()
        change_filter.load_texts(subscription)
        start = now.statement_seconds()  # no client is charged for the texts, because all groups share them
        with now.limit_statement_time(left):
            return change_filter.events(subscription, now.version_states[group.subscription.audience])
    except ResourceLimitError as error:
        return OverBudgetError() if now.statement_seconds() - start >= left else error
    except Exception as error:
        if _is_database_error(error):
            raise
        log.error("a subscription failed", exc_info=error)
        return SubscriptionFailedError("A subscription failed.")
    finally:
        seconds = now.statement_seconds() - start
        # Decay slowly, as this may have been fast because another group ran the same filter.
        group.expected_seconds = max(seconds, group.expected_seconds / 2)
        budget.charge(clients, seconds)


def _is_database_error(error: Exception) -> bool:
    """Return whether the database failed, rather than the statements of one subscription."""
    if isinstance(error, sqlite3.Error):
        return to_database_error(error, "") is not None
    return isinstance(error, DatabaseError)


# Replay of missed changes to a resuming subscription, in pages and round-robin between clients.
#
# A page that takes too long or is too large is retried with fewer changes in the next turn.

PAGE_DIVISOR = 4  # the page size is divided by this when a page exceeds a limit
MAX_PAGE_BYTES = 256 << 10  # of events, which are in memory until the client has read them


@dataclass(slots=True)
class CatchUp:
    """State of a replay: all changes up to the version number `position` are delivered.

    `position` is None after the last page. `page_size` is the number of changes in a page. `epoch` is that of
    the versions.
    """

    subscription: PreparedSubscription
    start: ResumePoint
    position: int | None
    page_size: int
    epoch: str
    limited: bool = True
    progress: Progress = field(init=False)

    def __post_init__(self) -> None:
        self.progress = Progress(self.start.number)

    def read(self, state: VersionState, now: Snapshot) -> list[Event]:
        """Read the events of the next page. Raises ResourceLimitError.

        Returns no events if the page exceeds a limit: then the next call retries with a smaller page.
        """
        assert self.position is not None
        scope = self.subscription.audience.scope
        page = ChangeFilter(now, scope, self.progress, self.position, self.page_size)
        subscription = self.subscription.current()
        try:
            with now.limit_statement_time(CATCH_UP_SECONDS if self.limited else inf):
                page.load_texts(subscription)
                events = page.events(subscription, state)
            if self.page_size == 1 or sum(len(event.body) for event in events) <= MAX_PAGE_BYTES:
                self.progress.add(page.delivered())
                self.position = page.next_position
                return events
        except ResourceLimitError as error:
            if self.page_size == 1:
                if error.code is Code.TIMED_OUT:
                    raise OverBudgetError from error
                raise
        self.page_size = max(1, self.page_size // PAGE_DIVISOR)
        return []


class FairLock:
    """Lock that is fair between clients, however many subscriptions a client has waiting."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._turns = ClientSlots(1)  # only one subscription of a client at a time waits for the lock

    @asynccontextmanager
    async def acquire(self, client: str) -> AsyncIterator[None]:
        """Hold the lock while the block runs."""
        async with self._turns.acquire(client), self._lock:
            yield
