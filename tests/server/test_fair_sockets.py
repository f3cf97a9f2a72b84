"""Many messages at once over one WebSocket: clients of other sockets are served in between."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gqlnews.config.settings import HttpSettings
from gqlnews.server import websocket as websocket_module
from gqlnews.server.ws_messages import Message, Ping
from tests.live import DEADLINE, PLAIN
from tests.server.live import COUNT, Site, running_site, send_in_one_write

UNKNOWN = ",".join(f"u{number}: 1" for number in range(50))


def document(number: int) -> str:
    return f"{{ a{number}: articles(where: {{{UNKNOWN}}}) {{ totalCount }} }}"


BURSTS: dict[str, list[dict[str, Any]]] = {
    "documents that fail validation": [
        {"type": "subscribe", "id": str(number), "payload": {"query": document(number)}}
        for number in range(30)
    ],
    "subscriptions that are completed at once": [
        message
        for number in range(60)
        for message in (
            {"type": "subscribe", "id": str(number), "payload": {"query": PLAIN}},
            {"type": "complete", "id": str(number)},
        )
    ],
    "operations past those of one socket": [
        {"type": "subscribe", "id": str(number), "payload": {"query": PLAIN}} for number in range(200)
    ],
    "pings": [{"type": "ping"}] * 200,
    "pongs": [{"type": "pong"}] * 200,
}


@contextmanager
def blocked_loop(site: Site) -> Iterator[None]:
    """Block the server's event loop while the block runs."""
    loop = site.loop
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        release.wait(DEADLINE)

    loop.call_soon_threadsafe(hold)
    assert held.wait(DEADLINE)
    try:
        yield
    finally:
        release.set()


@pytest.mark.parametrize("name", BURSTS)
def test_others_are_served_between_two_messages(
    site: Site, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    handled: list[int] = []  # the ports of the clients whose messages were handled, in order
    handle = websocket_module.GraphQLTransportWSHandler._handle_message

    async def record_call(self: Any, message: Message) -> None:
        handled.append(self._socket.scope["client"][1])
        await handle(self, message)

    with site.socket() as other, site.socket() as busy:
        monkeypatch.setattr(websocket_module.GraphQLTransportWSHandler, "_handle_message", record_call)
        with blocked_loop(site):
            send_in_one_write(busy.connection, BURSTS[name])
            other.send("ping")
        assert other.receive() == {"type": "pong"}
        assert handled.index(other.connection.socket.getsockname()[1]) < 10


def test_nothing_is_handled_after_the_message_that_closes_a_socket(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    handled: list[Message] = []
    handle = websocket_module.GraphQLTransportWSHandler._handle_message

    async def record_call(self: Any, message: Message) -> None:
        handled.append(message)
        await handle(self, message)

    with site.socket() as socket:
        monkeypatch.setattr(websocket_module.GraphQLTransportWSHandler, "_handle_message", record_call)
        send_in_one_write(
            socket.connection,
            [{"type": "ping"}, {"type": "nothing"}, *BURSTS["documents that fail validation"]],
        )
        code, _ = socket.closed()
    assert (code, handled) == (4400, [Ping()])


@pytest.mark.parametrize("length", [1_000, 1_001])
def test_the_length_of_an_id_is_limited(site: Site, length: int) -> None:
    """Each message of an operation repeats its id."""
    with site.socket() as socket:
        socket.subscribe("x" * length, COUNT)
        if length == 1_000:
            assert socket.receive()["type"] == "next"
        else:
            assert socket.closed() == (4400, "Bad message: Expected `str` of length <= 1000 - at `$.id`")


@pytest.mark.parametrize(
    "messages",
    [
        [{"type": "ping"}] * 300,
        [{"type": "complete", "id": "none"}] * 300,
        BURSTS["documents that fail validation"] * 10,
    ],
    ids=["pings", "completed operations", "refused operations"],
)
def test_every_message_counts_towards_the_rate_limit(tmp_path: Path, messages: list[dict[str, Any]]) -> None:
    with running_site(tmp_path, http=HttpSettings(rate_limit=1)) as site, site.socket() as socket:
        send_in_one_write(socket.connection, messages)
        with site.socket() as another:
            another.subscribe("1", COUNT)
            message = another.receive()
    assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "RATE_LIMITED")
