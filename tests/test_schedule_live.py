"""Articles that appear and expire while a server runs: subscriptions, caches, killed watchers."""

import os
import random
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from tests.ingest.folder import Folder, text_of
from tests.ingest.watch_process import until
from tests.server.support import Running, serving
from tests.test_live import LIVE, children, watching

SLUGS = {"query": "{ articles { nodes { slug } } }"}


def at(seconds: float) -> str:
    """Return a date of the wall clock."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def post(**keys: object) -> str:
    return text_of({"title": "T", "date": "2021-04-15", **keys})


@pytest.fixture
def site(tmp_path: Path) -> Folder:
    site = Folder(tmp_path / "site")
    site.write("hugo.toml", 'baseURL = "https://example.org/"\n')
    site.write("content/post/expires.md", post())
    return site


@pytest.fixture
def live(tmp_path: Path, site: Folder) -> Iterator[tuple[str, Running]]:
    """URL and process of a server that watches the site."""
    with serving(tmp_path, site.root, "--db", str(tmp_path / "news.db"), env=LIVE) as (url, run):
        run.wait_for("watching")
        yield url, run


def test_a_due_article_is_added_and_an_expired_one_removed_at_the_instant(
    site: Folder, live: tuple[str, Running]
) -> None:
    url, _ = live

    def get(etag: str = "") -> httpx2.Response:
        return httpx2.get(f"{url}/graphql", params=SLUGS, headers={"if-none-match": etag})

    with watching(url) as events:
        appears, expires = time.time() + 2.0, time.time() + 2.5
        site.write("content/post/appears.md", post(publishDate=at(appears)))
        site.write("content/post/expires.md", post(expiryDate=at(expires)))
        assert next(events)["kind"] == "UPDATED"
        before = get()
        assert get(before.headers["etag"]).status_code == 304
        for kind, slug, instant in (("ADDED", "post/appears", appears), ("REMOVED", "post/expires", expires)):
            event = next(events)
            assert (event["kind"], event["slug"]) == (kind, slug)
            assert time.time() >= instant
    after = get(before.headers["etag"])
    assert (after.status_code, after.headers["etag"] != before.headers["etag"]) == (200, True)
    assert before.json()["data"]["articles"]["nodes"] == [{"slug": "post/expires"}]
    assert after.json()["data"]["articles"]["nodes"] == [{"slug": "post/appears"}]


def test_watchers_that_are_killed_deliver_each_event_once_in_order_and_never_early(
    site: Folder, live: tuple[str, Running], tmp_path: Path
) -> None:
    url, run = live
    dice = random.Random(3)  # noqa: S311 - the same schedule in every run
    names = [f"{dice.randrange(100):02}{number}" for number in range(12)]
    for name in names[::2]:
        site.write(f"content/post/{name}.md", post())
    until(lambda: slugs(url) == sorted(["expires", *names[::2]]), "they are not served")
    with watching(url) as events:
        first = time.time() + 4.0
        instants = {name: first + number * 0.25 for number, name in enumerate(names)}
        for number, (name, instant) in enumerate(instants.items()):
            key = "publishDate" if number % 2 else "expiryDate"
            site.write(f"content/post/{name}.md", post(**{key: at(instant)}))
        until(lambda: scheduled(tmp_path / "news.db") == len(names), "they are not ingested")
        assert time.time() < first

        def kill_watchers() -> None:
            while time.time() < max(instants.values()):
                for watcher in children(run.process, "ingest"):
                    os.kill(watcher, signal.SIGKILL)
                time.sleep(dice.uniform(0.4, 1.2))

        killer = threading.Thread(target=kill_watchers)
        killer.start()
        seen: list[tuple[str, str]] = []
        while len(seen) < len(names):
            event = next(events)
            if event["kind"] != "UPDATED":
                seen.append((event["kind"], event["slug"]))
                assert time.time() >= instants[event["slug"].removeprefix("post/")]
        killer.join()
    assert seen == [
        ("ADDED" if number % 2 else "REMOVED", f"post/{name}") for number, name in enumerate(names)
    ]


def slugs(url: str) -> list[str]:
    nodes = httpx2.post(f"{url}/graphql", json=SLUGS).json()["data"]["articles"]["nodes"]
    return sorted(node["slug"].removeprefix("post/") for node in nodes)


def scheduled(database: Path) -> int:
    """Return the number of articles that will appear or expire."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        (count,) = db.execute("SELECT count(*) FROM source WHERE due IS NOT NULL").fetchone()
        return int(count)
