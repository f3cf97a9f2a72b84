"""Statement time of subscriptions, by client address or connection, over each transport."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx2
import pytest

from gqlnews.subscriptions import budget
from tests.server.live import Site, Socket, running_site
from tests.server.test_events import Stream, expect_open, streaming

pytestmark = pytest.mark.usefixtures("quiet")

AT_ONCE = 1e-9  # seconds: positive, and less than any statement takes
NAMED = 'subscription { articleChanged(where: {title: {ne: "none %s"}}) { slug } }'
ELSEWHERE = "127.0.0.2"


@pytest.fixture
def short() -> Iterator[None]:
    """The first subscription of each client uses up its whole budget."""
    with patch.object(budget, "CLIENT_SECONDS", AT_ONCE):
        yield


@contextmanager
def initialised(site: Site, address: str = "127.0.0.1") -> Iterator[Socket]:
    with site.raw(source_address=(address, 0)) as socket:
        socket.send("connection_init")
        assert socket.receive() == {"type": "connection_ack"}
        yield socket


def codes(messages: list[dict[str, Any]]) -> list[str]:
    """Return the error codes; "" stands for an event."""
    errors = [message["payload"] if message["type"] == "error" else None for message in messages]
    return sorted(error[0]["extensions"]["code"] if error else "" for error in errors)


def metric(site: Site) -> float:
    text = httpx2.get(site.url.replace("/graphql", "/metrics")).text
    found = re.search(r"^gqlnews_subscriptions_over_budget_total (\S+)$", text, re.MULTILINE)
    assert found is not None
    return float(found[1])


@pytest.mark.usefixtures("short")
def test_over_budget_only_subscriptions_of_that_address_end(tmp_path: Path) -> None:
    with running_site(tmp_path, metrics=True) as site, ExitStack() as stack:
        one, another = (stack.enter_context(initialised(site)) for _ in range(2))
        elsewhere = stack.enter_context(initialised(site, ELSEWHERE))
        for number, socket in enumerate((one, one, another, elsewhere)):
            socket.subscribe_and_wait(f"{number}", NAMED % number)
        site.change()
        received = [one.receive(), one.receive(), another.receive()]
        assert codes(received) == ["", "TIMED_OUT", "TIMED_OUT"]
        assert elsewhere.receive()["type"] == "next"
        assert metric(site) == 2
        one.subscribe_and_wait("again", NAMED % "again")  # the socket stays open


@pytest.mark.usefixtures("short")
def test_event_streams_and_sockets_of_an_address_share_its_budget(tmp_path: Path) -> None:
    with running_site(tmp_path) as site, initialised(site) as socket:
        socket.subscribe_and_wait("1", NAMED % 1)
        with streaming(site.url, NAMED % 2) as stream:
            expect_open(stream)
            site.change()
            received = [socket.receive(), _message(stream)]
            assert codes(received) == ["", "TIMED_OUT"]


@pytest.mark.usefixtures("short")
def test_behind_a_proxy_each_connection_has_its_own_budget(tmp_path: Path) -> None:
    with running_site(tmp_path, max_streams_per_client=0) as site, ExitStack() as stack:
        both = [stack.enter_context(initialised(site)) for _ in range(2)]
        for number, socket in enumerate((*both, both[0])):
            socket.subscribe_and_wait(f"{number}", NAMED % number)
        site.change()
        assert codes([both[0].receive(), both[0].receive()]) == ["", "TIMED_OUT"]
        assert both[1].receive()["type"] == "next"


def _message(stream: Stream) -> dict[str, Any]:
    """Convert an event of a stream to a WebSocket message."""
    response = stream.payload()["payload"]
    errors = response.get("errors")
    return {"type": "error" if errors else "next", "payload": errors or response}
