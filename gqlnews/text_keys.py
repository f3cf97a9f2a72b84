"""Slugs, and derived keys that SQL compares: the same for stored values and for query arguments."""

import math
import re
import secrets
import string
import struct
import unicodedata
from binascii import b2a_base64
from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b

_ID_BYTES = 12
_AUTHORITY = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*")
_ESCAPED = re.compile(r"\\(.)")
_DOUBLE, _INT64, _MIN_INT64 = struct.Struct("<d"), struct.Struct("<q"), -(2**63)
_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


SNIPPET_MARK = secrets.token_hex(16)
"""Begins a JSON string that stands for a snippet, which the PostgreSQL store replaces. No content has it."""


class SearchExpression(str):
    """Full-text query in the syntax of FTS5; by its type a store that is not SQLite recognizes it."""

    __slots__ = ()


class BeforeExpression(str):
    """Full-text query in the syntax of FTS5 in a statement of PostgreSQL that evaluates earlier states.

    The caller replaces it by the JSON array of the ids of the before-images whose texts match.
    """

    __slots__ = ()


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


def decode_list(encoded: str) -> list[str]:
    """Return the items of what `encode_list` returned."""
    items = encoded[1:-1].split("\n") if encoded else []
    return [_ESCAPED.sub(lambda match: "\n" if match[1] == "n" else match[1], item) for item in items]


def log2_heat(heat: int | None) -> float | None:
    """Return log2 of a heat, or None unless the heat is positive."""
    return math.log2(heat) if heat is not None and heat > 0 else None


def float_key(value: float) -> int:
    """Return an integer that sorts like the number: SQLite's text form of a double has only 15 digits."""
    bits: int = _INT64.unpack(_DOUBLE.pack(value + 0.0))[0]  # not -0.0
    return bits if bits >= 0 else _MIN_INT64 - bits


def node_id(kind: str, key: str) -> str:
    """Return the global id of an object by its natural key; it is the same in a rebuilt store."""
    return b2a_base64(f"{kind}:{key}".encode(), newline=False).decode("ascii")


def related_id(key: str) -> str:
    """Return the id of a related entry; `key` is the listing slug, the URL and its occurrence, in lines."""
    return node_id("Related", blake2b(key.encode(), digest_size=_ID_BYTES).hexdigest())


def path_of(url: str | None) -> str | None:
    """Return a URL from the first slash after the host; None without one."""
    if url is None:
        return None
    authority = _AUTHORITY.match(url)
    path = url[authority.end() :] if authority else url
    return path if path.startswith("/") else None


def slug_from_path(path: str) -> str:
    """Return an article's slug: its relative path without the extension, in NFC."""
    return unicodedata.normalize("NFC", path.rpartition(".")[0])


def section_of(slug: str) -> str | None:
    """Return the section of an article: the folder of its slug; None at the top."""
    return slug.rpartition("/")[0] or None


def with_parents(path: str) -> list[str]:
    """Return a path and those of the folders above it, the deepest first: `a/b` → `["a/b", "a"]`."""
    paths = [path]
    while path := path.rpartition("/")[0]:
        paths.append(path)
    return paths


def section_title(path: str) -> str:
    """Return the title of a section: the name of its folder in words, `world-news` → `World news`."""
    name = path.rpartition("/")[2]
    words = " ".join(name.replace("-", " ").replace("_", " ").split()) or name
    return words[:1].upper() + words[1:]


def _ascii_lower(text: str) -> str:
    return text.translate(_ASCII_LOWER)


# Slugs of topics.


_SIGN = re.compile(r"(?<=[^\W_]|[+#])[+#]")
_SIGN_WORDS = {"+": "-plus-", "#": "-sharp-"}
_NOT_IN_ASCII_SLUG = re.compile(r"[^a-z0-9]+")
_MAX_CACHED_TOPICS = 1_000
_HYPHENS = re.compile(r"-+")
_SPELLED = {
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "ð": "d",
    "þ": "th",
    "ħ": "h",
    "\u0131": "i",  # dotless
    "ŋ": "ng",
}


@lru_cache(_MAX_CACHED_TOPICS)
def topic_slug(name: str) -> str:
    """Slugify a topic: `Computer Vision` → `computer-vision`, `C++` → `c-plus-plus`, `Łódź` → `lodz`.

    Only Latin letters lose their accents; letters, marks and digits of other scripts remain. If nothing is
    left, the slug is the lower-cased name.
    """
    lower = unicodedata.normalize("NFKC", name).lower()
    spelled = _SIGN.sub(lambda sign: _SIGN_WORDS[sign[0]], lower)
    if spelled.isascii():
        slug = _NOT_IN_ASCII_SLUG.sub("-", spelled)
    else:
        slug = _HYPHENS.sub("-", "".join(_slug_characters(spelled)))
    return slug.strip("-") or name.lower()


def _slug_characters(text: str) -> Iterator[str]:
    """Yield the spelling of each character in a slug, `-` for a character that does not belong there."""
    keeps_marks = False
    for character in text:
        base = unicodedata.normalize("NFD", character)[0]
        if unicodedata.category(character)[0] == "M":
            yield character if keeps_marks else ""
        elif base.isalnum():
            is_latin = base.isascii() or unicodedata.name(base, "").startswith("LATIN ")
            keeps_marks = not is_latin
            yield _SPELLED.get(base, base) if is_latin else character
        else:
            keeps_marks = False
            yield "-"
