"""What a front matter must not hold for the fast reader: cheap looks at the text, wrong only on the safe side."""

import re

_MAX_CHARACTERS = 128 * 1024
_TAGS = (" !", "\n!", "\t!", "[!", "{!", ",!", ":!")
_NULS = ("\\0", "\\x00", "\\u0000", "\\U0000")
_SURROGATES = ("\\ud", "\\uD")  # which only YAML 1.2 takes in pairs
_DEEP = "\n" + " " * 128
_NEEDLES = (*_TAGS, *_NULS, *_SURROGATES, _DEEP, "<<")
_JSON_KEYS = ('":', "':", "}:", "]:")
_NUMBER = r"[-+]?(?:0[0-9A-Za-z_]|[0-9]+_)"  # where YAML 1.1 and 1.2 differ
_PATTERNS = (
    re.compile(rf":\s+(?:#|{_NUMBER})"),
    re.compile(r" &[^ ]"),  # anchors
    re.compile(r"\n *[-?:][ \t]+[-?:][ \t]"),  # lists that nest on one line, without bound
)
_AFTER_JSON_KEY = re.compile(rf"[\"'}}\]]:{_NUMBER}")
_PRINTABLE = bytes(code for code in range(256) if code in (9, 10, 13) or (code >= 32 and code != 127))
_SPECIAL = re.compile("[\x80-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def looks_odd(front: str) -> bool:
    """Whether the text may hold what the two readers could read differently, or what could exhaust the fast one."""
    return (
        len(front) > _MAX_CHARACTERS
        or any(needle in front for needle in _NEEDLES)
        or any(pattern.search(front) for pattern in _PATTERNS)
        or (any(key in front for key in _JSON_KEYS) and _AFTER_JSON_KEY.search(front) is not None)
        or _has_special_characters(front)
    )


def _has_special_characters(front: str) -> bool:
    """Controls, which YAML forbids, and characters that end a line in YAML 1.1 only."""
    if front.encode().translate(None, _PRINTABLE):
        return True
    return not front.isascii() and _SPECIAL.search(front) is not None
