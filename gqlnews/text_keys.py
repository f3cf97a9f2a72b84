"""Derived keys that SQL compares, computed the same way for stored values and for query arguments."""

import math
from collections.abc import Sequence


def folded(text: str | None) -> str | None:
    """Return `text` case-folded, or None if SQLite's ASCII-only `lower` gives the same result."""
    if text is None or text.isascii():
        return None
    full = text.casefold()
    return None if full == _ascii_lower(text) else full


def as_item(text: str) -> str:
    """Escape line feeds and backslashes in `text`, so that line feeds can separate list items."""
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def items_of(texts: Sequence[str]) -> str:
    """Encode a list as escaped items between line feeds, `"\\na\\nb\\n"`; an empty list as `""`."""
    return "\n".join(["", *map(as_item, texts), ""]) if texts else ""


def heat_log_of(heat: int | None) -> float | None:
    """Return log2 of a heat, or None unless the heat is positive."""
    return math.log2(heat) if heat is not None and heat > 0 else None


def _ascii_lower(text: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)
