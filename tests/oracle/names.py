"""Names that topics and authors share: their slugs, and which one is used most."""

from __future__ import annotations

import unicodedata
from collections import Counter

SIGNS = {"+": "plus", "#": "sharp"}
SPELLED = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th"}
SPELLED |= {"ħ": "h", "\u0131": "i", "ŋ": "ng"}


def most_used(names: Counter[str]) -> str:
    return min(names, key=lambda name: (-names[name], name))


def topic_slug(name: str) -> str:
    """`Computer Vision` → `computer-vision`; the lower-cased name if it has no letter or digit."""
    letters = unicodedata.normalize("NFKC", name).lower()
    slug, previous, base = "", "", ""
    for letter in letters:
        kind = unicodedata.category(letter)[0]
        if letter in SIGNS and (previous.isalnum() or previous in SIGNS):
            slug += f"-{SIGNS[letter]}-"
        elif kind == "M":
            slug += letter if base and not is_latin(base) else ""
        elif letter.isalnum():
            base = unicodedata.normalize("NFD", letter)[0]
            slug += SPELLED.get(base, base) if is_latin(base) else letter
        else:
            slug += "-"
        base = base if kind in "LMN" else ""
        previous = letter
    return "-".join(part for part in slug.split("-") if part) or name.lower()


def is_latin(letter: str) -> bool:
    """Whether marks after the letter are dropped: it is Latin, or a digit 0 to 9."""
    return letter.isascii() or unicodedata.name(letter, "").startswith("LATIN")
