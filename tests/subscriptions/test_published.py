"""Subscribers of a PostgreSQL store get the same bytes as those of the SQLite store that it is made of."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gqlnews.database.postgresql.snapshots import PostgresSnapshot
from gqlnews.database.sqlite.connection import read_custom_fields
from gqlnews.errors import BehindError
from gqlnews.ingest import change_log
from gqlnews.query.entities import Audience
from gqlnews.schema.query import build_schema
from gqlnews.subscriptions import hub
from gqlnews.subscriptions.change_filter import ChangeFilter
from gqlnews.subscriptions.subscriber_queue import Event, StoreReplacedError
from tests.effort import WITHOUT_SHRINKING, examples
from tests.ingest.histories import Edit, histories
from tests.ingest.model import open_careless, run_ingest
from tests.live import ARTICLE_CHANGED, Live, Subscriber
from tests.postgresql import Cluster
from tests.published import PublishedLive, open_published
from tests.subscriptions.test_before_images import BARE, FILTERS, FULL

WHOLE = ARTICLE_CHANGED % (
    "{ kind slug version article { title topics { slug name } authors { name } provider { name } heat"
    " related { title } referencedBy(first: 3) { totalCount } similar { slug } image { url } } }"
)
Check = Callable[[Live, PublishedLive], Awaitable[None]]


class Pair:
    """The same subscription on both stores."""

    def __init__(self, live: Live, twin: PublishedLive, **options: Any) -> None:
        self.options = options
        self.stored: Subscriber = live.subscribe(**options)
        self.published: Subscriber = twin.subscribe(**options)

    def assert_equal(self) -> None:
        for subscriber in (self.stored, self.published):
            assert not subscriber.task.done(), subscriber.task
        assert self.published.bodies == self.stored.bodies, self.options


def run_check(cluster: Cluster, check: Check) -> None:
    async def run() -> None:
        async with open_published(cluster) as (live, twin):
            with patch.object(hub, "ERROR_BACKOFF", 0.01):
                await check(live, twin)

    asyncio.run(run())


async def settle(*feeds: Live) -> None:
    for feed in feeds:
        await feed.settled()


@examples(12, quick=4, phases=WITHOUT_SHRINKING)
@given(
    histories,
    st.lists(st.sampled_from(FILTERS), min_size=4, max_size=6, unique_by=repr),
    st.sampled_from([1, 2, 100]),
    st.data(),
)
def test_both_feeds_deliver_the_same_events(
    postgresql: Cluster,
    history: list[list[Edit]],
    wheres: list[dict[str, Any]],
    page_size: int,
    data: st.DataObject,
) -> None:
    """Live, and resumed from any version, with pages of any size."""

    async def check(live: Live, twin: PublishedLive) -> None:
        audiences = (Audience.PUBLIC, Audience.EDITOR)
        pairs = [Pair(live, twin, where=where, audience=each) for where in wheres for each in audiences]
        versions = []
        for edits in history:
            for edit in edits:
                edit.do(live.folder)
            twin.ingest()
            await settle(live, twin)
            audience = data.draw(st.sampled_from(audiences))
            versions.append((audience, data.draw(st.sampled_from(wheres)), live.version(audience)))
        pairs += [
            Pair(live, twin, query=WHOLE, where=where, audience=audience, since=since)
            for audience, where, since in versions
        ]
        await settle(live, twin)
        for pair in pairs:
            pair.assert_equal()

    with patch.object(hub, "PAGE_SIZE", page_size):
        run_check(postgresql, check)


def test_each_filter_is_judged_the_same_before_and_after(postgresql: Cluster) -> None:
    async def check(live: Live, twin: PublishedLive) -> None:
        audiences = (Audience.PUBLIC, Audience.EDITOR)
        pairs = [Pair(live, twin, where=where, audience=each) for where in FILTERS for each in audiences]
        start = {each: live.version(each) for each in (Audience.PUBLIC, Audience.OPEN)}
        for keys in (FULL, BARE, FULL, None, BARE, FULL):
            for slug in ("a", "sub/deep/b"):
                if keys is None:
                    live.folder.remove(f"{slug}.md")
                else:
                    live.folder.article(f"{slug}.md", url=f"https://example.com/{slug}", **keys)
            twin.ingest()
            await settle(live, twin)
        pairs += [
            Pair(live, twin, where=where, audience=each, since=since)
            for where in FILTERS
            for each, since in start.items()
        ]
        await settle(live, twin)
        assert all(pair.stored.bodies for pair in pairs if pair.options["where"] == {})
        for pair in pairs:
            pair.assert_equal()

    run_check(postgresql, check)


CONFIG = """
[fields.sponsor]
filter = true
[fields.labels]
type = ["String"]
filter = true
[fields.ratio]
type = "Float"
filter = true
[fields.checked]
type = "Boolean"
filter = true
[fields.internal]
filter = true
visible-to = "editors"
"""
CUSTOM = ARTICLE_CHANGED % "{ kind slug version article { sponsor labels ratio checked } }"
CUSTOM_FILTERS: list[dict[str, Any]] = [
    {"sponsor": {"eq": "S"}},
    {"not": {"sponsor": {"eq": "S"}}},
    {"labels": {"any": ["x"]}},
    {"ratio": {"gt": 1.25}},
    {"checked": True},
    {"checked": False},
]


def test_custom_fields_are_judged_and_rendered_the_same(postgresql: Cluster) -> None:
    async def check(live: Live, twin: PublishedLive) -> None:
        live.folder.write("gqlnews.toml", CONFIG)
        twin.ingest()
        schema = build_schema(read_custom_fields(live.database))
        for feed in (live, twin):
            feed.engine.use_schema(schema)
        pairs = [
            Pair(live, twin, query=CUSTOM, where=where, audience=each)
            for where in CUSTOM_FILTERS
            for each in Audience
        ]
        pairs += [Pair(live, twin, query=CUSTOM, where={"internal": {"eq": "I"}}, audience=Audience.EDITOR)]
        for keys in (
            {"sponsor": "S", "labels": ["x", "y\nz"], "ratio": 1.5, "checked": True, "internal": "I"},
            {"sponsor": "T", "labels": [], "ratio": 1, "checked": False},
            {},
            {"sponsor": "S", "labels": ["x"], "ratio": 2.0, "checked": True, "internal": "I"},
        ):
            twin.write("a", **keys)
            await settle(live, twin)
        assert all(pair.stored.bodies for pair in pairs)
        for pair in pairs:
            pair.assert_equal()

    run_check(postgresql, check)


def test_without_images_both_report_all_that_may_have_left_the_filter(
    postgresql: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_log, "MAX_BEFORE_IMAGES", 1)

    async def check(live: Live, twin: PublishedLive) -> None:
        twin.write("in", "never", title="T")
        twin.write("never", title="U")
        version = live.version()
        for slug, keys in (("in", {"heat": 1}), ("new", {}), ("new", {"heat": 1})):
            twin.write(slug, title="T", **keys)
        twin.write("never", title="V")
        pair = Pair(live, twin, where={"title": {"eq": "T"}}, since=version)
        await settle(live, twin)
        assert ("REMOVED", "never") in pair.stored.changes
        pair.assert_equal()

    run_check(postgresql, check)


# Lost connections.

TERMINATE = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'gqlnews serve%'
"""


def terminate(twin: PublishedLive) -> None:
    """End the backends of all readers, and wait until they are gone."""
    twin.published.execute(TERMINATE)
    gone = TERMINATE.replace("count(pg_terminate_backend(pid))", "count(*)")
    while twin.published.execute(gone):
        pass


@pytest.mark.parametrize("after", [0, 2, 3])
def test_a_lost_connection_loses_no_event_and_repeats_none(postgresql: Cluster, after: int) -> None:
    """It is lost while a page of changes is evaluated, and again between two polls."""

    async def check(live: Live, twin: PublishedLive) -> None:
        pairs = [Pair(live, twin, where=where) for where in ({}, {"matches": "one"}, {"title": {"eq": "T"}})]
        await settle(live, twin)
        calls, events = [0], ChangeFilter.events

        def lose(self: ChangeFilter, *arguments: Any) -> list[Event]:
            calls[0] += isinstance(self._now, PostgresSnapshot)
            if calls[0] == after + 1:
                calls[0] += 1
                terminate(twin)
            return events(self, *arguments)

        with patch.object(hub, "PAGE_SIZE", 2), patch.object(ChangeFilter, "events", lose):
            twin.write("a", "b", "c", title="T")
            await settle(live, twin)
            assert calls[0] > after
        terminate(twin)
        twin.write("b", "c", title="one")
        twin.remove("a")
        await settle(live, twin)
        for pair in pairs:
            pair.assert_equal()

    run_check(postgresql, check)


def test_another_store_ends_the_subscriptions(postgresql: Cluster, tmp_path: Path) -> None:
    async def check(live: Live, twin: PublishedLive) -> None:
        twin.write("a")
        before = await twin.subscribed()
        live.writer.close()
        live.database = twin.database = tmp_path / "other.db"
        live.writer = open_careless(live.database)
        run_ingest(live.writer, live.folder)
        twin.published.load(live.database)
        await asyncio.wait([before.task])
        assert isinstance(before.task.exception(), StoreReplacedError)

    run_check(postgresql, check)


def test_a_version_that_the_database_has_not_reached_yet_is_delivered_when_it_has(
    postgresql: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    """As with a replica that lags behind the host of which the server has polled the version."""

    async def check(live: Live, twin: PublishedLive) -> None:
        watching = await twin.subscribed()
        live.write("a")
        twin.know_versions()
        late = twin.subscribe()
        await asyncio.wait([late.task])
        assert isinstance(late.task.exception(), BehindError)
        twin.publish()
        await watching.wait_for_events(1)
        assert watching.changes == [("ADDED", "a")]

    run_check(postgresql, check)
    assert len(caplog.records) <= 1
