"""Messages of the graphql-transport-ws protocol, fully validated before use.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from gqlnews.errors import Code, GqlnewsError
from gqlnews.server.request import RawRequest, parse_document_reference, requested_extensions
from gqlnews.server.response import UnprocessableRequestError

SUBPROTOCOL = "graphql-transport-ws"
MAX_REASON_BYTES = 123  # of a close frame: RFC 6455, section 5.5
MAX_ID_LENGTH = 1_000  # characters: each message of an operation repeats its id


class CloseCode:
    """WebSocket close codes; those from 4400 on are defined by graphql-transport-ws."""

    RESTARTING = 1012
    SLOW_CONSUMER = 1013
    BAD_MESSAGE = 4400
    NO_INIT = 4401
    FORBIDDEN = 4403
    NO_SUBPROTOCOL = 4406
    INIT_TIMEOUT = 4408
    DUPLICATE_ID = 4409
    REPEATED_INIT = 4429


ERROR_CODES = {
    CloseCode.RESTARTING: Code.STOPPING,
    CloseCode.SLOW_CONSUMER: Code.TOO_SLOW,
    CloseCode.NO_INIT: Code.UNAUTHENTICATED,
    CloseCode.FORBIDDEN: Code.UNAUTHENTICATED,
    CloseCode.INIT_TIMEOUT: Code.REQUEST_TIMEOUT,
}
"""The error codes of close codes in the log; those of the others are BAD_REQUEST."""


class CloseConnectionError(GqlnewsError):
    """Raised to close the socket with a code and a reason, which is truncated to MAX_REASON_BYTES."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore"))
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
    request: RawRequest


@dataclass(frozen=True, slots=True)
class Complete:
    id: str


Message = ConnectionInit | Ping | Pong | Subscribe | Complete


def parse_message(text: str | None) -> Message:
    """Parse a text frame from the client; None is a binary frame. Raises CloseConnectionError."""
    if text is None:
        raise _bad_message("messages must be text frames")
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise _bad_message("the message is not JSON") from None
    if not isinstance(message, dict):
        raise _bad_message("the message is not a JSON object")
    kind = message.get("type")
    parse = _PARSERS.get(kind) if isinstance(kind, str) else None
    if parse is None:
        raise _bad_message("unknown `type`")
    return parse(message)


def next_message(json_id: bytes, body: bytes) -> str:
    """A `next` message; `json_id` is the operation's id as JSON, `body` the response as JSON."""
    return (b'{"id":%b,"type":"next","payload":%b}' % (json_id, body)).decode()


def complete_message(json_id: bytes) -> str:
    return (b'{"id":%b,"type":"complete"}' % json_id).decode()


def error_message(json_id: bytes, body: bytes) -> str:
    """An `error` message; `body` is an error response as JSON, `{"errors": […]}`."""
    errors = orjson.dumps(orjson.loads(body)["errors"])
    return (b'{"id":%b,"type":"error","payload":%b}' % (json_id, errors)).decode()


ACK = '{"type":"connection_ack"}'
PONG = '{"type":"pong"}'


def _bad_message(reason: str) -> CloseConnectionError:
    return CloseConnectionError(CloseCode.BAD_MESSAGE, f"Bad message: {reason}")


def _parse_connection_init(message: Mapping[str, Any]) -> Message:
    return ConnectionInit(_object_or_none(message, "payload") or {})


def _parse_ping(message: Mapping[str, Any]) -> Message:
    _object_or_none(message, "payload")
    return Ping()


def _parse_pong(message: Mapping[str, Any]) -> Message:
    _object_or_none(message, "payload")
    return Pong()


def _parse_complete(message: Mapping[str, Any]) -> Message:
    return Complete(_id(message))


def _parse_subscribe(message: Mapping[str, Any]) -> Message:
    operation_id, payload = _id(message), _object_or_none(message, "payload")
    if payload is None:
        raise _bad_message("`payload` is missing")
    query, name = payload.get("query"), payload.get("operationName")
    if name is not None and not isinstance(name, str):
        raise _bad_message("`operationName` is not a string")
    extensions = _object_or_none(payload, "extensions") or {}
    try:
        reference = parse_document_reference(payload, extensions)
    except UnprocessableRequestError as error:
        raise _bad_message(str(error).removesuffix(".")) from None
    if not isinstance(query, str) and (query is not None or reference is None):
        raise _bad_message("`query` is not a string")
    variables = _object_or_none(payload, "variables")
    wanted = requested_extensions(extensions)
    return Subscribe(operation_id, RawRequest(query, reference, variables, name or None, **wanted))


def _id(message: Mapping[str, Any]) -> str:
    operation_id = message.get("id")
    if not isinstance(operation_id, str) or not operation_id:
        raise _bad_message("`id` is not a string, or is empty")
    if len(operation_id) > MAX_ID_LENGTH:
        raise _bad_message(f"`id` is longer than {MAX_ID_LENGTH:,} characters")
    return operation_id


def _object_or_none(message: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    value = message.get(name)
    if value is not None and not isinstance(value, dict):
        raise _bad_message(f"`{name}` is not an object")
    return value


_PARSERS: Mapping[str, Callable[[Mapping[str, Any]], Message]] = {
    "connection_init": _parse_connection_init,
    "ping": _parse_ping,
    "pong": _parse_pong,
    "subscribe": _parse_subscribe,
    "complete": _parse_complete,
}
