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
from tests.fuzz.promises import leaks, of_error, of_response
from tests.fuzz.values import anything, versions
from tests.fuzz.world import World
from tests.server.live import SUBPROTOCOL, write_at_once
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


def say_anything(world: World, data: DataObject) -> None:
    """Send random messages, in most cases on an initialised socket, while the content may change."""
    message = _messages(world).map(json.dumps) | st.text() | st.binary(max_size=100)
    said = data.draw(st.lists(message, min_size=1, max_size=8))
    known, stirs = data.draw(st.booleans()) or data.draw(st.booleans()), data.draw(st.integers(0, 3)) == 0
    heard, code = talk(world, ['{"type":"connection_init"}', *said] if known else said, stirs=stirs)
    assert code is None or code in CLOSED, code
    found = [one for text in heard for one in _broken(text, str(said))]
    assert not found, (found, said)
    world.goes_on()


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


def say_much_at_once(world: World, data: DataObject) -> None:
    """Send hundreds of messages in one write, with the ids of few or many operations."""
    count, ids = data.draw(st.integers(1, 300)), data.draw(st.sampled_from([1, 3, 1_000]))
    kinds = data.draw(st.lists(BURST, min_size=1, max_size=6))
    messages: list[dict[str, Any]] = [
        {**kinds[number % len(kinds)], "id": str(number % ids)} for number in range(count)
    ]
    heard: list[str] = []
    code = None
    with open_socket(world) as socket:
        socket.send('{"type":"connection_init"}')
        heard.append(str(socket.recv(timeout=DEADLINE)))
        write_at_once(socket, [*messages, {"type": "ping"}])
        pings = 1 + sum(message["type"] == "ping" for message in messages)
        try:
            while pings:
                heard.append(str(socket.recv(timeout=DEADLINE)))
                pings -= json.loads(heard[-1]) == {"type": "pong"}
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else 1006
    assert code is None or code in CLOSED, code
    found = [one for text in heard for one in _broken(text, str(messages))]
    assert not found, (found, messages[:10])
    world.goes_on()


def open_socket(world: World) -> ClientConnection:
    address, protocols = world.url.replace("http:", "ws:"), [Subprotocol(SUBPROTOCOL)]
    return connect(address, subprotocols=protocols, close_timeout=1)


def talk(world: World, said: Sequence[str | bytes], *, stirs: bool = False) -> tuple[list[str], int | None]:
    """Send messages; return what the server sent, and its close code, if any."""
    heard: list[str] = []
    with open_socket(world) as socket:
        try:
            for message in said:
                socket.send(message)
            if stirs:
                world.stir()
            socket.send('{"type":"ping"}')
            while not heard or json.loads(heard[-1]) != {"type": "pong"}:
                heard.append(str(socket.recv(timeout=DEADLINE)))
        except ConnectionClosed as closed:
            code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")
            return [*heard, json.dumps({"type": "closed", "reason": reason})], code
    return heard, None


def _broken(text: str, said: str) -> Iterator[str]:
    if SECRET in text.lower():
        yield "what is not published shows"
    message = json.loads(text)
    match message["type"]:
        case "next":
            yield from of_response(message["payload"], said)
        case "error":
            for error in message["payload"]:
                yield from of_error(error, said)
        case "closed":
            yield from leaks(message["reason"], said)
