"""Arbitrary WebSocket messages: the server closes the socket or continues, and nothing fails."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from tests.live import PLAIN
from tests.server.live import COUNT, Site, Socket

ALLOWED = {1007, 1009, 4400, 4401, 4403, 4409, 4429}

scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text()
values: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)
queries = (
    st.sampled_from([PLAIN, COUNT, "{", "subscription { __typename }", "query A { __typename }"]) | st.text()
)
payloads = values | st.fixed_dictionaries(
    {"query": queries},
    optional={
        "variables": values | st.fixed_dictionaries({}, optional={"where": values, "since": values}),
        "operationName": st.sampled_from(["A", ""]) | values,
        "extensions": values,
    },
)
ids = st.sampled_from(["1", "2"]) | values
kinds = st.sampled_from(
    ["connection_init", "subscribe", "subscribe", "subscribe", "complete", "ping", "pong"]
)
messages = st.fixed_dictionaries({"type": kinds}, optional={"id": ids, "payload": payloads}) | values
said = st.lists(messages.map(json.dumps) | st.text() | st.binary(max_size=200), min_size=1, max_size=12)


@pytest.fixture
def going_on(site: Site, quiet: None) -> Iterator[Site]:
    """Assert after each test that other clients are still served."""
    yield site
    with site.socket() as socket:
        socket.subscribe("1", COUNT)
        assert [one["type"] for one in socket.receive_for("1")] == ["next", "complete"]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(said, st.booleans())
def test_arbitrary_messages(going_on: Site, said: list[str | bytes], known: bool) -> None:
    with going_on.raw() as socket:
        code = closed_with(socket, ['{"type":"connection_init"}', *said] if known else said)
        assert code is None or code in ALLOWED


def closed_with(socket: Socket, said: list[str | bytes]) -> int | None:
    """Return the close code, or None if the socket stays open."""
    try:
        for message in said:
            socket.connection.send(message)
        socket.send("ping")
        while socket.receive() != {"type": "pong"}:
            pass
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd is not None else 1006
    return None


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["subscription", "query", "complete", "change"]), max_size=12))
def test_operations_that_start_and_end_at_random(going_on: Site, steps: list[str]) -> None:
    with going_on.socket() as socket:
        running = False
        for step in steps:
            if step == "change":
                going_on.change()
            elif step == "complete" or running:
                socket.send("complete", id="1")
                running = False
            else:
                socket.subscribe("1", PLAIN if step == "subscription" else COUNT)
                running = True
        assert closed_with(socket, []) is None
