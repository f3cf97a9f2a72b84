"""Server-sent events: negotiation, content, and end of stream."""

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import httpx2
import pytest

from gqlnews.server import streaming as events
from gqlnews.subscriptions import subscriber_queue
from tests.ingest.folder import keys_of, text_of
from tests.live import DEADLINE, PLAIN, wait_until
from tests.server.live import COUNT, HEAT, Message, Site, heat, running_site
from tests.server.support import TOKEN

STREAM = "text/event-stream"
URQL = (
    "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, "
    "multipart/mixed"
)

pytestmark = pytest.mark.usefixtures("quiet")


class Stream:
    """The events of a response as they arrive."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self._lines = response.iter_lines()

    def line(self) -> str:
        return next(self._lines)

    def event(self) -> tuple[str, Any]:
        """Return the next (name, data), skipping comments."""
        name = self.line()
        while not name.startswith("event: "):
            assert name in {"", ":"}
            name = self.line()
        data = self.line().removeprefix("data: ")
        return name.removeprefix("event: "), json.loads(data) if data else None

    def payload(self) -> Message:
        name, data = self.event()
        assert name == "next"
        return {"payload": data}

    def rest(self) -> list[str]:
        return [line for line in self._lines if line not in {"", ":"}]


@contextmanager
def streaming(
    url: str, query: str, method: str = "POST", accept: str = STREAM, **more: Any
) -> Iterator[Stream]:
    headers = {"accept": accept, **more.pop("headers", {})}
    requests = {"query": query, **more}
    sent: dict[str, Any] = {"json": requests} if method == "POST" else {"params": requests}
    with httpx2.stream(method, url, headers=headers, timeout=DEADLINE, **sent) as response:
        yield Stream(response)


def expect_open(stream: Stream) -> None:
    """Read the first comment: the stream gets all later events."""
    assert stream.response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert stream.line() == ":"


def test_head_does_not_wait_for_events(site: Site) -> None:
    response = httpx2.request(
        "HEAD", site.url, params={"query": HEAT}, headers={"accept": STREAM}, timeout=DEADLINE
    )
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.content == b""


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_an_event_is_a_next(site: Site, method: str) -> None:
    with streaming(site.url, HEAT, method) as stream:
        expect_open(stream)
        changed = site.change()
        assert heat(stream.payload()) == changed


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_query_gets_next_and_complete(site: Site, method: str) -> None:
    given = httpx2.post(site.url, json={"query": COUNT}).json()
    with streaming(site.url, COUNT, method) as stream:
        assert [stream.event(), stream.event()] == [("next", given), ("complete", None)]
        assert stream.rest() == []


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        ("{", {}, "GRAPHQL_PARSE_FAILED"),
        ("{ nope }", {}, "GRAPHQL_VALIDATION_FAILED"),
        (PLAIN, {"where": 1}, "BAD_USER_INPUT"),
        (PLAIN, {"since": "yesterday"}, "BAD_VERSION"),
        (PLAIN, {"since": "abc0-1"}, "VERSION_TOO_OLD"),
    ],
)
def test_a_graphql_error_is_sent_as_next_and_complete(
    site: Site, query: str, variables: Mapping[str, Any], code: str
) -> None:
    with streaming(site.url, query, variables=variables) as stream:
        name, error = stream.event()
        assert name == "next"
        assert error["errors"][0]["extensions"]["code"] == code
        assert stream.event() == ("complete", None)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"content": b"[]", "headers": {"content-type": "application/json"}}, 400),
        ({"content": b"x", "headers": {"content-type": "text/plain"}}, 415),
        ({"json": {"query": PLAIN}, "headers": {"authorization": "Bearer wrong"}}, 401),
    ],
)
def test_http_errors_are_json(site: Site, sent: dict[str, Any], status: int) -> None:
    sent["headers"] = {"accept": STREAM, **sent["headers"]}
    response = httpx2.post(site.url, **sent)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.json()["errors"]


JSON, NEW = "application/json", "application/graphql-response+json"


@pytest.mark.parametrize(
    ("accept", "query", "subscription"),
    [
        (STREAM, STREAM, STREAM),
        (URQL, NEW, STREAM),
        (f"{JSON}, {STREAM}", JSON, STREAM),
        (f"{STREAM}, {JSON}", JSON, STREAM),
        (f"{STREAM}, {JSON};q=0.9", STREAM, STREAM),
        (f"{STREAM};q=0.5, {JSON}", JSON, STREAM),
        (f"{STREAM};q=0, {JSON}", JSON, JSON),
        (f"{STREAM};q=x, */*", JSON, JSON),
        (f"{STREAM}, */*", STREAM, STREAM),
        ("TEXT/Event-Stream", STREAM, STREAM),
        ("*/*", JSON, JSON),
        (JSON, JSON, JSON),
        (NEW, NEW, NEW),
    ],
)
def test_the_client_selects_the_incremental_format(
    site: Site, accept: str, query: str, subscription: str
) -> None:
    for text, media in ((COUNT, query), (HEAT, subscription)):
        with streaming(site.url, text, accept=accept) as stream:
            assert stream.response.headers["content-type"] == f"{media}; charset=utf-8"


def test_a_cached_response_is_not_sent_to_clients_that_accept_only_events(site: Site) -> None:
    httpx2.post(site.url, json={"query": COUNT})
    with streaming(site.url, COUNT) as stream:
        assert stream.event()[0] == "next"


@pytest.mark.parametrize(
    ("authorization", "title"), [({}, None), ({"authorization": f"Bearer {TOKEN}"}, "secret")]
)
def test_the_audience_decides_which_events_are_sent(
    site: Site, authorization: dict[str, str], title: str | None
) -> None:
    with streaming(site.url, PLAIN, headers=authorization) as stream:
        expect_open(stream)
        site.change("hidden", title="secret", published=False)
        site.change(title="open")
        article = stream.payload()["payload"]["data"]["articleChanged"]["article"]
        assert article["title"] == (title or "open")


def test_a_silent_stream_gets_keepalive_messages(site: Site) -> None:
    with patch.object(events, "PING_SECONDS", 0.05), streaming(site.url, PLAIN) as stream:
        expect_open(stream)
        assert [stream.line() for _ in range(4)] == ["", ":", "", ":"]


@pytest.mark.parametrize("query", [HEAT, COUNT])
def test_a_finished_operation_leaves_no_state(site: Site, query: str) -> None:
    with streaming(site.url, query) as stream:
        expect_open(stream)
    wait_until(
        lambda: site.app_state.subscription_hubs.active == 0 and site.app_state.stream_limiter.count == 0
    )


def test_a_resumed_subscription_gets_the_missed_events(site: Site) -> None:
    version = httpx2.post(site.url, json={"query": "{ site { version } }"}).json()["data"]["site"]["version"]
    changed = site.change()
    query = "subscription ($since: String) { articleChanged(since: $since) { article { heat } } }"
    with streaming(site.url, query, variables={"since": version}) as stream:
        assert heat(stream.payload()) == changed


@pytest.mark.parametrize(
    ("settings", "status"), [({"max_streams": 1}, 503), ({"max_streams_per_client": 1}, 429)]
)
def test_streams_past_the_limit_are_rejected(tmp_path: Path, settings: dict[str, int], status: int) -> None:
    with running_site(tmp_path, **settings) as site, streaming(site.url, HEAT) as stream:
        expect_open(stream)
        error = httpx2.post(site.url, json={"query": HEAT}, headers={"accept": STREAM})
        assert error.status_code == status
        assert error.headers["retry-after"] == "5"
        assert error.headers["content-type"] == "application/json; charset=utf-8"
        assert error.json()["errors"][0]["extensions"]["code"] == "TOO_MANY_STREAMS"
        assert httpx2.post(site.url, json={"query": COUNT}).status_code == 200


def test_a_head_of_a_stream_ends(site: Site) -> None:
    response = httpx2.head(site.url, params={"query": HEAT}, headers={"accept": STREAM}, timeout=5)
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    wait_until(lambda: site.app_state.subscription_hubs.active == 0)


def test_a_client_that_reads_nothing_is_disconnected_and_others_get_every_event(tmp_path: Path) -> None:
    with running_site(tmp_path) as site, not_reading(site) as slow, site.socket() as other:
        with (
            patch.object(subscriber_queue, "MAX_BYTES", 1 << 20),
            patch.object(events, "CLOSE_TIMEOUT", 0.1),
        ):
            other.subscribe_and_wait("1", HEAT)
            wait_until(lambda: site.app_state.subscription_hubs.active == 2)
            number = 0
            while site.app_state.subscription_hubs.active == 2:
                number += 1
                site.folder.write("big.md", text_of(keys_of(heat=number)) + "x " * 250_000)
                site.ingest()
                assert heat(other.receive()) == number
            wait_until(lambda: site.app_state.stream_limiter.count == 1)
            assert everything(slow) > 0


@contextmanager
def not_reading(site: Site) -> Iterator[socket.socket]:
    """A client that requests large events and reads none of them."""
    body = json.dumps({"query": "subscription { articleChanged { article { body } } }"})
    head = (
        "POST /graphql HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    address = urlsplit(site.url)
    with socket.create_connection((address.hostname, address.port), DEADLINE) as slow:
        slow.sendall((head + body).encode())
        yield slow


def everything(connection: socket.socket) -> int:
    """Count the bytes until the connection is closed or reset."""
    count = 0
    try:
        while some := connection.recv(1 << 20):
            count += len(some)
    except ConnectionResetError:
        pass
    return count


def test_a_slow_consumer_gets_an_error(site: Site) -> None:
    """The client reads, but more events arrive at once than its queue holds."""
    with patch.object(subscriber_queue, "MAX_BYTES", 1), streaming(site.url, HEAT) as stream:
        expect_open(stream)
        site.change()
        assert stream.payload()["payload"]["errors"][0]["extensions"]["code"] == "TOO_SLOW"
        assert stream.rest()[-1].startswith("data:")
