"""What rows hold beside what is served, so that SQL can compare it: text without case, heat by halvings, …

These are also functions of the writer's SQL, under their own names: migrations fill new columns with them.
"""

import math
import sqlite3
from collections.abc import Sequence

from gqlnews.instants import seconds_of
from gqlnews.texts import as_item, folded


def heat_log_of(heat: int | None) -> float | None:
    """How often a heat can be halved before it is 1; None for one not above 0."""
    return math.log2(heat) if heat is not None and heat > 0 else None


def items_of(texts: Sequence[str]) -> str:
    """Each text between line feeds: `\\na\\nb\\n`, empty where there is none."""
    return "\n".join(["", *map(as_item, texts), ""]) if texts else ""


def register(db: sqlite3.Connection) -> None:
    """Give the connection these functions."""
    for function in (folded, as_item, heat_log_of, seconds_of):
        db.create_function(function.__name__, 1, function, deterministic=True)
