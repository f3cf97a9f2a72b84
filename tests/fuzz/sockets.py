"""Arbitrary WebSocket messages while the content changes."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DataObject
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.fuzz.place import SECRET
from tests.fuzz.promises import check_error, check_response, find_leaks
from tests.fuzz.values import anything, versions
from tests.fuzz.world import World
from tests.server.live import SUBPROTOCOL, send_in_one_write
from tests.server.support import DEADLINE

CLOSED = {1007, 1009, 4400, 4401, 4403, 4409, 4429}
CHANGED = (
    "articleChanged(since: $s, where: $w)"
    " { kind slug version article { title secured extra topics { name } } }"
)
queries = st.sampled_from(
    (
        f"subscription ($s: String, $w: ArticleFilter) {{ {CHANGED} }}",
        "subscription { articleChanged { version article { title related { title } } } }",
        "{ site { version articleCount } }",
        "subscription { __typename }",
        "subscription { a: articleChanged { slug } b: articleChanged { slug } }",
        "{ articles { nodes { slug ... @defer { title } } } }",
        "{",
    )
)
wheres = anything | st.sampled_from([{"published": {"eq": False}}, {"heat": {"gte": 1}}, {"not": {}}, {}])
kinds = st.sampled_from(
    ["connection_init", "subscribe", "subscribe", "subscribe", "complete", "ping", "pong", "next"]
)


def _messages(world: World) -> st.SearchStrategy[Any]:
    since = versions(world.versions) | anything
    variables = st.fixed_dictionaries({}, optional={"s": since, "w": wheres}) | anything
    payload = st.fixed_dictionaries(
        {"query": queries | st.text()},
        optional={"variables": variables, "operationName": st.just("A") | anything, "extensions": anything},
    )
    ids = st.sampled_from(["1", "2", "3"]) | anything
    return (
        st.fixed_dictionaries({"type": kinds}, optional={"id": ids, "payload": payload | anything}) | anything
    )


def send_random_messages(world: World, data: DataObject) -> None:
    """Send random messages, in most cases on an initialised socket, while the content may change."""
    message = _messages(world).map(json.dumps) | st.text() | st.binary(max_size=100)
    sent = data.draw(st.lists(message, min_size=1, max_size=8))
    initialised, changes = (
        data.draw(st.booleans()) or data.draw(st.booleans()),
        data.draw(st.integers(0, 3)) == 0,
    )
    received, code = exchange(
        world, ['{"type":"connection_init"}', *sent] if initialised else sent, changes=changes
    )
    assert code is None or code in CLOSED, code
    found = [one for text in received for one in _violations(text, str(sent))]
    assert not found, (found, sent)
    world.assert_alive()


BURST: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {"type": "ping"},
        {"type": "pong"},
        {"type": "complete", "id": "1"},
        {"type": "subscribe", "payload": {"query": "subscription { articleChanged { slug } }"}},
        {"type": "subscribe", "payload": {"query": "{ site { version } }"}},
        {"type": "subscribe", "payload": {"query": "{ articles { nodes { titel publishd excerp } } }"}},
        {"type": "subscribe", "payload": {"query": "{ __schema { types { name fields { name } } } }"}},
    ]
)


def send_burst(world: World, data: DataObject) -> None:
    """Send hundreds of messages in one write, with the ids of few or many operations."""
    count, ids = data.draw(st.integers(1, 300)), data.draw(st.sampled_from([1, 3, 1_000]))
    kinds = data.draw(st.lists(BURST, min_size=1, max_size=6))
    messages: list[dict[str, Any]] = [
        {**kinds[number % len(kinds)], "id": str(number % ids)} for number in range(count)
    ]
    received: list[str] = []
    code = None
    with open_socket(world) as socket:
        socket.send('{"type":"connection_init"}')
        received.append(str(socket.recv(timeout=DEADLINE)))
        send_in_one_write(socket, [*messages, {"type": "ping"}])
        pings = 1 + sum(message["type"] == "ping" for message in messages)
        try:
            while pings:
                received.append(str(socket.recv(timeout=DEADLINE)))
                pings -= json.loads(received[-1]) == {"type": "pong"}
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else 1006
    assert code is None or code in CLOSED, code
    found = [one for text in received for one in _violations(text, str(messages))]
    assert not found, (found, messages[:10])
    world.assert_alive()


def open_socket(world: World) -> ClientConnection:
    address, protocols = world.url.replace("http:", "ws:"), [Subprotocol(SUBPROTOCOL)]
    return connect(address, subprotocols=protocols, close_timeout=1)


def exchange(
    world: World, sent: Sequence[str | bytes], *, changes: bool = False
) -> tuple[list[str], int | None]:
    """Send messages; return what the server sent, and its close code, if any."""
    received: list[str] = []
    with open_socket(world) as socket:
        try:
            for message in sent:
                socket.send(message)
            if changes:
                world.change_content()
            socket.send('{"type":"ping"}')
            while not received or json.loads(received[-1]) != {"type": "pong"}:
                received.append(str(socket.recv(timeout=DEADLINE)))
        except ConnectionClosed as closed:
            code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")
            return [*received, json.dumps({"type": "closed", "reason": reason})], code
    return received, None


def _violations(text: str, sent: str) -> Iterator[str]:
    if SECRET in text.lower():
        yield "what is not published shows"
    message = json.loads(text)
    match message["type"]:
        case "next":
            yield from check_response(message["payload"], sent)
        case "error":
            for error in message["payload"]:
                yield from check_error(error, sent)
        case "closed":
            yield from find_leaks(message["reason"], sent)
