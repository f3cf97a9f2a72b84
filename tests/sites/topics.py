"""Slugs of topics, as the contract defines them."""

from __future__ import annotations

import re
import unicodedata

SPELLED = {
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "ð": "d",
    "þ": "th",
    "ħ": "h",
    "\u0131": "i",
    "ŋ": "ng",
}
SIGNS = {"+": "-plus", "#": "-sharp"}


def topic_slug(name: str) -> str:
    """`C++17` is `c-plus-plus-17`, `Élan vital` is `elan-vital`, `новости` stays."""
    lower = unicodedata.normalize("NFKC", name).lower()
    spelled = re.sub(
        r"(?<=[^\W_])[+#]+", lambda signs: "".join(SIGNS[sign] for sign in signs[0]) + "-", lower
    )
    spelled = "".join(SPELLED.get(letter, letter) for letter in spelled)
    plain = re.sub(r"([a-z])[\u0300-\u036f]+", r"\1", unicodedata.normalize("NFD", spelled))
    kept = (
        letter if unicodedata.category(letter)[0] in "LMN" else "-"
        for letter in unicodedata.normalize("NFC", plain)
    )
    return re.sub(r"-+", "-", "".join(kept)).strip("-") or lower
