"""Messages of the graphql-transport-ws protocol, fully validated before use.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from gqlnews.errors import GqlnewsError
from gqlnews.server.request import MalformedError, RawRequest, parse_document_reference

SUBPROTOCOL = "graphql-transport-ws"
MAX_REASON = 123  # bytes: RFC 6455, section 5.5
MAX_ID = 1_000  # characters: each message of an operation repeats its id


class CloseCode:
    """WebSocket close codes."""

    RESTARTING = 1012
    LAGGING = 1013
    BAD_MESSAGE = 4400
    NO_INIT = 4401
    FORBIDDEN = 4403
    NO_SUBPROTOCOL = 4406
    INIT_TIMEOUT = 4408
    SAME_ID = 4409
    INIT_TWICE = 4429


class CloseConnectionError(GqlnewsError):
    """Close the socket with this code; the reason is truncated to what fits into a close frame."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason.encode()[:MAX_REASON].decode(errors="ignore"))
        self.code = code


@dataclass(frozen=True, slots=True)
class ConnectionInit:
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ping:
    pass


@dataclass(frozen=True, slots=True)
class Pong:
    pass


@dataclass(frozen=True, slots=True)
class Subscribe:
    id: str
    wanted: RawRequest


@dataclass(frozen=True, slots=True)
class Complete:
    id: str


Message = ConnectionInit | Ping | Pong | Subscribe | Complete


def read_message(text: str | None) -> Message:
    """Parse a text frame from the client; None is a binary frame. Raises CloseConnectionError."""
    if text is None:
        raise _bad("messages are text frames")
    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise _bad("the message is no JSON") from None
    if not isinstance(given, dict):
        raise _bad("the message is no JSON object")
    kind = given.get("type")
    read = _READERS.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise _bad("`type` is none that a client sends")
    return read(given)


def next_message(key: bytes, body: bytes) -> str:
    """A `next` message: `key` is the operation's id as JSON, `body` the response as JSON."""
    return (b'{"id":%b,"type":"next","payload":%b}' % (key, body)).decode()


def complete_message(key: bytes) -> str:
    return (b'{"id":%b,"type":"complete"}' % key).decode()


def error_message(key: bytes, body: bytes) -> str:
    """An `error` message; `body` is an error response as JSON, `{"errors": […]}`."""
    errors = orjson.dumps(orjson.loads(body)["errors"])
    return (b'{"id":%b,"type":"error","payload":%b}' % (key, errors)).decode()


ACK = '{"type":"connection_ack"}'
PONG = '{"type":"pong"}'


def _bad(why: str) -> CloseConnectionError:
    return CloseConnectionError(CloseCode.BAD_MESSAGE, f"Bad message: {why}")


def _init(given: Mapping[str, Any]) -> Message:
    return ConnectionInit(_object(given, "payload") or {})


def _ping(given: Mapping[str, Any]) -> Message:
    _object(given, "payload")
    return Ping()


def _pong(given: Mapping[str, Any]) -> Message:
    _object(given, "payload")
    return Pong()


def _complete(given: Mapping[str, Any]) -> Message:
    return Complete(_id(given))


def _subscribe(given: Mapping[str, Any]) -> Message:
    key, payload = _id(given), _object(given, "payload")
    if payload is None:
        raise _bad("`payload` is missing")
    query, name = payload.get("query"), payload.get("operationName")
    if name is not None and not isinstance(name, str):
        raise _bad("`operationName` is no text")
    extensions = _object(payload, "extensions") or {}
    try:
        named = parse_document_reference(payload, extensions)
    except MalformedError as error:
        raise _bad(str(error)) from None
    if not isinstance(query, str) and (query is not None or named is None):
        raise _bad("`query` is no text")
    variables, include_cost = _object(payload, "variables"), extensions.get("cost") is True
    return Subscribe(key, RawRequest(query, named, variables, name or None, include_cost=include_cost))


def _id(given: Mapping[str, Any]) -> str:
    key = given.get("id")
    if not isinstance(key, str) or not key:
        raise _bad("`id` is no text, or empty")
    if len(key) > MAX_ID:
        raise _bad(f"`id` is longer than {MAX_ID:,} characters")
    return key


def _object(given: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    value = given.get(name)
    if value is not None and not isinstance(value, dict):
        raise _bad(f"`{name}` is no object")
    return value


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Message]] = {
    "connection_init": _init,
    "ping": _ping,
    "pong": _pong,
    "subscribe": _subscribe,
    "complete": _complete,
}
