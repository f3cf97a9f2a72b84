"""Framings of a streamed response, and the two JSON formats of incremental delivery."""

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
# | SSE | server-sent events, in the "distinct connections mode" of graphql-sse |
# | MULTIPART_SUBSCRIPTION | the events of a subscription, in Apollo's multipart protocol |
# | MULTIPART_INCREMENTAL | the payloads of one operation, in incremental delivery over HTTP |
#
# https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
# https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/multipart-protocol
# https://github.com/graphql/graphql-over-http/blob/main/rfcs/IncrementalDelivery.md

BOUNDARY = "graphql"


@dataclass(frozen=True, slots=True)
class Framing:
    """The byte sequences of one stream format.

    `opening` is sent directly after the headers, so that the client processes them. `ping` is the
    keep-alive; empty for none. Each payload is sent between `prefix` and `suffix`, and `end` marks a complete
    stream. `name` is the transport in logs, metrics and limits.
    """

    name: str
    headers: Headers
    opening: bytes
    ping: bytes
    prefix: bytes
    suffix: bytes
    end: bytes

    def frame(self, body: bytes) -> bytes:
        return b"%b%b%b" % (self.prefix, body, self.suffix)


def _headers(media: str) -> Headers:
    no_buffering = (b"x-accel-buffering", b"no")  # disables buffering in nginx
    return (*graphql_headers(media), (b"cache-control", b"no-store"), no_buffering)


SSE = Framing(
    name="events",
    headers=_headers(EVENT_STREAM),
    opening=b":\n\n",
    ping=b":\n\n",
    prefix=b"event: next\ndata: ",
    suffix=b"\n\n",
    end=b"event: complete\ndata: \n\n",
)


def _multipart(name: str, parameters: str, prefix: bytes, suffix: bytes, ping: bytes) -> Framing:
    """Multipart framing. Each part is sent with the boundary after it, which marks its end for the client."""
    part_headers = b"\r\ncontent-type: %b; charset=utf-8\r\n\r\n" % JSON.encode()
    boundary = b"\r\n--%b" % BOUNDARY.encode()
    return Framing(
        name=name,
        headers=_headers(f'{MULTIPART}; boundary="{BOUNDARY}"{parameters}'),
        opening=boundary,
        ping=b"%b%b%b" % (part_headers, ping, boundary) if ping else b"",
        prefix=part_headers + prefix,
        suffix=suffix + boundary,
        end=b"--\r\n",
    )


MULTIPART_SUBSCRIPTION = _multipart("multipart", '; subscriptionSpec="1.0"', b'{"payload":', b"}", b"{}")
MULTIPART_INCREMENTAL = _multipart("parts", "", b"", b"", b"")
MULTIPART_INCREMENTAL_2022 = _multipart("parts", "; deferSpec=20220824", b"", b"", b"")


# Encode incremental delivery payloads (`@defer`, `@stream`) as JSON, in either of two formats.
#
# The newer format lists the pending and completed fragments and streams by id. The format of August 2022
# (`deferSpec=20220824`) has only `hasNext`.

HAS_NEXT = "hasNext"


def encode_v2(payload: IncrementalPayload) -> bytes:
    """Encode as `{"data", "pending", "incremental", "completed", "hasNext"}`; empty members are omitted."""
    body: dict[str, Any] = {} if payload.data is None else {"data": payload.data}
    if payload.pending:
        body["pending"] = [_pending(one) for one in payload.pending]
    if payload.patches:
        body["incremental"] = [_patch(one) for one in payload.patches]
    if payload.completed:
        body["completed"] = [{"id": one.id} for one in payload.completed]
    return orjson.dumps({**body, HAS_NEXT: payload.has_next})


def encode_2022(payload: IncrementalPayload) -> bytes:
    """Encode as `{"data", "incremental", "hasNext"}`; empty members are omitted."""
    body: dict[str, Any] = {} if payload.data is None else {"data": payload.data}
    if payload.patches:
        body["incremental"] = [_patch_2022(one) for one in payload.patches]
    return orjson.dumps({**body, HAS_NEXT: payload.has_next})


def add_has_next_false(body: bytes) -> bytes:
    """Add `"hasNext": false` to a complete response, sent as the only or the last payload."""
    return body[:-1] + b',"hasNext":false}'


def _pending(pending: Pending) -> Mapping[str, Any]:
    return {"id": pending.id, "path": pending.path, **_label(pending)}


def _patch(patch: Patch) -> Mapping[str, Any]:
    sub_path = patch.path[len(patch.pending.path) :]
    return {"id": patch.pending.id, **({"subPath": sub_path} if sub_path else {}), **_content(patch)}


def _patch_2022(patch: Patch) -> Mapping[str, Any]:
    path = patch.path if patch.items is None else (*patch.path, patch.index)
    return {"path": path, **_label(patch.pending), **_content(patch)}


def _label(pending: Pending) -> Mapping[str, Any]:
    return {} if pending.label is None else {"label": pending.label}


def _content(patch: Patch) -> Mapping[str, Any]:
    return {"data": patch.data} if patch.items is None else {"items": patch.items}
