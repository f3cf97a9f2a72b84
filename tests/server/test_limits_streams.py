"""Limits on what a client may hold open, and release after it disconnects or stops reading."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import Mock, patch

import httpx2
import pytest
from websockets.exceptions import InvalidStatus

from gqlnews.config.settings import HttpSettings
from gqlnews.server import limits
from gqlnews.server import websocket as server_socket
from gqlnews.subscriptions import subscriber_queue
from tests.ingest.folder import keys_of, text_of
from tests.live import wait_until
from tests.server.live import COUNT, HEAT, Site, heat, running_site

pytestmark = pytest.mark.usefixtures("quiet")


def test_operations_per_socket_are_limited(site: Site) -> None:
    with patch.object(server_socket, "MAX_OPERATIONS", 3), site.socket() as socket:
        for number in range(3):
            socket.subscribe_and_wait(f"{number}", HEAT)
        socket.subscribe("more")
        (error,) = socket.receive_for("more")
        assert error["payload"][0]["extensions"]["code"] == "TOO_MANY_OPERATIONS"
        socket.send("complete", id="0")
        socket.subscribe("more", COUNT)
        assert socket.receive_for("more")[-1]["type"] == "complete"


def test_subscriptions_per_client_are_limited(site: Site) -> None:
    with (
        patch.object(limits, "MAX_SUBSCRIPTIONS_PER_CLIENT", 3),
        site.socket() as one,
        site.socket() as two,
    ):
        one.subscribe_and_wait("0", HEAT)
        one.subscribe_and_wait("1", HEAT)
        two.subscribe_and_wait("2", HEAT)
        wait_until(lambda: site.app_state.subscription_hubs.active == 3)
        two.subscribe("more", HEAT)
        (error,) = two.receive_for("more")
        assert error["payload"][0]["extensions"]["code"] == "TOO_MANY_OPERATIONS"
        one.send("complete", id="0")
        wait_until(lambda: site.app_state.subscription_hubs.active == 2)
        two.subscribe_and_wait("more", HEAT)
        wait_until(lambda: site.app_state.subscription_hubs.active == 3)


@pytest.mark.parametrize(
    ("query", "operation_name", "prepared"),
    [
        ("subscription { articleChanged { slug } }", None, 0),
        (" subscription S($s: String) { articleChanged { slug } }", "S", 0),
        ("\ufeff# a # comment\n,,# another\r\n subscription { articleChanged { slug } }", None, 0),
        ("subscription S { articleChanged { slug } } query Q { site { version } }", "Q", 1),
        ("query Q { site { version } }", None, 1),
    ],
)
def test_a_subscription_beyond_the_limit_is_not_prepared(
    site: Site, query: str, operation_name: str | None, prepared: int
) -> None:
    preparer = site.app_state.preparer
    with (
        patch.object(limits, "MAX_SUBSCRIPTIONS_PER_CLIENT", 0),
        patch.object(type(preparer), "_prepare", autospec=True, side_effect=type(preparer)._prepare) as calls,
        site.socket() as socket,
    ):
        socket.send("subscribe", id="1", payload={"query": query, "operationName": operation_name})
        socket.receive_for("1")
    assert calls.call_count == prepared


@contextmanager
def counting_preparations(site: Site) -> Iterator[Mock]:
    """Count the requests that are prepared."""
    kind = type(site.app_state.preparer)
    with patch.object(kind, "_prepare", autospec=True, side_effect=kind._prepare) as prepare:
        yield prepare


def refused(site: Site, query: str, accept: str) -> tuple[int, str]:
    response = httpx2.post(site.url, json={"query": query}, headers={"accept": accept})
    return response.status_code, response.json()["errors"][0]["extensions"]["code"]


@pytest.mark.parametrize(
    ("query", "accept"),
    [
        (HEAT, "text/event-stream"),
        (COUNT, "text/event-stream"),
        (HEAT, "multipart/mixed"),
        (HEAT, "application/json, text/event-stream"),
    ],
)
def test_a_stream_beyond_the_limit_is_not_prepared(tmp_path: Path, query: str, accept: str) -> None:
    with running_site(tmp_path, max_streams_per_client=1) as site, site.socket():
        with counting_preparations(site) as prepare:
            assert refused(site, query, accept) == (429, "TOO_MANY_STREAMS")
    assert prepare.call_count == 0


def test_an_event_stream_beyond_the_limit_of_subscriptions_is_429(site: Site) -> None:
    with patch.object(limits, "MAX_SUBSCRIPTIONS_PER_CLIENT", 0), counting_preparations(site) as prepare:
        assert refused(site, HEAT, "text/event-stream") == (429, "TOO_MANY_OPERATIONS")
    assert prepare.call_count == 0


def test_nothing_is_prepared_beyond_the_rate_limit(tmp_path: Path) -> None:
    """Over any transport: a request is charged a minimum before the work for it."""
    accepted = 0
    with running_site(tmp_path, http=HttpSettings(rate_limit=1)) as site:
        with counting_preparations(site) as prepare, site.socket() as socket:
            for number in range(20):
                socket.subscribe(f"{number}", f"query Q{number} {{ site {{ version }} }}")
                accepted += socket.receive_for(f"{number}")[-1]["type"] == "complete"
            assert (prepare.call_count, accepted < 10) == (accepted, True)
            for number in range(15):
                query = f"query H{number} {{ site {{ version }} }}"
                accept = ("application/json", "text/event-stream", "multipart/mixed")[number % 3]
                response = httpx2.post(site.url, json={"query": query}, headers={"accept": accept})
                accepted += response.status_code != 429
            assert (prepare.call_count, accepted < 20) == (accepted, True)


def test_a_disconnected_client_leaves_no_state(site: Site) -> None:
    with site.socket() as socket:
        for number in range(5):
            socket.subscribe_and_wait(f"{number}")
        wait_until(lambda: site.app_state.subscription_hubs.active == 5)
        assert site.app_state.stream_limiter.count == 1
    wait_until(
        lambda: site.app_state.subscription_hubs.active == 0 and site.app_state.stream_limiter.count == 0
    )


@pytest.mark.parametrize(
    ("settings", "status"), [({"max_streams": 1}, 503), ({"max_streams_per_client": 1}, 429)]
)
def test_sockets_past_the_limit_are_rejected_before_the_handshake(
    tmp_path: Path, settings: dict[str, int], status: int
) -> None:
    with running_site(tmp_path, **settings) as site:
        with site.socket():
            with pytest.raises(InvalidStatus) as error, site.raw():
                pass
            assert error.value.response.status_code == status
            assert error.value.response.headers["Retry-After"] == "5"
            body = json.loads(error.value.response.body or b"")
            assert body["errors"][0]["extensions"]["code"] == "TOO_MANY_STREAMS"
        wait_until(lambda: site.app_state.stream_limiter.count == 0)
        with site.socket():
            pass


def test_a_slow_consumer_is_closed_and_others_get_every_event(tmp_path: Path) -> None:
    """The slow client's socket is full, and more than its buffer limit is pending."""
    selection = "subscription { articleChanged { article { heat body } } }"
    with running_site(tmp_path) as site, patch.object(subscriber_queue, "MAX_BYTES", 1 << 20):
        with site.raw(max_queue=1) as slow, site.socket() as other:
            slow.send("connection_init")
            slow.receive()
            slow.subscribe_and_wait("1", selection)
            other.subscribe_and_wait("1", HEAT)
            text = "x " * 250_000
            for number in range(1, 31):
                keys = keys_of("https://x.example/big", heat=number)
                site.folder.write("big.md", text_of(keys) + text)
                site.ingest()
                assert heat(other.receive()) == number
                if site.app_state.subscription_hubs.active == 1:
                    break
            wait_until(lambda: site.app_state.subscription_hubs.active == 1)
            assert slow.closed()[0] == 1013
