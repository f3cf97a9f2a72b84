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
from tests.live import until_so
from tests.server.live import COUNT, HEAT, Site, heat, running_site

pytestmark = pytest.mark.usefixtures("quiet")


def test_only_so_many_operations_run_on_one_socket(site: Site) -> None:
    with patch.object(server_socket, "MAX_OPERATIONS", 3), site.socket() as socket:
        for number in range(3):
            socket.begin(f"{number}", HEAT)
        socket.subscribe("more")
        (error,) = socket.heard("more")
        assert error["payload"][0]["extensions"]["code"] == "TOO_MANY_OPERATIONS"
        socket.say("complete", id="0")
        socket.subscribe("more", COUNT)
        assert socket.heard("more")[-1]["type"] == "complete"


def test_a_client_has_so_many_subscriptions_and_no_more(site: Site) -> None:
    with (
        patch.object(limits, "MAX_SUBSCRIPTIONS_OF_ONE", 3),
        site.socket() as one,
        site.socket() as two,
    ):
        one.begin("0", HEAT)
        one.begin("1", HEAT)
        two.begin("2", HEAT)
        until_so(lambda: site.service.feed.watching == 3)
        two.subscribe("more", HEAT)
        (error,) = two.heard("more")
        assert error["payload"][0]["extensions"]["code"] == "TOO_MANY_OPERATIONS"
        one.say("complete", id="0")
        until_so(lambda: site.service.feed.watching == 2)
        two.begin("more", HEAT)
        until_so(lambda: site.service.feed.watching == 3)


def test_when_the_client_has_left_nothing_is_left_of_it(site: Site) -> None:
    with site.socket() as socket:
        for number in range(5):
            socket.begin(f"{number}")
        until_so(lambda: site.service.feed.watching == 5)
        assert site.service.sockets.count == 1
    until_so(lambda: site.service.feed.watching == 0 and site.service.sockets.count == 0)


@pytest.mark.parametrize(
    ("settings", "status"), [({"max_streams": 1}, 503), ({"max_streams_per_client": 1}, 429)]
)
def test_more_sockets_than_may_be_are_refused_before_they_are_open(
    tmp_path: Path, settings: dict[str, int], status: int
) -> None:
    with running_site(tmp_path, **settings) as site:
        with site.socket():
            with pytest.raises(InvalidStatus) as refused, site.raw():
                pass
            assert refused.value.response.status_code == status
            assert refused.value.response.headers["Retry-After"] == "5"
            body = json.loads(refused.value.response.body or b"")
            assert body["errors"][0]["extensions"]["code"] == "TOO_MANY_STREAMS"
        until_so(lambda: site.service.sockets.count == 0)
        with site.socket():
            pass


def test_a_slow_consumer_is_closed_and_others_get_every_event(tmp_path: Path) -> None:
    """The slow client's socket is full, and more than its buffer limit is pending."""
    selection = "subscription { articleChanged { article { heat body } } }"
    with running_site(tmp_path) as site, patch.object(subscriber_queue, "MAX_BYTES", 1 << 20):
        with site.raw(max_queue=1) as slow, site.socket() as other:
            slow.say("connection_init")
            slow.hear()
            slow.begin("1", selection)
            other.begin("1", HEAT)
            text = "x " * 250_000
            for number in range(1, 31):
                keys = keys_of("https://x.example/big", heat=number)
                site.folder.write("big.md", text_of(keys) + text)
                site.take_in()
                assert heat(other.hear()) == number
                if site.service.feed.watching == 1:
                    break
            assert site.service.feed.watching == 1
            assert slow.closed()[0] == 1013
