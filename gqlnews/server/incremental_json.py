"""Encode incremental delivery payloads (`@defer`, `@stream`) as JSON, in either of two formats.

The newer format lists pending and completed fragments by id. The format of August 2022
(`deferSpec=20220824`) only has `hasNext`.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from gqlnews.engine.incremental import IncrementalPayload, Patch, Pending

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
