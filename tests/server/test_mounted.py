"""The application mounted in FastAPI, with real clients on a real port."""

import json
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.sync.client import connect

from tests.images import png
from tests.ingest.watch_process import until
from tests.live import PLAIN
from tests.server.live import SUBPROTOCOL, Socket
from tests.server.mounted import mounted
from tests.server.support import (
    DEADLINE,
    PUBLISHED,
    Running,
    processes_of,
    write_articles,
)

OFFERED: Any = [SUBPROTOCOL]
TITLE = {"query": '{ article(slug: "published") { title } }'}
EDITED = PUBLISHED.replace("title: Published", "title: Edited")


@pytest.fixture
def content(tmp_path: Path) -> Path:
    return write_articles(tmp_path / "content")


@pytest.fixture
def host(tmp_path: Path, content: Path) -> Iterator[tuple[str, Running]]:
    with mounted(tmp_path) as (url, run):
        yield url, run


def title(url: str) -> str:
    response = httpx2.post(f"{url}/graphql", json=TITLE, timeout=DEADLINE)
    found: str = response.json()["data"]["article"]["title"]
    return found


def socket_url(url: str) -> str:
    return f"{url}/graphql".replace("http:", "ws:")


def event_stream(url: str) -> AbstractContextManager[httpx2.Response]:
    headers = {"accept": "text/event-stream"}
    return httpx2.stream("POST", f"{url}/graphql", json={"query": PLAIN}, headers=headers, timeout=DEADLINE)


def test_fastapi_serves_queries_and_itself(host: tuple[str, Running]) -> None:
    url, _ = host
    assert title(url) == "Published"
    assert httpx2.get(f"{url}/graphql", params=TITLE).json() == {"data": {"article": {"title": "Published"}}}
    assert httpx2.get(f"{url}/health/ready").json() == {"status": "ready"}
    assert httpx2.get(url.removesuffix("news")).json() == {"articles": "/news/graphql"}
    assert httpx2.get(url, follow_redirects=True, headers={"accept": "text/html"}).url == f"{url}/graphql"


def test_an_edit_reaches_subscribers_and_queries(host: tuple[str, Running], content: Path) -> None:
    url, run = host
    with connect(socket_url(url), subprotocols=OFFERED, close_timeout=1) as connection:
        socket = Socket(connection)
        socket.send("connection_init")
        assert socket.receive() == {"type": "connection_ack"}
        socket.subscribe_and_wait("1", PLAIN)
        run.wait_for(" watching ")
        (content / "published.md").write_text(EDITED)
        change = socket.receive()["payload"]["data"]["articleChanged"]
    assert change["slug"] == "published"
    assert title(url) == "Edited"


def test_an_edit_reaches_an_event_stream(host: tuple[str, Running], content: Path) -> None:
    url, run = host
    run.wait_for(" watching ")
    with event_stream(url) as response:
        (content / "published.md").write_text(EDITED)
        data = next(line for line in response.iter_lines() if line.startswith("data: {"))
    assert json.loads(data.removeprefix("data: "))["data"]["articleChanged"]["slug"] == "published"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_nothing_runs_after_the_host_has_ended(
    host: tuple[str, Running], tmp_path: Path, number: int
) -> None:
    url, run = host
    run.wait_for(" watching ")
    database = tmp_path / "news.db"
    assert len(processes_of(database)) == 1
    with event_stream(url), connect(socket_url(url), subprotocols=OFFERED):
        run.stop(number)
    run.remaining_output()  # ends when the watcher, which has the same standard error, has ended
    assert processes_of(database) == []


def test_images_are_below_the_path(host: tuple[str, Running], content: Path) -> None:
    url, _ = host
    (content / "a.png").write_bytes(png())
    text = PUBLISHED.replace("title: Published", "title: Published\nimages: [{url: a.png}]")
    (content / "published.md").write_text(text)
    until(lambda: httpx2.get(f"{url}/media/a.png").status_code == 200, "the image is not served")
