"""Filters judged from before-images agree with queries over the content before and after changes."""

import asyncio
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gqlnews.database.protocol import timeout_error
from gqlnews.database.sqlite.snapshots import SqliteSnapshot
from gqlnews.ingest import change_log
from gqlnews.query.entities import Audience
from gqlnews.subscriptions import hub
from tests.effort import WITHOUT_SHRINKING, examples
from tests.ingest.histories import Edit, histories
from tests.live import Live, Subscriber, open_live

MATCHING = "query ($where: ArticleFilter) { articles(first: 100, where: $where) { nodes { slug } } }"
PUBLIC, OPEN, EDITOR = Audience

WORDS = ["one", "cafe", "twice", '"word by"', "tw*", "title:two", "P", "R OR ai", "one -two", "body", ""]
FILTERS: list[dict[str, Any]] = [
    {},
    *({"matches": words} for words in WORDS),
    *({"not": {"matches": words}} for words in ("one", "title:two", "ai")),
    {"or": [{"matches": "two"}, {"topic": {"any": ["ai"]}}]},
    {"and": [{"not": {"matches": "cafe"}}, {"provider": {"isNull": False}}]},
    {"title": {"contains": "N"}},
    {"title": {"eq": "one"}},
    {"slug": {"startsWith": "sub/"}},
    {"topic": {"all": ["ai", "art"]}},
    {"topic": {"none": ["ai"]}},
    {"author": {"any": ["ann"]}},
    {"provider": {"eq": "p.example"}},
    {"provider": {"isNull": True}},
    {"language": {"ne": "en"}},
    {"quality": {"gt": 36}},
    {"quality": {"isNull": True}},
    {"not": {"heat": {"gte": 1}}},
    {"section": {"under": "sub"}},
    {"section": {"eq": "sub/deep"}},
    {"publishedDateTime": {"gt": "2024-01-01T12:00:00Z"}},
    {"modifiedDateTime": {"lt": "2025-01-01T00:00:00Z"}},
    {"updatedAt": {"gte": "2023-11-14T22:13:25Z"}},
    {"published": False},
    {"published": True},
    {"hasImage": True},
    {"hasRelated": True},
    {"type": {"eq": "article"}},
    {"category": {"isNull": True}},
]


class Copy:
    """A client's copy of what matches a filter: filled by a query, then updated by events."""

    def __init__(
        self, subscriber: Subscriber, where: dict[str, Any], audience: Audience, slugs: set[str]
    ) -> None:
        self.subscriber, self.where, self.audience, self.slugs = subscriber, where, audience, set(slugs)

    def apply_events(self) -> None:
        """Apply all events; each must fit to what the copy has."""
        for kind, slug in self.subscriber.changes:
            assert (kind == "ADDED") == (slug not in self.slugs), (self.where, kind, slug, self.slugs)
            (self.slugs.discard if kind == "REMOVED" else self.slugs.add)(slug)


async def matching(live: Live, where: dict[str, Any], audience: Audience) -> set[str]:
    data = await live.execute(MATCHING, audience, where=where)
    return {node["slug"] for node in data["articles"]["nodes"]}


async def start_copies(live: Live, wheres: list[dict[str, Any]], audiences: list[Audience]) -> list[Copy]:
    """Query, then subscribe at the version of the queries."""
    copies = []
    for audience in audiences:
        version = live.version(audience)
        for where in wheres:
            slugs = await matching(live, where, audience)
            subscriber = live.subscribe(audience=audience, where=where, since=version)
            copies.append(Copy(subscriber, where, audience, slugs))
    return copies


@examples(100, quick=15, phases=WITHOUT_SHRINKING)
@given(
    histories,
    st.lists(st.sampled_from(FILTERS), min_size=4, max_size=6, unique_by=repr),
    st.sampled_from([1, 2, 100]),
    st.data(),
)
def test_a_copy_that_follows_events_equals_a_query(
    history: list[list[Edit]], wheres: list[dict[str, Any]], page_size: int, data: st.DataObject
) -> None:
    """From any version on, live or resumed, with pages of any size, also while the content changes."""

    async def run() -> None:
        async with open_live() as live:
            versions: list[tuple[Audience, dict[str, Any], str, set[str]]] = []
            live_copies = await start_copies(live, wheres, [PUBLIC, EDITOR])
            for edits in history:
                for edit in edits:
                    edit.do(live.folder)
                live.ingest()
                for audience in (PUBLIC, OPEN):
                    where = data.draw(st.sampled_from(wheres))
                    slugs = await matching(live, where, audience)
                    versions.append((audience, where, live.version(audience), slugs))
                if data.draw(st.booleans()):
                    await live.settled()
            resumed = [
                Copy(live.subscribe(audience=audience, where=where, since=version), where, audience, slugs)
                for audience, where, version, slugs in versions
            ]
            for edit in data.draw(st.sampled_from(history)):  # while the replays may be running
                edit.do(live.folder)
                await asyncio.sleep(0)
                live.ingest()
            await live.settled()
            for copy in (*live_copies, *resumed):
                copy.apply_events()
                assert copy.slugs == await matching(live, copy.where, copy.audience), copy.where

    with patch.object(hub, "PAGE_SIZE", page_size):
        asyncio.run(run())


FULL: dict[str, Any] = {
    "title": "one",
    "excerpt": "Café twice, word by",
    "publishedDateTime": "2024-01-02",
    "modifiedDateTime": "2024-02-02",
    "provider": {"domain": "p.example", "name": "P"},
    "topics": ["AI", "Art"],
    "authors": ["Ann"],
    "language": "en",
    "quality": 40,
    "heat": 2,
    "category": "news",
    "images": [{"url": "https://example.com/a.png", "width": 1, "height": 1}],
    "related": [{"title": "R", "webUrl": "https://example.com/r"}],
}
BARE: dict[str, Any] = {"title": "two", "published": False}


@pytest.mark.parametrize("where", FILTERS, ids=repr)
def test_each_filter_is_judged_before_and_after(where: dict[str, Any]) -> None:
    """One article that has everything, one that has nothing; each becomes the other, goes, and comes back."""

    async def run() -> None:
        async with open_live() as live:
            copies = await start_copies(live, [where], list(Audience))
            for keys in (FULL, BARE, FULL, None, BARE, FULL):
                for slug in ("a", "sub/deep/b"):
                    if keys is None:
                        live.folder.remove(f"{slug}.md")
                    else:
                        live.folder.article(f"{slug}.md", url=f"https://example.com/{slug}", **keys)
                live.ingest()
                await live.settled()
                copies += await start_copies(live, [where], [PUBLIC, EDITOR])
            await live.settled()
            for copy in copies:
                copy.apply_events()
                assert copy.slugs == await matching(live, where, copy.audience)

    asyncio.run(run())


def test_a_resumed_subscription_reports_only_what_left_its_filter() -> None:
    async def run() -> None:
        async with open_live() as live:
            live.write("in", "out", "gone", title="T")
            live.write("never", "also-never", title="U")
            version = live.version()
            live.write("in", title="T", heat=1)
            live.write("out", title="U")
            live.write("never", title="V")
            live.remove("gone", "also-never")
            again = await live.subscribed(where={"title": {"eq": "T"}}, since=version)
            assert again.changes == [("UPDATED", "in"), ("REMOVED", "out"), ("REMOVED", "gone")]

    asyncio.run(run())


def test_a_public_removal_is_delivered_if_more_articles_are_removed_than_the_log_keeps() -> None:
    async def run() -> None:
        async with open_live() as live:
            live.max_removed = 1
            live.write("a")
            live.write("b", published=False)
            watching = await live.subscribed()
            version = live.version()
            live.remove("a", "b")  # the log of all articles forgets the removal of a
            await live.settled()
            again = await live.subscribed(since=version)
            assert watching.changes == again.changes == [("REMOVED", "a")]

    asyncio.run(run())


def test_a_replay_that_has_no_time_for_texts_tries_a_smaller_page() -> None:
    async def run() -> None:
        async with open_live() as live:
            slugs = [f"s{number:02}" for number in range(30)]
            live.write(*slugs, title="one")
            version = live.version()
            live.write(*slugs, title="two")
            loaded: list[int] = []
            load = SqliteSnapshot.load_texts

            def load_few(self: SqliteSnapshot, images: list[int]) -> None:
                loaded.append(len(images))
                if len(images) > 10:
                    raise timeout_error()
                load(self, images)

            with patch.object(SqliteSnapshot, "load_texts", load_few):
                late = await live.subscribed(where={"matches": "one"}, since=version)
            assert late.changes == [("REMOVED", slug) for slug in slugs]
            assert loaded[0] == 30

    asyncio.run(run())


def test_without_images_a_resumed_subscription_reports_all_that_may_have_left_its_filter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(change_log, "MAX_BEFORE_IMAGES", 1)

    async def run() -> None:
        async with open_live() as live:
            live.write("in", "never", title="T")
            live.write("never", title="U")
            version = live.version()
            live.write("in", title="T", heat=1)
            live.write("never", title="V")
            live.write("new", title="T")
            live.write("new", title="T", heat=1)
            again = await live.subscribed(where={"title": {"eq": "T"}}, since=version)
            assert again.changes == [("UPDATED", "in"), ("REMOVED", "never"), ("ADDED", "new")]

    asyncio.run(run())


def test_a_large_text_is_searched_even_if_it_exceeds_the_limit_of_responses() -> None:
    async def run() -> None:
        from gqlnews.config.settings import Limits

        async with open_live(Limits(max_response_bytes=5_000)) as live:
            watching = await live.subscribed(where={"matches": "needle"})
            live.folder.write("a.md", _article("word " * 5_000 + "needle"))
            live.ingest()
            await watching.wait_for_events(1)
            live.folder.write("a.md", _article("word " * 5_000))
            live.ingest()
            await watching.wait_for_events(2)
            assert watching.changes == [("ADDED", "a"), ("REMOVED", "a")]

    asyncio.run(run())


def _article(body: str) -> str:
    front = 'title: T\npublishedDateTime: 2024-01-01\nwebUrl: "https://example.com/a"'
    return f"---\n{front}\n---\n{body}\n"
