"""A store that changes and its subscribers: engine and feed over a real file, without HTTP."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

from gqlnews.config.settings import UNLIMITED, Limits
from gqlnews.database.sqlite.inline_executor import InlineExecutor
from gqlnews.database.sqlite.read_pool import ReadPool
from gqlnews.database.sqlite.snapshots import SqliteSnapshotReader
from gqlnews.engine.engine import Engine
from gqlnews.engine.requests import GraphQLRequest, PreparedSubscription
from gqlnews.ingest.change_log import MAX_REMOVED
from gqlnews.query.entities import Audience
from gqlnews.schema.query import NewsSchema, build_schema
from gqlnews.subscriptions.hub import SubscriptionHub
from tests.ingest.folder import Folder
from tests.ingest.model import open_careless, run_ingest
from tests.store import PoolStore

DEADLINE = 30.0
ARTICLE_CHANGED = (
    "subscription ($where: ArticleFilter, $since: String) { articleChanged(where: $where, since: $since) %s }"
)
PLAIN = ARTICLE_CHANGED % "{ kind slug version article { slug title } }"

Event = dict[str, Any]


class Subscriber:
    """A subscriber that reads without delay, its events so far, and how it ended."""

    def __init__(self, hub: SubscriptionHub, subscription: PreparedSubscription, client: str = "") -> None:
        self.bodies: list[bytes] = []
        self.dropped = 0
        self._came = asyncio.Event()
        self.task = asyncio.create_task(self._read(hub.subscribe(subscription, self._on_slow, client)))

    def _on_slow(self) -> None:
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
    def changes(self) -> list[tuple[str, str]]:
        return [(event["kind"], event["slug"]) for event in self.events]

    async def wait_for_events(self, count: int) -> list[Event]:
        """Wait for `count` events, and return all received so far."""
        async with asyncio.timeout(DEADLINE):
            while len(self.bodies) < count and not self.task.done():
                self._came.clear()
                await self._came.wait()
        return self.events

    async def cancel(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


class Live:
    """An engine and a feed over their own store, as in a server."""

    def __init__(self, root: Path, limits: Limits = UNLIMITED) -> None:
        self.limits = limits
        self.database = root / "store.db"
        self.folder = Folder(root / "content")
        self.writer = open_careless(self.database)
        self.revision, self.readers = InlineExecutor(), ReadPool()
        self.max_removed = MAX_REMOVED
        self.watching: list[Subscriber] = []

    async def open(self) -> None:
        await self.readers.open(self.database)
        self.revision.open(self.database)
        self.engine = Engine(PoolStore(self.readers), _schema())
        self.hub = SubscriptionHub(self.new_reader, self.revision.version, self.limits)

    def new_reader(self) -> SqliteSnapshotReader:
        return SqliteSnapshotReader(self.database, self.limits)

    async def close(self) -> None:
        for one in self.watching:
            await one.cancel()
        await self.hub.close()
        self.revision.close()
        await self.readers.close()
        self.writer.close()

    def ingest(self) -> None:
        run_ingest(self.writer, self.folder, self.max_removed)

    def write(self, *slugs: str, **keys: Any) -> None:
        """Write articles with these keys, and ingest them together."""
        for slug in slugs:
            self.folder.article(f"{slug}.md", url=f"https://x.example/{slug}", **keys)
        self.ingest()

    def remove(self, *slugs: str) -> None:
        for slug in slugs:
            self.folder.remove(f"{slug}.md")
        self.ingest()

    def version(self, audience: Audience = Audience.PUBLIC) -> str:
        version = self.revision.version(audience)
        assert version is not None
        return version.decode()

    def prepare(
        self, query: str = PLAIN, audience: Audience = Audience.PUBLIC, **variables: Any
    ) -> PreparedSubscription:
        ready = self.engine.prepare(GraphQLRequest(query, variables), audience)
        assert isinstance(ready, PreparedSubscription), ready
        return ready

    def subscribe(
        self, query: str = PLAIN, audience: Audience = Audience.PUBLIC, client: str = "", **variables: Any
    ) -> Subscriber:
        watching = Subscriber(self.hub, self.prepare(query, audience, **variables), client)
        self.watching.append(watching)
        return watching

    async def subscribed(
        self, query: str = PLAIN, audience: Audience = Audience.PUBLIC, client: str = "", **variables: Any
    ) -> Subscriber:
        watching = self.subscribe(query, audience, client, **variables)
        await self.settled()
        return watching

    async def execute(
        self, query: str, audience: Audience = Audience.PUBLIC, **variables: Any
    ) -> Mapping[str, Any]:
        answer = json.loads((await self.engine.execute(GraphQLRequest(query, variables), audience)).body)
        assert "errors" not in answer, answer
        data: Mapping[str, Any] = answer["data"]
        return data

    async def settled(self) -> None:
        """Wait until every subscriber has joined and has read all changes."""
        await until(self._is_settled)

    def _is_settled(self) -> bool:
        reading = [one for one in self.watching if not one.task.done()]
        if not reading:
            return True
        listeners = [listener for group in self.hub._groups.values() for listener in group.queues]
        everyone = len(listeners) == len(reading) == self.hub.active
        return everyone and not any(listener._events for listener in listeners) and self.is_current()

    def is_current(self) -> bool:
        """Whether the feed has polled the latest ingest and broadcast it."""
        if self.hub._lock.locked() or self.hub._reader is None:
            return False
        versions = [f"{site.epoch}{site.number}" for site in self.hub._delivered]
        return versions == [self.version(audience) for audience in Audience]


async def trace_statements(live: Live, trace: Callable[[str], None]) -> None:
    """Call `trace` with each statement of the feed from now on."""
    reader = live.hub._reader
    assert isinstance(reader, SqliteSnapshotReader)

    def begin() -> None:
        assert reader._db is not None
        reader._db.set_trace_callback(trace)

    await reader._run(begin)


@cache
def _schema() -> NewsSchema:
    """One schema for all tests; it holds no data of a store."""
    return build_schema()


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not happened():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.001)


@asynccontextmanager
async def open_live(limits: Limits = UNLIMITED) -> AsyncIterator[Live]:
    """An empty store with its own folder."""
    root = Path(tempfile.mkdtemp())
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, root)
        live = Live(root, limits)
        await live.open()
        stack.push_async_callback(live.close)
        yield live


def wait_until(happened: Callable[[], bool]) -> None:
    """Wait for a condition that depends on other threads."""
    asyncio.run(until(happened))
