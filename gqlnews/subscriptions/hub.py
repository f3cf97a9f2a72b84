"""Subscription hub: poll the store version and broadcast each change exactly once and in order.

1. While there are subscriptions, the hub polls the version every `POLL_INTERVAL` seconds, a read from shared
   memory.
2. When the version changes, the hub reads the changes since the last poll, page by page. Each change is
   evaluated and rendered once per group of identical subscriptions (`groups.py`), which share the bytes.
3. A new subscription starts at the current version or at its `since`. Missed changes are replayed page by
   page (`catch_up.py`), as fast as the client reads. Then the subscription joins its group. The hub is locked
   between the last page and the join, so no change is lost or delivered twice.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from time import monotonic

from gqlnews.config.settings import UNLIMITED, Limits
from gqlnews.database.sqlite.snapshots import SnapshotPair, VersionState
from gqlnews.engine.requests import PreparedSubscription
from gqlnews.errors import DatabaseError
from gqlnews.query.fields import Audience
from gqlnews.subscriptions.budget import OverBudgetError, is_heavy
from gqlnews.subscriptions.change_filter import check_not_expired, resume_point
from gqlnews.subscriptions.groups import CatchUp, ChangePage, SubscriberGroup, Turns, identity_of
from gqlnews.subscriptions.subscriber_queue import (
    Event,
    ShuttingDownError,
    StoreReplacedError,
    SubscriberQueue,
    SubscriptionFailedError,
)

log = logging.getLogger("gqlnews")

POLL_INTERVAL = 0.02  # seconds
SNAPSHOT_MAX_AGE = 0.1  # seconds: maximum age of a snapshot, so that the WAL can be checkpointed
ERROR_BACKOFF = 0.5  # seconds, after a poll that failed
PAGE = 100  # changes
MAX_POLLS = 2  # polls until the snapshot reaches a version: the first may only finish a failed poll
STOPS = "The server stops."
REPLACED = "The store was replaced."

VersionOf = Callable[[Audience], bytes | None]


class SubscriptionHub:
    """Hub over the store at `path`, whose version `version_of` returns. Call `close` before the loop ends."""

    def __init__(self, path: Path, version_of: VersionOf, limits: Limits = UNLIMITED) -> None:
        self._path, self._version_of, self._limits = path, version_of, limits
        self._limited = limits.seconds > 0
        self._groups: dict[Hashable, SubscriberGroup] = {}
        self._lock = asyncio.Lock()  # held while polling and while joining a group
        self._turns = Turns()  # for replays, so that at most one page delays a poll
        self._entrance = Turns()  # for new subscriptions, so that at most one delays a poll
        self._snapshots: SnapshotPair | None = None
        self._seen: Sequence[bytes | None] = ()
        self._looked = 0.0
        self._task: asyncio.Task[None] | None = None
        self._ended = False
        self._logged = ""  # the error of the last poll, if it failed
        self._replaced = False
        self.watching = 0  # active subscriptions
        self.over_budget = 0  # subscriptions that ended with OverBudgetError

    def end(self) -> None:
        """End all subscriptions, because the server shuts down."""
        self._ended = True
        self._fail(ShuttingDownError(STOPS))

    async def close(self) -> None:
        self.end()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        await self._close_snapshots()

    def watch(
        self, watched: PreparedSubscription, drop: Callable[[], None], client: str = ""
    ) -> AsyncGenerator[bytes, None]:
        """Stream the responses as JSON, from now on or from the requested `since`.

        Raises RequestRefusedError before the first response if the stream cannot resume from `since`;
        DatabaseError; SlowConsumerError after a call of `drop`; OverBudgetError if all subscriptions of
        `client` together take too much statement time; ShuttingDownError, StoreReplacedError,
        SubscriptionFailedError.
        """
        return self._watch(
            watched, _number(self._version_of(watched.audience)), SubscriberQueue(drop, client)
        )

    async def _watch(
        self, watched: PreparedSubscription, number: int | None, listener: SubscriberQueue
    ) -> AsyncGenerator[bytes, None]:
        self.watching += 1
        try:
            missed = await self._begin(watched, number, listener)
            while missed.position is not None:
                async with self._turns.taken(listener.client):
                    events = await self._missed(missed, listener)
                for event in events:
                    yield event.body
            while True:
                yield await listener.take()
        except OverBudgetError:
            self.over_budget += 1
            raise
        finally:
            self.watching -= 1
            self._leave(watched, listener)

    async def _begin(
        self, watched: PreparedSubscription, number: int | None, listener: SubscriberQueue
    ) -> CatchUp:
        """Determine where to start: at `since`, or else at the version at the time of the request."""
        async with self._entrance.taken(listener.client), self._running():
            since = watched.bound.inputs.values["since"]
            assert isinstance(since, int)
            for _ in range(MAX_POLLS):
                if max(since, number or 0) > self._site(watched).number:
                    await self._poll()
            site = self._site(watched)
            beginning = resume_point(watched.bound, site, site.number if number is None else number)
            missed = CatchUp(watched, beginning, beginning.number, PAGE, self._limited)
            self._join_if_current(missed, listener)
            return missed

    async def _missed(self, missed: CatchUp, listener: SubscriberQueue) -> list[Event]:
        """Read a page of missed changes. After the last page, the subscription has joined its group."""
        async with self._running():
            site = self._site(missed.watched)
            check_not_expired(missed.watched.bound, missed.beginning, site)
            if self._join_if_current(missed, listener):
                return []
            events = await self._opened.at(partial(missed.read, site))
            self._join_if_current(missed, listener)
            return events

    def _join_if_current(self, missed: CatchUp, listener: SubscriberQueue) -> bool:
        """Join the group if no changes are missing any more, and return whether it did."""
        number = self._site(missed.watched).number
        if missed.position is not None and missed.position < number:
            return False
        self._join(missed.watched, listener, max(missed.position or 0, number))
        missed.position = None
        return True

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        """Hold the lock, with the snapshots open. Raises ShuttingDownError."""
        async with self._lock:
            if self._ended:
                raise ShuttingDownError(STOPS)
            if self._snapshots is None:
                await self._open()
            yield

    def _join(self, watched: PreparedSubscription, listener: SubscriberQueue, number: int) -> None:
        listener.number = number
        if self._ended:
            listener.fail(ShuttingDownError(STOPS))
        identity = identity_of(watched)
        if identity not in self._groups:
            self._groups[identity] = SubscriberGroup(watched)
        self._groups[identity].listeners.add(listener)

    def _leave(self, watched: PreparedSubscription, listener: SubscriberQueue) -> None:
        identity = identity_of(watched)
        if group := self._groups.get(identity):
            group.listeners.discard(listener)
            if not group.listeners:
                del self._groups[identity]

    @property
    def _opened(self) -> SnapshotPair:
        assert self._snapshots is not None, "it is open"
        return self._snapshots

    def _site(self, watched: PreparedSubscription) -> VersionState:
        return self._opened.sites[watched.audience]

    async def _open(self) -> None:
        snapshots = SnapshotPair(self._limits)
        await snapshots.open(self._path)
        self._snapshots = snapshots
        if self._task is None:
            self._task = asyncio.create_task(self._follow())

    async def _close_snapshots(self) -> None:
        if self._snapshots is not None:
            snapshots, self._snapshots = self._snapshots, None
            await snapshots.close()

    async def _follow(self) -> None:
        """Poll as long as there are subscriptions."""
        pause = POLL_INTERVAL
        while True:
            await asyncio.sleep(pause)
            pause = POLL_INTERVAL
            if self.watching and not self._is_due():
                continue
            async with self._lock:
                try:
                    if self.watching:
                        await self._poll()
                        self._logged = ""
                        continue
                except StoreReplacedError:  # `reset` is waiting for the lock
                    continue
                except DatabaseError as error:  # nothing is lost: the next poll resumes this one
                    if str(error) != self._logged:
                        log.error("%s", error)
                    self._logged = str(error)
                    pause = ERROR_BACKOFF
                    continue
                except Exception:
                    log.exception("the feed failed")
                    self._fail(SubscriptionFailedError("The feed failed."))
                self._task = None
                await self._close_snapshots()
                return

    async def reset(self) -> None:
        """End all subscriptions, because another database has replaced the store. Clients must start over."""
        self._replaced = True  # a poll in progress may stop early
        async with self._lock:
            self._replaced = False
            self._fail(StoreReplacedError(REPLACED))
            await self._close_snapshots()

    def _fail(self, failure: Exception) -> None:
        """End all subscriptions with this error."""
        for group in self._groups.values():
            group.put(failure)

    def _is_due(self) -> bool:
        versions = [self._version_of(audience) for audience in Audience]
        return versions != self._seen or monotonic() - self._looked > SNAPSHOT_MAX_AGE

    async def _poll(self) -> None:
        if self._snapshots is None:
            await self._open()
        versions = [self._version_of(audience) for audience in Audience]
        async with self._opened.looking() as changed:
            if changed:
                for scope in (0, 1):
                    await self._broadcast(scope)
        self._seen, self._looked = versions, monotonic()

    async def _broadcast(self, scope: int) -> None:
        """Deliver the changes of a scope to all its subscriptions, page by page."""
        after: int | None = self._opened.sites[scope].number
        while after is not None:
            groups = [group for group in self._groups.values() if group.watched.audience.scope == scope]
            page = ChangePage(groups, scope, after, PAGE, limited=self._limited)
            while not page.is_done:
                for group, result in await self._opened.both(page.judge_some):
                    group.put(result)
                if self._replaced:
                    raise StoreReplacedError(REPLACED)
            after = page.further


def _number(version: bytes | None) -> int | None:
    """Return the number of a version `epoch-number`; None if the version is currently unknown."""
    return None if version is None else int(version.rpartition(b"-")[2])


# Two subscription hubs over one store, so that heavy subscriptions do not delay the events of light ones.
#
# Each hub has its own snapshots and thread. `expected_cost.py` assigns a subscription to one of them for its
# lifetime.


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
