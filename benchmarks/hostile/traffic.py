"""What an attack sends: HTTP requests, WebSocket messages, or connections alone.

Everything is made before the attack begins, so that the attacker only writes bytes. A flood makes `different`
payloads and sends them in turn; a server that caches by text has seen none of them when the attack begins.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlencode

import orjson

from benchmarks.live.frames import PING, TEXT, frame

HOST = b"127.0.0.1"
ACCEPT = "application/graphql-response+json"  # its status tells whether a request was refused
UNKNOWN_VERSION = "v" * 30
SINCE = orjson.dumps(UNKNOWN_VERSION)
"""As JSON, in payloads: the place of a version that only the attacked database knows."""
WHOLE_SECONDS = 60.0
NO_VARIABLES: Mapping[str, object] = {}


class Payload(NamedTuple):
    """Bytes of one write, and how many requests or messages they are."""

    data: bytes
    messages: int = 1


MakePayload = Callable[[int], Payload]
"""The payload of a number."""


@dataclass(frozen=True, slots=True)
class HttpFlood:
    """Requests over `connections`, each of which sends the next one once the last one was answered.

    `most`: so many in all. `pause`: seconds between two of one connection. Not `reads`: answers are left in
    the socket, and nothing is waited for but room to write. `reconnects`: each request on a new connection.
    """

    make: MakePayload
    connections: int
    different: int
    most: int = 1_000_000
    pause: float = 0.0
    reads: bool = True
    reconnects: bool = False


@dataclass(frozen=True, slots=True)
class SocketFlood:
    """WebSockets that send a payload every `pause` seconds, or one payload each where `most` says so."""

    make: MakePayload
    sockets: int
    different: int
    most: int = 1_000_000
    pause: float = 0.25
    reads: bool = True


@dataclass(frozen=True, slots=True)
class ConnectionFlood:
    """`per_second` new connections, each of which writes `data` and is closed after `stays` seconds."""

    data: bytes
    per_second: int
    stays: float
    most: int = 20_000


Flood = HttpFlood | SocketFlood | ConnectionFlood


@dataclass(frozen=True, slots=True)
class Attack:
    """`row` is the row of issue 13 that it belongs to, `what` it in a few words; its floods run at once.

    `whole`: it lasts until everything is answered, for as long as WHOLE_SECONDS.
    """

    name: str
    row: int
    what: str
    floods: Sequence[Flood]
    whole: bool = False


def post(document: str, variables: Mapping[str, object] = NO_VARIABLES, accept: str = ACCEPT) -> Payload:
    """A request to run this document."""
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
    """Several in one write."""
    return Payload(b"".join(one.data for one in payloads), sum(one.messages for one in payloads))


def message(content: Mapping[str, object]) -> Payload:
    """A message of graphql-transport-ws."""
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
    """A ping of the WebSocket protocol itself."""
    return Payload(frame(PING, b"", masked=True))
