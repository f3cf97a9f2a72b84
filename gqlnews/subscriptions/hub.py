"""Subscription hub: poll the store version and broadcast each change exactly once and in order.

1. While there are subscriptions, the hub polls the version every `POLL_INTERVAL` seconds, with
   `PRAGMA data_version`, which reads only SQLite's shared memory.
2. When the version changes, the hub reads the changes since the last poll, page by page, from one snapshot.
   Each change is evaluated and rendered once per group of identical subscriptions (`groups.py`), which share
   the bytes. If a poll fails, the next one starts again at the same version, and subscriptions ignore events
   that they already have.
3. A new subscription starts at the current version or at its `since`. Missed changes are replayed page by
   page (`CatchUp`), as fast as the client reads. Then the subscription joins its group. The hub is locked
   while the last page is read and the subscription joins, so no change is lost or delivered twice.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from time import monotonic

from gqlnews.config.settings import UNLIMITED, Limits
from gqlnews.database.protocol import RequiredVersion
from gqlnews.database.snapshots import Snapshot, SnapshotReader, VersionState
from gqlnews.database.sqlite.database_handle import is_cancelled
from gqlnews.engine.requests import PreparedSubscription
from gqlnews.errors import BehindError, DatabaseError, UnreachableDatabaseError
from gqlnews.query.entities import Audience
from gqlnews.subscriptions.budget import OverBudgetError
from gqlnews.subscriptions.change_filter import (
    Progress,
    check_not_expired,
    resume_point,
)
from gqlnews.subscriptions.groups import CatchUp, ChangePage, FairLock, SubscriberGroup, group_key
from gqlnews.subscriptions.subscriber_queue import (
    Event,
    SchemaChangedError,
    ShuttingDownError,
    StoreReplacedError,
    SubscriberQueue,
    SubscriptionFailedError,
)

log = logging.getLogger("gqlnews")

POLL_INTERVAL = 0.02  # seconds
ERROR_BACKOFF = 0.5  # seconds until the next poll after a failed one
PAGE_SIZE = 100  # changes per page
SHUTTING_DOWN = "The server is stopping."
SCHEMA_CHANGED = "The schema has changed."
REPLACED = "The store was replaced."

VersionOf = Callable[[Audience], bytes | None]
"""Returns the current version of the content for an audience; None if it is currently unknown."""

NewReader = Callable[[], SnapshotReader[Snapshot]]
"""Creates a reader of the store, which is not open yet."""


class SubscriptionHub:
    """Subscription hub of a store; `version_of` returns its version. `close` it at the end.

    The reader may be on a replica, for which the hub waits up to `max_lag` seconds.
    """

    def __init__(
        self,
        new_reader: NewReader,
        version_of: VersionOf,
        limits: Limits = UNLIMITED,
        *,
        max_lag: float = 0.0,
    ) -> None:
        self._new_reader, self._version_of, self._max_lag = new_reader, version_of, max_lag
        self._limited = limits.timeout_seconds > 0
        self._groups: dict[Hashable, SubscriberGroup] = {}
        self._lock = asyncio.Lock()  # held during a poll and while a subscription joins its group
        self._replay_lock = FairLock()  # for replays, so that at most one page delays a poll
        self._start_lock = FairLock()  # for new subscriptions, so that at most one delays a poll
        self._reader: SnapshotReader[Snapshot] | None = None
        self._delivered: list[VersionState] = []  # by audience: the changes up to there are delivered
        self._progress: dict[int, Progress] = {}  # by scope, of a delivery that has failed
        self._polled_versions: Sequence[bytes | None] = ()
        self._task: asyncio.Task[None] | None = None
        self._is_shut_down = False
        self._logged_error = ""  # the last logged error, to log repeated ones only once
        self._replaced = False
        self.active = 0  # active subscriptions
        self.over_budget = 0  # subscriptions that ended with OverBudgetError

    def shutdown(self) -> None:
        """End all subscriptions, because the server shuts down."""
        self._is_shut_down = True
        self._fail(ShuttingDownError(SHUTTING_DOWN))

    async def close(self) -> None:
        """End all subscriptions, stop polling and close the reader."""
        self.shutdown()
        try:
            if self._task is not None:
                self._task.cancel()
                await asyncio.wait([self._task])
                self._task = None
        finally:
            async with self._lock:  # a replay may be reading
                await self._close_reader()

    def subscribe(
        self, subscription: PreparedSubscription, on_slow: Callable[[], None], client: str = ""
    ) -> AsyncGenerator[bytes, None]:
        """Stream the responses as JSON, from now on or from the requested `since`.

        Raises LocatedRequestError before the first response if the stream cannot resume from `since`, or
        during the replay if the change log is pruned past it; BehindError if no database that can be reached
        has this version yet; ResourceLimitError if an event exceeds a limit; OverBudgetError if all
        subscriptions of `client` together take too much statement time; SlowConsumerError after a call of
        `on_slow`; DatabaseError, ShuttingDownError, StoreReplacedError, SubscriptionFailedError.
        """
        return self._stream(
            subscription,
            _parse(self._version_of(subscription.audience)),
            SubscriberQueue(on_slow, client),
        )

    async def _stream(
        self, subscription: PreparedSubscription, known: RequiredVersion | None, queue: SubscriberQueue
    ) -> AsyncGenerator[bytes, None]:
        self.active += 1
        try:
            catch_up = await self._start(subscription, known, queue)
            while catch_up.position is not None:
                async with self._replay_lock.acquire(queue.client):
                    events = await self._read_missed(catch_up, queue)
                for event in events:
                    yield event.body
            while True:
                yield await queue.get()
        except OverBudgetError:
            self.over_budget += 1
            raise
        finally:
            self.active -= 1
            self._leave(subscription, queue)

    async def _start(
        self, subscription: PreparedSubscription, known: RequiredVersion | None, queue: SubscriberQueue
    ) -> CatchUp:
        """Determine where to start: at `since`, or else at the version at the time of the request."""
        since = subscription.bound.since
        required = known if since is None else RequiredVersion(*since)
        lag = await self._wait_until_known(subscription.audience, required)
        async with (
            self._start_lock.acquire(queue.client),
            self._locked(),
            self._current_snapshot(() if required is None else (required,), lag) as states,
        ):
            state = states[subscription.audience]
            number = known.number if known is not None and known.epoch == state.epoch else state.number
            start = resume_point(subscription.bound, state, number)
            catch_up = CatchUp(subscription, start, start.number, PAGE_SIZE, state.epoch, self._limited)
            self._join_if_current(catch_up, queue)
            return catch_up

    async def _wait_until_known(self, audience: Audience, required: RequiredVersion | None) -> float:
        """Wait until the version is known on this server; return how long to wait for it on a replica.

        This holds no lock, as a client may invent a version.
        """
        until = monotonic() + self._max_lag
        while self._is_ahead(audience, required):
            if monotonic() >= until:
                return 0.0
            await asyncio.sleep(POLL_INTERVAL)
        return self._max_lag

    def _is_ahead(self, audience: Audience, required: RequiredVersion | None) -> bool:
        known = _parse(self._version_of(audience))
        if known is None or required is None or known.epoch != required.epoch:
            return False
        return known.number < required.number

    async def _read_missed(self, catch_up: CatchUp, queue: SubscriberQueue) -> list[Event]:
        """Read a page of missed changes; with the last page, the subscription joins its group."""
        async with self._locked(), self._current_snapshot() as states:
            state = states[catch_up.subscription.audience]
            if state.epoch != catch_up.epoch:
                raise StoreReplacedError(REPLACED)
            check_not_expired(catch_up.subscription.bound, catch_up.start, state)
            if self._join_if_current(catch_up, queue):
                return []
            events = await self._open_reader.run(partial(catch_up.read, state))
            self._join_if_current(catch_up, queue)
            return events

    def _join_if_current(self, catch_up: CatchUp, queue: SubscriberQueue) -> bool:
        """Join the group if all missed changes are delivered or read; return whether it joined."""
        number = self._delivered[catch_up.subscription.audience].number
        if catch_up.position is not None and catch_up.position < number:
            return False
        self._join(catch_up.subscription, queue, max(catch_up.position or 0, number))
        catch_up.position = None
        return True

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[None]:
        """Hold the lock and open the reader. Raises ShuttingDownError."""
        async with self._lock:
            if self._is_shut_down:
                raise ShuttingDownError(SHUTTING_DOWN)
            if self._reader is None:
                await self._open()
            if self._task is None:
                self._task = asyncio.create_task(self._poll_repeatedly())
            yield

    def _join(self, subscription: PreparedSubscription, queue: SubscriberQueue, number: int) -> None:
        queue.number = number
        if self._is_shut_down:
            queue.fail(ShuttingDownError(SHUTTING_DOWN))
        key = group_key(subscription)
        if key not in self._groups:
            self._groups[key] = SubscriberGroup(subscription)
        self._groups[key].queues.add(queue)

    def _leave(self, subscription: PreparedSubscription, queue: SubscriberQueue) -> None:
        key = group_key(subscription)
        if group := self._groups.get(key):
            group.queues.discard(queue)
            if not group.queues:
                del self._groups[key]

    @property
    def _open_reader(self) -> SnapshotReader[Snapshot]:
        assert self._reader is not None, "the reader is open"
        return self._reader

    async def _open(self) -> None:
        reader = self._new_reader()
        await reader.open()
        self._reader, self._delivered, self._progress = reader, [], {}

    async def _close_reader(self) -> None:
        if self._reader is not None:
            reader, self._reader = self._reader, None
            await reader.close()

    async def _poll_repeatedly(self) -> None:
        """Poll until there are no more subscriptions, or an unexpected error ends them."""
        pause = POLL_INTERVAL
        while True:
            await asyncio.sleep(pause)
            pause = POLL_INTERVAL
            try:
                if self.active and not self._is_due():
                    continue
                async with self._lock:
                    if self.active:
                        await self._poll()
                        self._logged_error = ""
                        continue
                    await self._stop_polling()
                    return
            except StoreReplacedError:  # `reset` is waiting for the lock
                continue
            except DatabaseError as error:  # nothing is lost: the next poll resumes this one
                if str(error) != self._logged_error:
                    log.error("%s", error)
                self._logged_error = str(error)
                pause = ERROR_BACKOFF
            except (Exception, asyncio.CancelledError):
                if is_cancelled():
                    raise
                log.exception("the subscription hub failed")
                async with self._lock:
                    self._fail(SubscriptionFailedError("The subscription hub failed."))
                    await self._stop_polling()
                return

    async def _stop_polling(self) -> None:
        """End this task; the next subscription starts another one."""
        self._task = None
        try:
            await self._close_reader()
        except Exception:
            log.exception("closing the snapshot reader failed")

    async def reset(self) -> None:
        """End all subscriptions, because another database has replaced the store. They cannot be resumed."""
        self._replaced = True  # a poll in progress may stop early
        async with self._lock:
            self._replaced = False
            self._fail(StoreReplacedError(REPLACED))
            await self._close_reader()

    def restart(self) -> None:
        """End all subscriptions, because the schema has changed. They can be resumed."""
        self._fail(SchemaChangedError(SCHEMA_CHANGED))

    def _fail(self, failure: Exception) -> None:
        """End all subscriptions with this error."""
        for group in self._groups.values():
            group.put(failure)

    def _is_due(self) -> bool:
        versions = self._versions()
        return None in versions or versions != self._polled_versions

    def _versions(self) -> list[bytes | None]:
        return [self._version_of(audience) for audience in Audience]

    async def _poll(self) -> None:
        if self._reader is None:
            await self._open()
        versions = self._versions()
        required = [version for version in map(_parse, versions) if version is not None]
        try:
            async with self._current_snapshot(required, self._max_lag):
                self._polled_versions = versions
        except BehindError as error:
            raise UnreachableDatabaseError(str(error)) from error

    @asynccontextmanager
    async def _current_snapshot(
        self, required: Sequence[RequiredVersion] = (), lag: float = 0.0
    ) -> AsyncIterator[Sequence[VersionState]]:
        """Begin a snapshot of the current content, and deliver the changes up to it.

        It has the required versions; a replica is waited for. The snapshot ends with the block. Yields its
        version states by audience. Raises StoreReplacedError if they are those of another store than before.
        """
        async with self._open_reader.snapshot(required, lag) as states:
            if not self._delivered:  # no subscription has joined yet
                self._delivered = list(states)
            if [state.epoch for state in states] != [state.epoch for state in self._delivered]:
                self._fail(StoreReplacedError(REPLACED))
                self._delivered, self._progress = list(states), {}
                raise StoreReplacedError(REPLACED)
            for scope in (0, 1):
                audiences = [audience for audience in Audience if audience.scope == scope]
                if any(states[audience] != self._delivered[audience] for audience in audiences):
                    await self._broadcast(scope)
                    for audience in audiences:
                        self._delivered[audience] = states[audience]
            yield states

    async def _broadcast(self, scope: int) -> None:
        """Deliver the changes of a scope in the snapshot to all its subscriptions, page by page."""
        after: int | None = self._delivered[scope].number
        progress = self._progress.setdefault(scope, Progress(self._delivered[scope].number))
        while after is not None:
            groups = [group for group in self._groups.values() if group.subscription.audience.scope == scope]
            page = ChangePage(groups, scope, progress, after, PAGE_SIZE, limited=self._limited)
            while not page.is_done:
                for group, result in await self._open_reader.run(page.evaluate_slice):
                    group.put(result)
                page.record_delivery()
                if self._replaced:
                    raise StoreReplacedError(REPLACED)
            after = page.next_start
        del self._progress[scope]


def _parse(version: bytes | None) -> RequiredVersion | None:
    """Parse a version `epoch-number`; None if the version is currently unknown."""
    if version is None:
        return None
    epoch, hyphen, number = version.decode().rpartition("-")
    return RequiredVersion(epoch + hyphen, int(number))
