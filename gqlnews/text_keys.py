"""Slugs, and derived keys that SQL compares: the same for stored values and for query arguments."""

import math
import re
import unicodedata
from collections.abc import Sequence

_NOT_IN_SLUG = re.compile(r"[^a-z0-9]+")


def casefold_key(text: str | None) -> str | None:
    """Return `text` case-folded, or None if SQLite's ASCII-only `lower` gives the same result."""
    if text is None or text.isascii():
        return None
    full = text.casefold()
    return None if full == _ascii_lower(text) else full


def escape_list_item(text: str) -> str:
    """Escape line feeds and backslashes in `text`, so that line feeds can separate list items."""
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def encode_list(texts: Sequence[str]) -> str:
    """Encode a list as escaped items between line feeds, `"\\na\\nb\\n"`; an empty list as `""`."""
    return "\n".join(["", *map(escape_list_item, texts), ""]) if texts else ""


def log2_heat(heat: int | None) -> float | None:
    """Return log2 of a heat, or None unless the heat is positive."""
    return math.log2(heat) if heat is not None and heat > 0 else None


def slug_from_path(path: str) -> str:
    """Return an article's slug: its relative path without the extension."""
    return path.rpartition(".")[0]


def topic_slug(name: str) -> str:
    """Slugify a topic, such as `computer-vision`; a name without ASCII letters or digits is lower-cased."""
    letters = unicodedata.normalize("NFKD", name).lower()
    return _NOT_IN_SLUG.sub("-", letters).strip("-") or name.lower()


def _ascii_lower(text: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)
