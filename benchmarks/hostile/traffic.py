"""The traffic of an attack: HTTP requests, WebSocket messages, or bare connections.

Payloads are built before the attack, so that the attacker only writes bytes. A flood builds `distinct`
payloads and cycles through them. When the attack begins, none of them is in a cache yet.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlencode

import orjson

from benchmarks.live.frames import PING, TEXT, frame

HOST = b"127.0.0.1"
ACCEPT = "application/graphql-response+json"  # its status shows whether a request was rejected
UNKNOWN_VERSION = "v" * 30
SINCE = orjson.dumps(UNKNOWN_VERSION)
"""Placeholder in payloads (as JSON) for a version that only the attacked database knows."""
WHOLE_SECONDS = 60.0
NO_VARIABLES: Mapping[str, object] = {}


class Payload(NamedTuple):
    """The bytes of one write, and the number of requests or messages in them."""

    data: bytes
    messages: int = 1


MakePayload = Callable[[int], Payload]
"""Builds the payload with a given number."""


@dataclass(frozen=True, slots=True)
class HttpFlood:
    """Requests over `connections`, each of which sends the next request after the last response.

    - `limit`: the total number of requests.
    - `pause`: seconds between two requests on one connection.
    - `reads`: if false, responses stay in the socket, and the client waits only for buffer space.
    - `reconnects`: open a new connection for each request.
    """

    make: MakePayload
    connections: int
    distinct: int
    limit: int = 1_000_000
    pause: float = 0.0
    reads: bool = True
    reconnects: bool = False


@dataclass(frozen=True, slots=True)
class SocketFlood:
    """WebSockets that send a payload every `pause` seconds, `limit` payloads in all."""

    make: MakePayload
    sockets: int
    distinct: int
    limit: int = 1_000_000
    pause: float = 0.25
    reads: bool = True


@dataclass(frozen=True, slots=True)
class ConnectionFlood:
    """`per_second` new connections, each of which writes `data` and closes after `stays_open` seconds."""

    data: bytes
    per_second: int
    stays_open: float
    limit: int = 20_000


Flood = HttpFlood | SocketFlood | ConnectionFlood


@dataclass(frozen=True, slots=True)
class Attack:
    """An attack, whose floods run concurrently.

    `group` is the number of its group (benchmarks/README.md), `what` a short description. With `whole`, it
    lasts until every request has its response, but at most WHOLE_SECONDS.
    """

    name: str
    group: int
    what: str
    floods: Sequence[Flood]
    whole: bool = False


def post(document: str, variables: Mapping[str, object] = NO_VARIABLES, accept: str = ACCEPT) -> Payload:
    """A request that runs this document."""
    return post_body({"query": document, "variables": variables}, accept)


def post_body(body: object, accept: str = ACCEPT) -> Payload:
    return post_text(orjson.dumps(body), accept)


def post_text(text: bytes, accept: str = ACCEPT) -> Payload:
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: {HOST.decode()}\r\nAccept: {accept}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    )
    return Payload(head.encode() + text)


def get(path: str, accept: str = ACCEPT, **parameters: str) -> Payload:
    target = f"{path}?{urlencode(parameters)}" if parameters else path
    return Payload(f"GET {target} HTTP/1.1\r\nHost: {HOST.decode()}\r\nAccept: {accept}\r\n\r\n".encode())


def pipelined(payloads: Sequence[Payload]) -> Payload:
    """Join several payloads into one write."""
    return Payload(b"".join(one.data for one in payloads), sum(one.messages for one in payloads))


def message(content: Mapping[str, object]) -> Payload:
    """A graphql-transport-ws message."""
    return Payload(frame(TEXT, orjson.dumps(content), masked=True))


def subscribe(key: str, document: str, variables: Mapping[str, object] = NO_VARIABLES) -> Payload:
    payload = {"query": document, "variables": variables}
    return message({"id": key, "type": "subscribe", "payload": payload})


def complete(key: str) -> Payload:
    return message({"id": key, "type": "complete"})


def fragmented(text: bytes) -> Payload:
    """A text message in frames of one byte."""
    mask = bytes(4)
    first, middle, last = (bytes((opcode, 0x81)) + mask for opcode in (TEXT, 0, 0x80))
    data = first + text[:1] + b"".join(middle + text[at : at + 1] for at in range(1, len(text) - 1))
    return Payload(data + last + text[-1:])


def ping_frame() -> Payload:
    """A ping frame of the WebSocket protocol."""
    return Payload(frame(PING, b"", masked=True))
