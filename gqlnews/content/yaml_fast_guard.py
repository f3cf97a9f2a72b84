"""Decide whether front matter needs the slow parser, by cheap text checks that err on the safe side."""

import re

_MAX_CHARACTERS = 128 * 1024
_NUMBER = r"[-+]?(?:0[0-9A-Za-z_]|[0-9]+_)"  # where YAML 1.1 and 1.2 differ
_NAME = r"(?:[A-Za-z][A-Za-z0-9 .-]*|\"[^\"\\\n]*\")"
_NAMES = rf"\[{_NAME}(?:, *{_NAME})*\] *\n"  # the only flow list that both parsers surely read the same way
_ALWAYS = (
    re.compile(rf":\s++(?=[-+0-9#{{\[])(?:#|{_NUMBER}|\{{|(?!{_NAMES})\[)"),
    re.compile(r"\n(?: {128}| *+[-?:]\s+(?:[-?:] |[\[{#]))"),  # deep nesting, or nesting on one line
)
_WITH = (  # searched only if the text contains the character
    ("!", re.compile(r"!(?<=[\s\[{,:]!)")),  # tags
    ("&", re.compile(r"&(?<= &)[^ ]")),  # anchors
    ("<", re.compile("<<")),  # merge keys
    ("\\", re.compile(r"\\(?:0|x00|u0000|U0000|u[dD])")),  # NUL; surrogates, which only YAML 1.2 combines
)
_PRINTABLE = bytes({9, 10, 13, *range(ord(" "), ord("~") + 1), *range(128, 256)})
_SPECIAL = (  # UTF-8 patterns, each with one of its bytes as a quick check
    (b"\xc2", re.compile(rb"\xc2[\x80-\x9f]")),
    (b"\xa8", re.compile("\u2028".encode())),
    (b"\xa9", re.compile("\u2029".encode())),
    (b"\xef", re.compile("|".join("\ufeff\ufffe\uffff").encode())),
)


def needs_strict_parser(front: str) -> bool:
    """Return whether the two parsers may differ on the text, or the fast one could run out of resources."""
    return (
        len(front) > _MAX_CHARACTERS
        or "\t" in front  # YAML 1.2 allows tabs in more places
        or any(pattern.search(front) for pattern in _ALWAYS)
        or any(hint in front and pattern.search(front) for hint, pattern in _WITH)
        or _has_special_characters(front)
    )


def _has_special_characters(front: str) -> bool:
    """Return whether the text has control characters, invalid in YAML, or line ends of YAML 1.1 only."""
    written = front.encode()
    has_control = written.translate(None, _PRINTABLE) != b""
    return has_control or any(hint in written and pattern.search(written) for hint, pattern in _SPECIAL)
