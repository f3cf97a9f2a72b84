"""A configuration that is edited while clients read and watch: nobody notices but by the new field."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from gqlnews.testing import NewsServer, ServerFactory
from tests.server.live import SUBPROTOCOL
from tests.server.support import DEADLINE

READERS, WATCHERS = 32, 50
LIST = "{ articles { totalCount nodes { slug title } } }"
EVENTS = "subscription ($since: String) { articleChanged(since: $since) { version article { slug title } } }"
FILTERED = (
    '{ articles(where: {sponsor: {eq: "S2"}}) { nodes { slug sponsor } facets { sponsor { count } } } }'
)
COUNTED = {"nodes": [{"slug": "2", "sponsor": "S2"}], "facets": {"sponsor": [{"count": 1}]}}
ORDERED = "{ articles(orderBy: [{field: SPONSOR}], first: 1) { nodes { slug } } }"
PROBLEMS = "{ site { problems { code path line } } }"
SPONSOR = "[fields.sponsor]\nfilter = true\nfacet = true\n{}"


def write(news: NewsServer, number: int, title: str) -> None:
    news.write(f"{number}.md", title=title, sponsor=f"S{number}")


class Reader:
    """A client that sends the same query again and again; `failures` are the responses with errors."""

    def __init__(self, news: NewsServer) -> None:
        self._news, self._done = news, threading.Event()
        self.count = 0
        self.failures: list[Any] = []

    def run(self) -> None:
        while not self._done.is_set():
            response = self._news.execute(LIST)
            self.count += 1
            if response.errors:
                self.failures.append(response)

    def stop(self) -> None:
        self._done.set()


class Watcher:
    """A subscriber that resumes when its socket is closed; `closed` are the codes."""

    def __init__(self, url: str, since: str) -> None:
        self._url, self.since = url, since
        self.titles: list[str] = []
        self.closed: list[int | None] = []

    async def run(self) -> None:
        while True:
            try:
                await self._watch()
            except ConnectionClosed as error:
                self.closed.append(error.rcvd.code if error.rcvd else None)

    async def _watch(self) -> None:
        async with connect(self._url, subprotocols=[Subprotocol(SUBPROTOCOL)]) as socket:
            payload = {"query": EVENTS, "variables": {"since": self.since}}
            await socket.send(json.dumps({"type": "connection_init"}))
            await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "next":
                    event = message["payload"]["data"]["articleChanged"]
                    self.since = event["version"]
                    self.titles.append(event["article"]["title"])
                else:
                    assert message["type"] in {"connection_ack", "ping"}, message


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, which may read from the server."""
    async with asyncio.timeout(DEADLINE):
        while not await asyncio.to_thread(condition):
            pass


async def edit_under_load(news: NewsServer) -> tuple[list[Reader], list[Watcher]]:
    """Edit articles and the configuration in turn, and wait until everybody has seen each edit."""

    def sees(query: str, expected: Any) -> bool:
        return bool(news.execute(query, token=news.token).data == expected)

    since = news.query("{ site { version } }")["site"]["version"]
    readers = [Reader(news) for _ in range(READERS)]
    watchers = [Watcher(news.websocket_url, since) for _ in range(WATCHERS)]
    threads = ThreadPoolExecutor(READERS)
    reading = [threads.submit(reader.run) for reader in readers]
    watching = [asyncio.create_task(watcher.run()) for watcher in watchers]

    async def have_seen(*titles: str) -> None:
        """Wait until every watcher has seen these events; so it is subscribed to the present schema."""
        async with asyncio.timeout(DEADLINE):
            while not all(Counter(titles) <= Counter(watcher.titles) for watcher in watchers):
                done, _ = await asyncio.wait(watching, timeout=0.05)
                assert not done, [task.exception() for task in done]

    write(news, 1, "before")
    await have_seen("before")
    news.write_text("gqlnews.toml", SPONSOR.format(""))
    await until(lambda: sees(FILTERED, {"articles": COUNTED}))
    await have_seen("before", "before", "T2", "T3")
    write(news, 1, "between")
    await have_seen("between")
    news.write_text("gqlnews.toml", SPONSOR.format('type = "Strin"'))
    problem = {"code": "bad-config", "path": "gqlnews.toml", "line": 4}
    await until(lambda: sees(PROBLEMS, {"site": {"problems": [problem]}}))
    assert sees(FILTERED, {"articles": COUNTED})
    news.write_text("gqlnews.toml", SPONSOR.format("order = true"))
    await until(lambda: sees(ORDERED, {"articles": {"nodes": [{"slug": "3"}]}}))
    write(news, 1, "after")
    await have_seen("after")
    for reader in readers:
        reader.stop()
    for task in watching:
        task.cancel()
    await asyncio.wait(watching)
    await asyncio.to_thread(threads.shutdown)
    for one in reading:
        one.result()
    return readers, watchers


def test_a_configuration_is_edited_under_load(gqlnews_factory: ServerFactory) -> None:
    news = gqlnews_factory.serve(max_streams_per_client=0)
    for number in (1, 2, 3):
        write(news, number, f"T{number}")
    news.wait_until_served()
    readers, watchers = asyncio.run(edit_under_load(news))
    assert [failure for reader in readers for failure in reader.failures] == []
    assert all(reader.count > 0 for reader in readers)
    for watcher in watchers:
        assert watcher.closed == [1012, 1012]
        # The first configuration changes each article, because `extra` has lost a key.
        assert (watcher.titles[0], *watcher.titles[4:]) == ("before", "between", "after")
        assert sorted(watcher.titles[1:4]) == ["T2", "T3", "before"]


def test_an_event_stream_ends_when_the_schema_changes(gqlnews: NewsServer) -> None:
    """It does not complete, so a client connects again."""
    body = {"query": "subscription { articleChanged { kind } }"}
    headers = {"accept": "text/event-stream"}
    with gqlnews.client.stream("POST", "/graphql", json=body, headers=headers) as response:
        gqlnews.write_text("gqlnews.toml", SPONSOR.format(""))
        received = response.read()
    assert response.status_code == HTTPStatus.OK
    assert b"event: complete" not in received
