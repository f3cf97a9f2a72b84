"""Framings of a streamed response, and the two formats of incremental delivery."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from gqlnews.engine.incremental import IncrementalPayload, Patch, Pending
from gqlnews.server.response import EVENT_STREAM, JSON, MULTIPART, Headers, graphql_headers

# Framings of a streamed HTTP response: server-sent events and two kinds of multipart.
#
# | framing | format |
# |---|---|
# | EVENTS | server-sent events, in the "distinct connections mode" of graphql-sse |
# | PAYLOADS | the events of a subscription, in Apollo's multipart protocol |
# | PARTS | the payloads of one operation, in incremental delivery over HTTP |
#
# https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
# https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/multipart-protocol
# https://github.com/graphql/graphql-over-http/blob/main/rfcs/IncrementalDelivery.md


BOUNDARY = "graphql"


@dataclass(frozen=True, slots=True)
class Framing:
    """The byte sequences of one stream format.

    `opening` follows the headers at once, so that the client sees them. `ping` is the keep-alive.
    Each payload goes between `before` and `after`; `end` marks a complete stream. `name` is for the log.
    """

    name: str
    headers: Headers
    opening: bytes
    ping: bytes
    before: bytes
    after: bytes
    end: bytes

    def framed(self, answer: bytes) -> bytes:
        return b"%b%b%b" % (self.before, answer, self.after)


def _headers(media: str) -> Headers:
    unbuffered = (b"x-accel-buffering", b"no")  # disables buffering in nginx
    return (*graphql_headers(media), (b"cache-control", b"no-store"), unbuffered)


EVENTS = Framing(
    name="events",
    headers=_headers(EVENT_STREAM),
    opening=b":\n\n",
    ping=b":\n\n",
    before=b"event: next\ndata: ",
    after=b"\n\n",
    end=b"event: complete\ndata: \n\n",
)


def _multipart(name: str, parameters: str, before: bytes, after: bytes, ping: bytes) -> Framing:
    """Send each part with the boundary after it, without which a client cannot tell that it is complete."""
    head = b"\r\ncontent-type: %b; charset=utf-8\r\n\r\n" % JSON.encode()
    boundary = b"\r\n--%b" % BOUNDARY.encode()
    return Framing(
        name=name,
        headers=_headers(f'{MULTIPART}; boundary="{BOUNDARY}"{parameters}'),
        opening=boundary,
        ping=b"%b%b%b" % (head, ping, boundary) if ping else b"",
        before=head + before,
        after=after + boundary,
        end=b"--\r\n",
    )


PAYLOADS = _multipart("multipart", '; subscriptionSpec="1.0"', b'{"payload":', b"}", b"{}")
PARTS = _multipart("parts", "", b"", b"", b"")
PARTS_OF_2022 = _multipart("parts", "; deferSpec=20220824", b"", b"", b"")


# Encode incremental delivery payloads (`@defer`, `@stream`) as JSON, in either of two formats.
#
# The newer format lists pending and completed fragments by id. The format of August 2022
# (`deferSpec=20220824`) only has `hasNext`.


HAS_NEXT = "hasNext"


def newer(delivery: IncrementalPayload) -> bytes:
    """Encode as `{"data", "pending", "incremental", "completed", "hasNext"}`; empty members are omitted."""
    body: dict[str, Any] = {} if delivery.data is None else {"data": delivery.data}
    if delivery.pending:
        body["pending"] = [_pending(one) for one in delivery.pending]
    if delivery.pieces:
        body["incremental"] = [_piece(one) for one in delivery.pieces]
    if delivery.completed:
        body["completed"] = [{"id": one.id} for one in delivery.completed]
    return orjson.dumps({**body, HAS_NEXT: delivery.more})


def of_2022(delivery: IncrementalPayload) -> bytes:
    """Encode as `{"data", "incremental", "hasNext"}`."""
    body: dict[str, Any] = {} if delivery.data is None else {"data": delivery.data}
    if delivery.pieces:
        body["incremental"] = [_piece_of_2022(one) for one in delivery.pieces]
    return orjson.dumps({**body, HAS_NEXT: delivery.more})


def last(body: bytes) -> bytes:
    """Add `"hasNext": false` to a complete response, sent as the only or the last payload."""
    return body[:-1] + b',"hasNext":false}'


def _pending(pending: Pending) -> Mapping[str, Any]:
    return {"id": pending.id, "path": pending.path, **_labelled(pending)}


def _piece(piece: Patch) -> Mapping[str, Any]:
    below = piece.path[len(piece.pending.path) :]
    return {"id": piece.pending.id, **({"subPath": below} if below else {}), **_content(piece)}


def _piece_of_2022(piece: Patch) -> Mapping[str, Any]:
    path = piece.path if piece.items is None else (*piece.path, piece.at)
    return {"path": path, **_labelled(piece.pending), **_content(piece)}


def _labelled(pending: Pending) -> Mapping[str, Any]:
    return {} if pending.label is None else {"label": pending.label}


def _content(piece: Patch) -> Mapping[str, Any]:
    return {"data": piece.data} if piece.items is None else {"items": piece.items}
