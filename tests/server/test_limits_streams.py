"""Limits on what a client may hold open, and release after it disconnects or stops reading."""

import json
from pathlib import Path
from unittest.mock import patch

import pytest
from websockets.exceptions import InvalidStatus

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
        patch.object(type(preparer), "prepare", autospec=True, side_effect=type(preparer).prepare) as calls,
        site.socket() as socket,
    ):
        socket.send("subscribe", id="1", payload={"query": query, "operationName": operation_name})
        socket.receive_for("1")
    assert calls.call_count == prepared


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
            assert site.app_state.subscription_hubs.active == 1
            assert slow.closed()[0] == 1013
