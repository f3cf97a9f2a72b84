"""Tokenizer that matches the full-text index, without querying it."""

import re
import unicodedata
from functools import cache

import msgspec

SHORTEST = 4
"""Minimum length; shorter words say little about a text's subject."""

_MARKS = re.compile("[\u0300-\u0331]")
_WORD = re.compile(rf"\w[\w\u0300-\u0331]{{{SHORTEST - 1},}}")
_ASCII_WORD = re.compile(rf"[a-z0-9]{{{SHORTEST},}}")


def tokenize(text: str) -> str:
    """Return the distinct words of `text` with 4 or more letters as a JSON array, folded like in the index.

    For scripts that SQLite folds differently from Python, a word may not match the index.
    """
    if text.isascii():
        return msgspec.json.encode(sorted(set(_ASCII_WORD.findall(text.lower())))).decode()
    words = set(_WORD.findall(text.lower().replace("_", " ")))
    folded = {word if word.isascii() else _folded(word) for word in words}
    return msgspec.json.encode(sorted(word for word in folded if len(word) >= SHORTEST)).decode()


def _folded(word: str) -> str:
    return "".join(map(_folded_letter, _MARKS.sub("", word)))


@cache
def _folded_letter(letter: str) -> str:
    """Fold a letter to lower case; remove accents from Latin letters."""
    base = unicodedata.normalize("NFD", letter)[0]
    if base.isascii():
        return base.lower()
    folded = letter.casefold()
    return folded if len(folded) == 1 else letter.lower()
