"""Messages of the graphql-transport-ws protocol, fully validated before use.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from typing import Annotated, Any

import msgspec
import orjson
from msgspec import Meta, Struct

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


OperationId = Annotated[str, Meta(min_length=1, max_length=MAX_ID_LENGTH)]


class ConnectionInit(Struct, tag_field="type", tag="connection_init"):
    payload: dict[str, Any] | None = None


class Ping(Struct, tag_field="type", tag="ping"):
    payload: dict[str, Any] | None = None


class Pong(Struct, tag_field="type", tag="pong"):
    payload: dict[str, Any] | None = None


class SubscribePayload(Struct, rename="camel"):
    query: str | None = None
    operation_name: str | None = None
    variables: dict[str, Any] | None = None
    extensions: dict[str, Any] | None = None
    document_id: str | None = None


class Subscribe(Struct, tag_field="type", tag="subscribe"):
    id: OperationId
    payload: SubscribePayload

    def request(self) -> RawRequest:
        """Return the request in the payload. Raises CloseConnectionError."""
        payload, extensions = self.payload, self.payload.extensions or {}
        try:
            reference = parse_document_reference(payload.document_id, payload.query, extensions)
        except UnprocessableRequestError as error:
            raise _bad_message(str(error).removesuffix(".")) from None
        if payload.query is None and reference is None:
            raise _bad_message("`query` is missing")
        return RawRequest(
            payload.query,
            reference,
            payload.variables,
            payload.operation_name or None,
            **requested_extensions(extensions),
        )


class Complete(Struct, tag_field="type", tag="complete"):
    id: OperationId


Message = ConnectionInit | Ping | Pong | Subscribe | Complete


def parse_message(text: str | None) -> Message:
    """Parse a text frame from the client; None is a binary frame. Raises CloseConnectionError."""
    if text is None:
        raise _bad_message("messages must be text frames")
    try:
        message: Message = msgspec.convert(orjson.loads(text), Message)
    except (orjson.JSONDecodeError, msgspec.ValidationError) as error:
        raise _bad_message(str(error)) from None
    return message


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
