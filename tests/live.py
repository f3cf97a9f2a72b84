"""A store that changes, and those who watch it: engine and feed over a real file, without HTTP."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import strawberry

from gqlnews.config.limits import UNLIMITED, Limits
from gqlnews.database.sqlite.read_pool import Readers
from gqlnews.database.sqlite.version_probe import Revision
from gqlnews.engine.engine import Asked, Engine, Watched
from gqlnews.ingest.change_log import MOST_REMOVED
from gqlnews.query.audience import Audience
from gqlnews.schema.build import build_schema
from gqlnews.subscriptions.hub import Feed
from tests.ingest.folder import Folder
from tests.ingest.model import open_careless, take_in

DEADLINE = 30.0
ARTICLE_CHANGED = (
    "subscription ($where: ArticleFilter, $since: String) { articleChanged(where: $where, since: $since) %s }"
)
PLAIN = ARTICLE_CHANGED % "{ kind slug version article { slug title } }"

Event = dict[str, Any]


class Watching:
    """One who watches, and reads at once: what came so far, and how it ended."""

    def __init__(self, feed: Feed, watched: Watched, client: str = "") -> None:
        self.bodies: list[bytes] = []
        self.dropped = 0
        self._came = asyncio.Event()
        self.task = asyncio.create_task(self._read(feed.watch(watched, self._drop, client)))

    def _drop(self) -> None:
        self.dropped += 1

    async def _read(self, bodies: Any) -> None:
        async with aclosing(bodies):
            async for body in bodies:
                self.bodies.append(body)
                self._came.set()

    @property
    def events(self) -> list[Event]:
        return [next(iter(json.loads(body)["data"].values())) for body in self.bodies]

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(event["kind"], event["slug"]) for event in self.events]

    async def come(self, count: int) -> list[Event]:
        """All that came, once it is so many."""
        async with asyncio.timeout(DEADLINE):
            while len(self.bodies) < count and not self.task.done():
                self._came.clear()
                await self._came.wait()
        return self.events

    async def leave(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


class Live:
    """`feed` and `engine` are those of a server of their own."""

    def __init__(self, root: Path, limits: Limits = UNLIMITED) -> None:
        self.limits = limits
        self.database = root / "store.db"
        self.folder = Folder(root / "content")
        self.writer = open_careless(self.database)
        self.revision, self.readers = Revision(), Readers()
        self.most_removed = MOST_REMOVED
        self.watching: list[Watching] = []

    async def open(self) -> None:
        await self.readers.open(self.database)
        self.revision.open(self.database)
        self.engine = Engine(self.readers.read, _schema())
        self.feed = Feed(self.database, self.revision.version, self.limits)

    async def close(self) -> None:
        for one in self.watching:
            await one.leave()
        await self.feed.close()
        self.revision.close()
        await self.readers.close()
        self.writer.close()

    def take_in(self) -> None:
        take_in(self.writer, self.folder, self.most_removed)

    def write(self, *slugs: str, **keys: Any) -> None:
        """Articles with these keys, taken in together."""
        for slug in slugs:
            self.folder.article(f"{slug}.md", url=f"https://x.example/{slug}", **keys)
        self.take_in()

    def remove(self, *slugs: str) -> None:
        for slug in slugs:
            self.folder.remove(f"{slug}.md")
        self.take_in()

    def version(self, audience: Audience = Audience.PUBLIC) -> str:
        version = self.revision.version(audience)
        assert version is not None
        return version.decode()

    def ready(self, query: str = PLAIN, audience: Audience = Audience.PUBLIC, **variables: Any) -> Watched:
        ready = self.engine.ready(Asked(query, variables), audience)
        assert isinstance(ready, Watched), ready
        return ready

    def watch(
        self, query: str = PLAIN, audience: Audience = Audience.PUBLIC, client: str = "", **variables: Any
    ) -> Watching:
        watching = Watching(self.feed, self.ready(query, audience, **variables), client)
        self.watching.append(watching)
        return watching

    async def joined(
        self, query: str = PLAIN, audience: Audience = Audience.PUBLIC, client: str = "", **variables: Any
    ) -> Watching:
        watching = self.watch(query, audience, client, **variables)
        await self.settled()
        return watching

    async def ask(
        self, query: str, audience: Audience = Audience.PUBLIC, **variables: Any
    ) -> Mapping[str, Any]:
        answer = json.loads((await self.engine.answer(Asked(query, variables), audience)).body)
        assert "errors" not in answer, answer
        data: Mapping[str, Any] = answer["data"]
        return data

    async def settled(self) -> None:
        """Until everyone who watches has joined, and has read of all that changed."""
        await until(self._is_settled)

    def _is_settled(self) -> bool:
        reading = [one for one in self.watching if not one.task.done()]
        if not reading:
            return True
        listeners = [listener for group in self.feed._groups.values() for listener in group.listeners]
        everyone = len(listeners) == len(reading) == self.feed.watching
        return everyone and not any(listener._events for listener in listeners) and self.is_current()

    def is_current(self) -> bool:
        """Whether the feed has looked at what was taken in last, and told of it."""
        if self.feed._lock.locked() or self.feed._snapshots is None:
            return False
        versions = [f"{site.line}{site.number}" for site in self.feed._snapshots.sites]
        return versions == [self.version(audience) for audience in Audience]


@cache
def _schema() -> strawberry.Schema:
    """One for all: nothing of a store is in it."""
    return build_schema()


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not happened():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.001)


@asynccontextmanager
async def living(limits: Limits = UNLIMITED) -> AsyncIterator[Live]:
    """An empty store, and a folder of its own."""
    root = Path(tempfile.mkdtemp())
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, root)
        live = Live(root, limits)
        await live.open()
        stack.push_async_callback(live.close)
        yield live


def until_so(happened: Callable[[], bool]) -> None:
    """The same of what other threads do."""
    asyncio.run(until(happened))
