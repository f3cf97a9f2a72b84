"""The parts of an answer as JSON, in the format that a client knows.

The newer one names what is pending, and tells when it is complete; that of August 2022 (`deferSpec=20220824`)
only says whether more comes.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from gqlnews.schema.parts import Delivery, Pending, Piece

HAS_NEXT = "hasNext"


def newer(delivery: Delivery) -> bytes:
    """`{"data", "pending", "incremental", "completed", "hasNext"}`, each where there is some."""
    body: dict[str, Any] = {} if delivery.data is None else {"data": delivery.data}
    if delivery.pending:
        body["pending"] = [_pending(one) for one in delivery.pending]
    if delivery.pieces:
        body["incremental"] = [_piece(one) for one in delivery.pieces]
    if delivery.completed:
        body["completed"] = [{"id": one.id} for one in delivery.completed]
    return orjson.dumps({**body, HAS_NEXT: delivery.more})


def of_2022(delivery: Delivery) -> bytes:
    """`{"data", "incremental", "hasNext"}`."""
    body: dict[str, Any] = {} if delivery.data is None else {"data": delivery.data}
    if delivery.pieces:
        body["incremental"] = [_piece_of_2022(one) for one in delivery.pieces]
    return orjson.dumps({**body, HAS_NEXT: delivery.more})


def last(body: bytes) -> bytes:
    """An answer that is whole, as the only part or the last one."""
    return body[:-1] + b',"hasNext":false}'


def _pending(pending: Pending) -> Mapping[str, Any]:
    return {"id": pending.id, "path": pending.path, **_labelled(pending)}


def _piece(piece: Piece) -> Mapping[str, Any]:
    below = piece.path[len(piece.pending.path) :]
    return {"id": piece.pending.id, **({"subPath": below} if below else {}), **_content(piece)}


def _piece_of_2022(piece: Piece) -> Mapping[str, Any]:
    path = piece.path if piece.items is None else (*piece.path, piece.at)
    return {"path": path, **_labelled(piece.pending), **_content(piece)}


def _labelled(pending: Pending) -> Mapping[str, Any]:
    return {} if pending.label is None else {"label": pending.label}


def _content(piece: Piece) -> Mapping[str, Any]:
    return {"data": piece.data} if piece.items is None else {"items": piece.items}
