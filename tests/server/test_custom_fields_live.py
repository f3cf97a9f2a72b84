"""A configuration that is edited while clients read and watch: nobody notices but by the new field."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.server.live import SUBPROTOCOL
from tests.server.support import DEADLINE, TOKEN, TOKEN_HASH, serving, write_articles

READERS, WATCHERS = 32, 50
LIVE = {"GQLNEWS_WATCH": "1", "GQLNEWS_EDITOR_TOKENS": TOKEN_HASH, "GQLNEWS_MAX_STREAMS_PER_CLIENT": "0"}
LIST = "{ articles { totalCount nodes { slug title } } }"
EVENTS = "subscription ($since: String) { articleChanged(since: $since) { version article { slug title } } }"
FILTERED = (
    '{ articles(where: {sponsor: {eq: "S2"}}) { nodes { slug sponsor } facets { sponsor { count } } } }'
)
COUNTED = {"nodes": [{"slug": "2", "sponsor": "S2"}], "facets": {"sponsor": [{"count": 1}]}}
ORDERED = "{ articles(orderBy: [{field: SPONSOR}], first: 1) { nodes { slug } } }"
PROBLEMS = "{ site { problems { code path line } } }"
SPONSOR = "[fields.sponsor]\nfilter = true\nfacet = true\n{}"


def article(number: int, title: str) -> str:
    url = f"https://example.com/{number}"
    return f"---\ntitle: {title}\npublishedDateTime: 2021-04-15\nwebUrl: {url}\nsponsor: S{number}\n---\n"


class Client:
    """A client over HTTP with one connection."""

    def __init__(self, url: str) -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=DEADLINE)

    def ask(self, query: str, **headers: str) -> Any:
        """Send a query, and return the response."""
        body = json.dumps({"query": query})
        headers["content-type"] = "application/json"
        self._connection.request("POST", "/graphql", body, headers)
        return json.loads(self._connection.getresponse().read())

    def close(self) -> None:
        self._connection.close()


class Reader:
    """A client that sends the same query again and again; `failures` are the responses with errors."""

    def __init__(self, url: str) -> None:
        self._url, self._done = url, threading.Event()
        self.count = 0
        self.failures: list[Any] = []

    def run(self) -> None:
        with closing(Client(self._url)) as client:
            while not self._done.is_set():
                response = client.ask(LIST)
                self.count += 1
                if "errors" in response:
                    self.failures.append(response)

    def stop(self) -> None:
        self._done.set()


class Watcher:
    """A subscriber that resumes when its socket is closed; `closed` are the codes."""

    def __init__(self, url: str, since: str) -> None:
        self._url = f"{url.replace('http', 'ws', 1)}/graphql"
        self.since = since
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


async def edit_under_load(url: str, folder: Path) -> tuple[list[Reader], list[Watcher]]:
    """Edit articles and the configuration in turn, and wait until everybody has seen each edit."""
    with closing(Client(url)) as client:

        def sees(query: str, expected: Any) -> bool:
            return bool(client.ask(query, authorization=f"Bearer {TOKEN}").get("data") == expected)

        since = client.ask("{ site { version } }")["data"]["site"]["version"]
        readers = [Reader(url) for _ in range(READERS)]
        watchers = [Watcher(url, since) for _ in range(WATCHERS)]
        threads = ThreadPoolExecutor(READERS)
        reading = [threads.submit(reader.run) for reader in readers]
        watching = [asyncio.create_task(watcher.run()) for watcher in watchers]

        async def have_seen(*titles: str) -> None:
            """Wait until every watcher has seen these events; so it is subscribed to the present schema."""
            async with asyncio.timeout(DEADLINE):
                while not all(Counter(titles) <= Counter(watcher.titles) for watcher in watchers):
                    done, _ = await asyncio.wait(watching, timeout=0.05)
                    assert not done, [task.exception() for task in done]

        (folder / "1.md").write_text(article(1, "before"))
        await have_seen("before")
        (folder / "gqlnews.toml").write_text(SPONSOR.format(""))
        await until(lambda: sees(FILTERED, {"articles": COUNTED}))
        await have_seen("before", "before", "T2", "T3")
        (folder / "1.md").write_text(article(1, "between"))
        await have_seen("between")
        (folder / "gqlnews.toml").write_text(SPONSOR.format('type = "Strin"'))
        problem = {"code": "bad-config", "path": "gqlnews.toml", "line": 4}
        await until(lambda: sees(PROBLEMS, {"site": {"problems": [problem]}}))
        assert sees(FILTERED, {"articles": COUNTED})
        (folder / "gqlnews.toml").write_text(SPONSOR.format("order = true"))
        await until(lambda: sees(ORDERED, {"articles": {"nodes": [{"slug": "3"}]}}))
        (folder / "1.md").write_text(article(1, "after"))
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


def test_a_configuration_is_edited_under_load(tmp_path: Path) -> None:
    articles = {f"{number}.md": article(number, f"T{number}") for number in (1, 2, 3)}
    folder = write_articles(tmp_path / "news", articles)
    with serving(tmp_path, folder, env=LIVE) as (url, run):
        run.wait_for("ingested ")
        readers, watchers = asyncio.run(edit_under_load(url, folder))
    assert [failure for reader in readers for failure in reader.failures] == []
    assert all(reader.count > 0 for reader in readers)
    for watcher in watchers:
        assert watcher.closed == [1012, 1012]
        # The first configuration changes each article, because `extra` has lost a key.
        assert (watcher.titles[0], *watcher.titles[4:]) == ("before", "between", "after")
        assert sorted(watcher.titles[1:4]) == ["T2", "T3", "before"]


def test_an_event_stream_ends_when_the_schema_changes(tmp_path: Path) -> None:
    """It does not complete, so a client connects again."""
    folder = write_articles(tmp_path / "news", {"1.md": article(1, "T1")})
    body = json.dumps({"query": "subscription { articleChanged { kind } }"})
    headers = {"content-type": "application/json", "accept": "text/event-stream"}
    with serving(tmp_path, folder, env=LIVE) as (url, run):
        run.wait_for("ingested ")
        with closing(HTTPConnection(urlsplit(url).netloc, timeout=DEADLINE)) as connection:
            connection.request("POST", "/graphql", body, headers)
            response = connection.getresponse()
            (folder / "gqlnews.toml").write_text(SPONSOR.format(""))
            received = response.read()
    assert response.status == HTTPStatus.OK
    assert b"event: complete" not in received
