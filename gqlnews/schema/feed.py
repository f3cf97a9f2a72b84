"""The feed: from a new version of the store to every client that watches, each change once and in order.

1. While anybody watches, the version is looked at every `TICK` seconds: a look into shared memory.
2. Where it has moved, the changes since the last look are read, a page at a time. Each is judged, and told,
   once for all clients that watch alike (`judge.py`), however many they are; they get the same bytes.
3. A client that comes begins at the version of this moment, or at its `since`: what it has missed is read
   for it, a page at a time, as fast as it reads. Then it joins those that watch alike. Between its last page
   and its joining the feed stands still: so nothing is left out, and nothing comes twice.
"""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import monotonic

from gqlnews.errors import DatabaseError, LimitError
from gqlnews.limits import UNLIMITED, Limits
from gqlnews.plan.audience import Audience
from gqlnews.schema.engine import Watched
from gqlnews.schema.judge import Judge, missed
from gqlnews.schema.listener import AnewError, EndedError, Event, FailedError, Listener
from gqlnews.schema.since import Beginning, begin_at, refuse_what_was_forgotten
from gqlnews.store.failures import explained
from gqlnews.store.snapshots import Site, Snapshot, Snapshots

log = logging.getLogger("gqlnews")

TICK = 0.02  # seconds
RENEWED = 0.1  # seconds: how old what is looked at becomes, so that the log of the database can be emptied
PAUSE = 0.5  # seconds, after a look that failed
PAGE = 100  # changes
LOOKS = 2  # until the content is that of a version: the first may be one that came to grief before it
STOPS = "The server stops."

VersionOf = Callable[[Audience], bytes | None]


@dataclass(slots=True, eq=False)
class _Group:
    """Clients that are told the same."""

    watched: Watched
    listeners: set[Listener] = field(default_factory=set)

    @property
    def audience(self) -> Audience:
        return self.watched.audience

    def put(self, told: list[Event] | Exception) -> None:
        for listener in tuple(self.listeners):
            if isinstance(told, Exception):
                listener.fail(told)
            else:
                listener.put(told)


class Feed:
    """Over the store at `path`, of which `version_of` tells the version. `close` it before the loop ends."""

    def __init__(self, path: Path, version_of: VersionOf, limits: Limits = UNLIMITED) -> None:
        self._path, self._version_of, self._limits = path, version_of, limits
        self._groups: dict[Hashable, _Group] = {}
        self._lock = asyncio.Lock()  # held by who looks, and who joins
        self._snapshots: Snapshots | None = None
        self._seen: Sequence[bytes | None] = ()
        self._looked = 0.0
        self._task: asyncio.Task[None] | None = None
        self._ended = False
        self.watching = 0  # clients

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

    def watch(self, watched: Watched, drop: Callable[[], None]) -> AsyncGenerator[bytes, None]:
        """The responses as JSON, from this moment on, or since the version that was asked for.

        Raises RefusedError before the first, where that cannot be gone on from; DatabaseError; LaggingError
        where more waits than is kept for one client, whom `drop` tells, whatever it is doing.
        """
        return self._watch(watched, _number(self._version_of(watched.audience)), drop)

    async def _watch(
        self, watched: Watched, number: int | None, drop: Callable[[], None]
    ) -> AsyncGenerator[bytes, None]:
        listener = Listener(drop)
        self.watching += 1
        try:
            beginning = await self._begin(watched, number)
            position: int | None = beginning.number
            while position is not None:
                events, position = await self._missed(watched, beginning, position, listener)
                for event in events:
                    yield event.body
            while True:
                yield await listener.take()
        finally:
            self.watching -= 1
            self._leave(watched, listener)

    async def _begin(self, watched: Watched, number: int | None) -> Beginning:
        """Where to go on from: what was asked for, or the moment that it was asked at."""
        async with self._running():
            since = watched.bound.inputs.values["since"]
            assert isinstance(since, int)
            for _ in range(LOOKS):
                if max(since, number or 0) > self._site(watched).number:
                    await self._look()
            site = self._site(watched)
            return begin_at(watched.bound, site, site.number if number is None else number)

    async def _missed(
        self, watched: Watched, beginning: Beginning, position: int, listener: Listener
    ) -> tuple[list[Event], int | None]:
        """A page of what a client has missed, and where to go on; None: it has joined those that watch."""
        async with self._running():
            site = self._site(watched)
            refuse_what_was_forgotten(watched.bound, beginning, site)
            events: list[Event] = []
            further: int | None = None
            if position < site.number:
                read = partial(_read_missed, watched, site, beginning, position)
                events, further = await self._opened.at(read)
            if further is None:
                self._join(watched, listener, max(position, site.number))
            return events, further

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
        self._groups.setdefault(_identity(watched), _Group(watched)).listeners.add(listener)

    def _leave(self, watched: Watched, listener: Listener) -> None:
        identity = _identity(watched)
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
                        continue
                except DatabaseError as error:  # nothing is lost: the next look goes on with this one
                    log.error("%s", error)
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
        async with self._lock:
            self._fail(AnewError("The store was made anew."))
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
        """Tell all that watch a scope what has changed in it."""
        groups = [group for group in self._groups.values() if group.audience.scope == scope]
        after: int | None = self._opened.sites[scope].number
        while groups and after is not None:
            told, after = await self._opened.both(partial(_read, groups, scope, after))
            for group, events in zip(groups, told, strict=True):
                group.put(events)


def _number(version: bytes | None) -> int | None:
    """`line-number`, of which the store may not tell right now."""
    return None if version is None else int(version.rpartition(b"-")[2])


def _identity(watched: Watched) -> Hashable:
    """Equal for those that are told the same; what reads the clock is told at moments of its own."""
    return id(watched) if watched.bound.inputs.clock else (watched.audience, watched.bound.identity)


def _read_missed(
    watched: Watched, site: Site, beginning: Beginning, position: int, now: Snapshot
) -> tuple[list[Event], int | None]:
    changes, further = missed(now, watched.audience.scope, beginning, position, PAGE)
    return Judge(changes, beginning.number, now).events(watched.renewed(), site), further


def _read(
    groups: Sequence[_Group], scope: int, after: int, before: Snapshot, now: Snapshot
) -> tuple[list[list[Event] | Exception], int | None]:
    """A page of changes as each group is told of them, and where to go on."""
    changes = now.changes(scope, after, PAGE)
    judge = Judge(changes, before, now)
    told = [_told(group, judge, now) for group in groups]
    return told, changes[-1].number if len(changes) == PAGE else None


def _told(group: _Group, judge: Judge, now: Snapshot) -> list[Event] | Exception:
    """The statement of one group may fail; where the database does, all stop."""
    try:
        return judge.events(group.watched.renewed(), now.sites[group.audience])
    except LimitError as error:
        return error
    except Exception as error:
        if isinstance(error, sqlite3.Error) and explained(error, "") is not None:
            raise
        log.error("a subscription failed", exc_info=error)
        return FailedError("A subscription failed.")
