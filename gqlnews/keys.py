"""What SQL compares, made the same way of what is stored and of what is asked."""

import math
from collections.abc import Sequence


def folded(text: str | None) -> str | None:
    """`text` without the case of its letters; None where SQLite's `lower`, for ASCII alone, does as well."""
    if text is None or text.isascii():
        return None
    full = text.casefold()
    return None if full == _ascii_lower(text) else full


def as_item(text: str) -> str:
    """`text` without line feeds, one to one, so that line feeds can part items."""
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def items_of(texts: Sequence[str]) -> str:
    """Each text as an item between line feeds, empty where there is none: `"\\na\\nb\\n"`."""
    return "\n".join(["", *map(as_item, texts), ""]) if texts else ""


def heat_log_of(heat: int | None) -> float | None:
    """How often a heat can be halved before it is 1; None for one not above 0."""
    return math.log2(heat) if heat is not None and heat > 0 else None


def _ascii_lower(text: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)
