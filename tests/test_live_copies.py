"""Copies of the content that apply subscription events: after each step they equal a query's result.

Some stay subscribed; others disconnect and resume from a known version, while the folder keeps
changing.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from gqlnews.engine.requests import PreparedSubscription
from gqlnews.query.entities import Audience
from gqlnews.subscriptions import groups, hub
from tests.effort import examples
from tests.ingest.histories import Edit, histories
from tests.live import ARTICLE_CHANGED, Live, Subscriber, open_live

SELECTION = """{
  slug title publishedDateTime published quality heat excerpt body topics { slug } provider { domain }
}"""
WATCH = ARTICLE_CHANGED % f"{{ kind slug version article {SELECTION} }}"
QUERY = """query ($where: ArticleFilter) {
  site { version } articles(where: $where, first: 100) { nodes %s }
}"""
CHANGES = (
    "query ($since: String) { changes(since: $since, first: 2) { version nodes { kind slug article %s } } }"
)

_SINCE_NEW_YEAR = datetime.now(UTC) - datetime(2024, 1, 1, 12, tzinfo=UTC)
WHERES: tuple[dict[str, Any] | None, ...] = (
    None,
    {},
    {"title": {"eq": "one"}},
    {"topic": {"any": ["ai"]}},
    {"published": True},
    {"published": False},
    {"matches": "café"},
    {"not": {"matches": "one"}},
    {"provider": {"eq": "p.example"}},
    {"provider": {"isNull": True}},
    {"or": [{"heat": {"gte": 1}}, {"topic": {"all": ["ai", "art"]}}]},
    {"and": [{"title": {"contains": "O"}}, {"not": {"slug": {"startsWith": "a"}}}]},
    {"publishedDateTime": {"withinLast": f"PT{_SINCE_NEW_YEAR // timedelta(hours=1)}H"}},
    {"hasImage": True},
    {"hasRelated": True},
    {"or": []},
)


@dataclass
class Copy:
    """A client's copy.

    `present` says at which steps it is subscribed, `known_by` how it learns what it missed.
    """

    audience: Audience
    where: dict[str, Any] | None
    present: list[bool]
    known_by: str
    articles: dict[str, Any] = field(default_factory=dict)
    version: str | None = None
    watching: Subscriber | None = None
    read: int = 0
    strict: bool = False  # not while it catches up, when earlier events are unknown

    def apply(self, event: dict[str, Any]) -> None:
        slug, kind = event["slug"], event["kind"]
        if self.strict:
            assert (kind == "ADDED") == (slug not in self.articles), event
        if kind == "REMOVED":
            assert event["article"] is None
            self.articles.pop(slug, None)
        else:
            self.articles[slug] = event["article"]

    def read_on(self) -> None:
        assert self.watching is not None
        for event in self.watching.events[self.read :]:
            assert self.version is None or _number(event["version"]) > _number(self.version)
            self.version = event["version"]
            self.apply(event)
        self.read = len(self.watching.events)

    async def come(self, live: Live) -> None:
        """Subscribe from the beginning at first, and later from the known version."""
        if self.known_by == "changes" and self.where is None and self.version is not None:
            await self.walk(live)
        self.read, self.strict = 0, False
        since = self.version or live.version(self.audience).partition("-")[0] + "-0"
        self.watching = live.subscribe(WATCH, self.audience, where=self.where, since=since)

    async def walk(self, live: Live) -> None:
        """Query the first page of missed changes; the subscription resumes after it."""
        changes = (await live.execute(CHANGES % SELECTION, self.audience, since=self.version))["changes"]
        for change in changes["nodes"]:
            self.apply(change)
        self.version = changes["version"]

    async def leave(self, live: Live) -> None:
        assert self.watching is not None
        await self.watching.cancel()
        self.read_on()
        live.watching.remove(self.watching)
        self.watching = None

    async def compare(self, live: Live) -> None:
        if self.watching is None:
            return
        self.read_on()
        data = await live.execute(QUERY % SELECTION, self.audience, where=self.where)
        assert self.articles == {article["slug"]: article for article in data["articles"]["nodes"]}
        self.strict = True
        if self.known_by == "site":
            self.version = data["site"]["version"]


def _number(version: str) -> int:
    return int(version.split("-")[1])


copies = st.builds(
    Copy,
    st.sampled_from(Audience),
    st.sampled_from(WHERES),
    st.lists(st.booleans(), min_size=6, max_size=6) | st.just([True] * 6),
    st.sampled_from(["event", "site", "changes"]),
)


async def follow(history: list[list[Edit]], everyone: list[Copy], settling: list[bool]) -> None:
    async with open_live() as live:
        for edits, settle, *present in zip(
            history, settling, *(copy.present for copy in everyone), strict=False
        ):
            for copy, there in zip(everyone, present, strict=True):
                if copy.watching is None and there:
                    await copy.come(live)
                elif copy.watching is not None and not there:
                    await copy.leave(live)
            for edit in edits:
                edit.do(live.folder)
            live.ingest()
            if settle:
                await live.settled()
                for copy in everyone:
                    await copy.compare(live)
        await live.settled()
        for copy in everyone:
            await copy.compare(live)
        assert not any(one.task.done() for one in live.watching)


@examples(25)
@given(
    histories,
    st.lists(copies, min_size=1, max_size=8),
    st.lists(st.booleans(), min_size=6, max_size=6),
    st.sampled_from([1, 2, 100]),
)
def test_a_copy_that_follows_is_what_a_query_gives(
    history: list[list[Edit]], everyone: list[Copy], settling: list[bool], page: int
) -> None:
    with patch.object(hub, "PAGE_SIZE", page), patch.object(hub, "POLL_INTERVAL", 0.001):
        asyncio.run(follow(history, everyone, settling))


def test_of_filters_that_read_no_clock_those_that_are_alike_are_one_group() -> None:
    def identity(watched: PreparedSubscription) -> object:
        return groups.group_key(watched)

    async def check() -> None:
        async with open_live() as live:
            for where in WHERES:
                first, second = (live.prepare(WATCH, where=where) for _ in range(2))
                assert (identity(first) == identity(second)) is not ("withinLast" in str(where))

    asyncio.run(check())
