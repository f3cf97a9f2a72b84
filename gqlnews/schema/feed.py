"""The feed: from a new version of the store to every client that watches, each change once and in order.

1. While anybody watches, the version is looked at every `TICK` seconds: a look into shared memory.
2. Where it has moved, the changes since the last look are read, a page at a time. Each is judged, and told,
   once for all clients that watch alike (`groups.py`), however many they are; they get the same bytes.
3. A client that comes begins at the version of this moment, or at its `since`: what it has missed is read
   for it, a page at a time (`catch_up.py`), as fast as it reads. Then it joins those that watch alike.
   Between its last page and its joining the feed stands still: so nothing is left out, and nothing comes
   twice.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from time import monotonic

from gqlnews.errors import DatabaseError
from gqlnews.limits import UNLIMITED, Limits
from gqlnews.plan.audience import Audience
from gqlnews.schema.budget import OverBudgetError
from gqlnews.schema.catch_up import CatchUp, Turns
from gqlnews.schema.engine import Watched
from gqlnews.schema.groups import Group, Page, identity_of
from gqlnews.schema.listener import AnewError, EndedError, Event, FailedError, Listener
from gqlnews.schema.since import begin_at, refuse_what_was_forgotten
from gqlnews.store.snapshots import Site, Snapshots

log = logging.getLogger("gqlnews")

TICK = 0.02  # seconds
RENEWED = 0.1  # seconds: how old what is looked at becomes, so that the log of the database can be emptied
PAUSE = 0.5  # seconds, after a look that failed
PAGE = 100  # changes
LOOKS = 2  # until the content is that of a version: the first may be one that came to grief before it
STOPS = "The server stops."
REPLACED = "The store was made anew."

VersionOf = Callable[[Audience], bytes | None]


class Feed:
    """Over the store at `path`, of which `version_of` tells the version. `close` it before the loop ends."""

    def __init__(self, path: Path, version_of: VersionOf, limits: Limits = UNLIMITED) -> None:
        self._path, self._version_of, self._limits = path, version_of, limits
        self._limited = limits.seconds > 0
        self._groups: dict[Hashable, Group] = {}
        self._lock = asyncio.Lock()  # held by who looks, and who joins
        self._turns = Turns()  # for catching up, so that one page at most stands before a look
        self._entrance = Turns()  # for beginning: so that of many that come, one at most stands before a look
        self._snapshots: Snapshots | None = None
        self._seen: Sequence[bytes | None] = ()
        self._looked = 0.0
        self._task: asyncio.Task[None] | None = None
        self._ended = False
        self._logged = ""  # the error of the last look, if it failed
        self._replaced = False
        self.watching = 0  # clients
        self.over_budget = 0  # subscriptions that ended so

    def end(self) -> None:
        """Tell every client that nothing comes any more: the server stops."""
        self._ended = True
        self._fail(EndedError(STOPS))

    async def close(self) -> None:
        self.end()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        await self._rest()

    def watch(
        self, watched: Watched, drop: Callable[[], None], client: str = ""
    ) -> AsyncGenerator[bytes, None]:
        """The responses as JSON, from this moment on, or since the version that was asked for.

        Raises RefusedError before the first, where that cannot be gone on from; DatabaseError; LaggingError
        where more waits than is kept for one client, whom `drop` tells, whatever it is doing;
        OverBudgetError where all subscriptions of `client` together take too much statement time.
        """
        return self._watch(watched, _number(self._version_of(watched.audience)), Listener(drop, client))

    async def _watch(
        self, watched: Watched, number: int | None, listener: Listener
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

    async def _begin(self, watched: Watched, number: int | None, listener: Listener) -> CatchUp:
        """Where to go on from: what was asked for, or the moment that it was asked at."""
        async with self._entrance.taken(listener.client), self._running():
            since = watched.bound.inputs.values["since"]
            assert isinstance(since, int)
            for _ in range(LOOKS):
                if max(since, number or 0) > self._site(watched).number:
                    await self._look()
            site = self._site(watched)
            beginning = begin_at(watched.bound, site, site.number if number is None else number)
            missed = CatchUp(watched, beginning, beginning.number, PAGE, self._limited)
            self._join_if_current(missed, listener)
            return missed

    async def _missed(self, missed: CatchUp, listener: Listener) -> list[Event]:
        """A page of what a client has missed; after the last it has joined those that watch."""
        async with self._running():
            site = self._site(missed.watched)
            refuse_what_was_forgotten(missed.watched.bound, missed.beginning, site)
            if self._join_if_current(missed, listener):
                return []
            events = await self._opened.at(partial(missed.read, site))
            self._join_if_current(missed, listener)
            return events

    def _join_if_current(self, missed: CatchUp, listener: Listener) -> bool:
        """Where nothing is missed any more, go on with those that watch."""
        number = self._site(missed.watched).number
        if missed.position is not None and missed.position < number:
            return False
        self._join(missed.watched, listener, max(missed.position or 0, number))
        missed.position = None
        return True

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        """The feed stands still, and is there. Raises EndedError."""
        async with self._lock:
            if self._ended:
                raise EndedError(STOPS)
            if self._snapshots is None:
                await self._open()
            yield

    def _join(self, watched: Watched, listener: Listener, number: int) -> None:
        listener.number = number
        if self._ended:
            listener.fail(EndedError(STOPS))
        identity = identity_of(watched)
        if identity not in self._groups:
            self._groups[identity] = Group(watched)
        self._groups[identity].listeners.add(listener)

    def _leave(self, watched: Watched, listener: Listener) -> None:
        identity = identity_of(watched)
        if group := self._groups.get(identity):
            group.listeners.discard(listener)
            if not group.listeners:
                del self._groups[identity]

    @property
    def _opened(self) -> Snapshots:
        assert self._snapshots is not None, "it is open"
        return self._snapshots

    def _site(self, watched: Watched) -> Site:
        return self._opened.sites[watched.audience]

    async def _open(self) -> None:
        snapshots = Snapshots(self._limits)
        await snapshots.open(self._path)
        self._snapshots = snapshots
        if self._task is None:
            self._task = asyncio.create_task(self._follow())

    async def _rest(self) -> None:
        if self._snapshots is not None:
            snapshots, self._snapshots = self._snapshots, None
            await snapshots.close()

    async def _follow(self) -> None:
        """Look again and again, while anybody watches."""
        pause = TICK
        while True:
            await asyncio.sleep(pause)
            pause = TICK
            if self.watching and not self._is_due():
                continue
            async with self._lock:
                try:
                    if self.watching:
                        await self._look()
                        self._logged = ""
                        continue
                except AnewError:  # `begin_anew` waits for the lock
                    continue
                except DatabaseError as error:  # nothing is lost: the next look goes on with this one
                    if str(error) != self._logged:
                        log.error("%s", error)
                    self._logged = str(error)
                    pause = PAUSE
                    continue
                except Exception:
                    log.exception("the feed failed")
                    self._fail(FailedError("The feed failed."))
                self._task = None
                await self._rest()
                return

    async def begin_anew(self) -> None:
        """Another database has taken the place of the one that was looked at: who watches starts afresh."""
        self._replaced = True  # a look that has begun need not come to its end
        async with self._lock:
            self._replaced = False
            self._fail(AnewError(REPLACED))
            await self._rest()

    def _fail(self, failure: Exception) -> None:
        """For all who watch."""
        for group in self._groups.values():
            group.put(failure)

    def _is_due(self) -> bool:
        versions = [self._version_of(audience) for audience in Audience]
        return versions != self._seen or monotonic() - self._looked > RENEWED

    async def _look(self) -> None:
        if self._snapshots is None:
            await self._open()
        versions = [self._version_of(audience) for audience in Audience]
        async with self._opened.looking() as changed:
            if changed:
                for scope in (0, 1):
                    await self._tell(scope)
        self._seen, self._looked = versions, monotonic()

    async def _tell(self, scope: int) -> None:
        """Deliver what has changed in a scope to all that watch it, a page at a time."""
        after: int | None = self._opened.sites[scope].number
        while after is not None:
            groups = [group for group in self._groups.values() if group.watched.audience.scope == scope]
            page = Page(groups, scope, after, PAGE, limited=self._limited)
            while not page.is_done:
                for group, result in await self._opened.both(page.judge_some):
                    group.put(result)
                if self._replaced:
                    raise AnewError(REPLACED)
            after = page.further


def _number(version: bytes | None) -> int | None:
    """`line-number`, of which the store may not tell right now."""
    return None if version is None else int(version.rpartition(b"-")[2])
