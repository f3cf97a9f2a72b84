"""Invalid WebSocket messages, and the close code of each."""

from typing import Any
from unittest.mock import patch

import pytest

from gqlnews.server import websocket as server_socket
from tests.server.live import HEAT, Site
from tests.server.support import TOKEN

pytestmark = pytest.mark.usefixtures("quiet")

BAD: list[tuple[str | bytes, int]] = [
    ("", 4400),
    ("no JSON", 4400),
    ("[]", 4400),
    ("null", 4400),
    ("{}", 4400),
    ('"ping"', 4400),
    ('{"type": 1}', 4400),
    ('{"type": ["ping"]}', 4400),
    ('{"type": "start"}', 4400),
    ('{"type": "connection_ack"}', 4400),
    ('{"type": "next", "id": "1"}', 4400),
    ('{"type": "connection_init", "payload": []}', 4400),
    ('{"type": "connection_init", "payload": "x"}', 4400),
    ('{"type": "ping", "payload": 1}', 4400),
    ('{"type": "pong", "payload": 1}', 4400),
    ('{"type": "complete"}', 4400),
    ('{"type": "complete", "id": 1}', 4400),
    ('{"type": "subscribe"}', 4400),
    ('{"type": "subscribe", "id": ""}', 4400),
    ('{"type": "subscribe", "id": "1"}', 4400),
    ('{"type": "subscribe", "id": "1", "payload": []}', 4400),
    ('{"type": "subscribe", "id": "1", "payload": {}}', 4400),
    ('{"type": "subscribe", "id": "1", "payload": {"query": 1}}', 4400),
    ('{"type": "subscribe", "id": "1", "payload": {"query": "{a}", "variables": []}}', 4400),
    ('{"type": "subscribe", "id": "1", "payload": {"query": "{a}", "operationName": 1}}', 4400),
    ('{"type": "subscribe", "id": "1", "payload": {"query": "{a}", "extensions": 1}}', 4400),
    ('{"type": "subscribe", "id": "\\ud800", "payload": {"query": "{a}"}}', 4400),
    (b"{}", 4400),
    ("[" * 5000, 4400),
    ('{"type": "connection_init"}', 4429),
    ("x" * 65_537, 1009),
    ('{"type": "ping", "payload": {"x": "' + "x" * 65_536 + '"}}', 1009),
]


@pytest.mark.parametrize(("message", "code"), BAD)
def test_an_invalid_message_closes_the_socket(site: Site, message: str | bytes, code: int) -> None:
    with site.socket() as socket:
        socket.connection.send(message)
        assert socket.closed()[0] == code


@pytest.mark.parametrize(
    ("init", "code", "reason"),
    [
        ({"authorization": "Bearer wrong"}, 4403, "Forbidden"),
        ({"authorization": TOKEN}, 4403, "Forbidden"),
        ({"authorization": [f"Bearer {TOKEN}"]}, 4403, "Forbidden"),
        ({"authorization": 1}, 4403, "Forbidden"),
        ({"authorization": "Bearer é"}, 4403, "Forbidden"),
    ],
)
def test_an_unknown_token_closes_the_socket(site: Site, init: dict[str, Any], code: int, reason: str) -> None:
    with site.raw() as socket:
        socket.send("connection_init", payload=init)
        assert socket.closed() == (code, reason)


def test_a_text_that_is_not_utf_8_closes_the_socket(site: Site) -> None:
    with site.socket() as socket:
        socket.connection.send(b"\xff\xfe", text=True)
        assert socket.closed()[0] == 1007


def test_subscribing_before_connection_init_closes_the_socket(site: Site) -> None:
    with site.raw() as socket:
        socket.subscribe("1")
        assert socket.closed() == (4401, "Unauthorized")


def test_a_second_subscription_of_one_id_closes_it(site: Site) -> None:
    with site.socket() as socket:
        socket.subscribe_and_wait("1")
        socket.subscribe("1")
        assert socket.closed() == (4409, "Subscriber for 1 already exists")


@pytest.mark.parametrize("key", ["\U0001f600" * 60, "x" * 1000, '"\n\0'])
def test_any_string_is_a_valid_id(site: Site, key: str) -> None:
    with site.socket() as socket:
        socket.subscribe_and_wait(key, HEAT)
        site.change()
        assert socket.receive()["id"] == key
        socket.subscribe(key)
        code, reason = socket.closed()
        assert code == 4409
        assert key.startswith(reason.removeprefix("Subscriber for ").removesuffix(" already exists"))


@pytest.mark.parametrize("protocol", [None, "graphql-ws", "graphql-transport-ws2"])
def test_an_unsupported_subprotocol_is_rejected(site: Site, protocol: str | None) -> None:
    with site.raw(protocol) as socket:
        assert socket.closed()[0] == 4406


def test_a_socket_without_connection_init_is_closed(site: Site) -> None:
    with patch.object(server_socket, "INIT_SECONDS", 0.2):
        with site.socket() as patient, site.raw() as silent:
            assert silent.closed() == (4408, "Connection initialisation timeout")
            patient.subscribe_and_wait("1", HEAT)
            site.change()
            patient.receive()


@pytest.mark.parametrize("payload", [{}, None, {"other": 1}])
def test_a_ping_is_answered(site: Site, payload: Any) -> None:
    with site.raw() as socket:
        socket.send("ping", payload=payload)
        assert socket.receive() == {"type": "pong"}
