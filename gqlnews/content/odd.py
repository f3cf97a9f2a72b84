"""What the fast reader leaves to the slow one: cheap looks at the text, wrong only on the safe side."""

import re

_MAX_CHARACTERS = 128 * 1024
_NUMBER = r"[-+]?(?:0[0-9A-Za-z_]|[0-9]+_)"  # where YAML 1.1 and 1.2 differ
_NAME = r"(?:[A-Za-z][A-Za-z0-9 .-]*|\"[^\"\\\n]*\")"
_NAMES = rf"\[{_NAME}(?:, *{_NAME})*\] *\n"  # the one list on a line that both are sure to read alike
_ALWAYS = (
    re.compile(rf":\s++(?=[-+0-9#{{\[])(?:#|{_NUMBER}|\{{|(?!{_NAMES})\[)"),
    re.compile(r"\n(?: {128}| *+[-?:]\s+(?:[-?:] |[\[{#]))"),  # what nests deep, or on one line
)
_WITH = (  # looked for only where the character is there at all
    ("!", re.compile(r"!(?<=[\s\[{,:]!)")),  # tags
    ("&", re.compile(r"&(?<= &)[^ ]")),  # anchors
    ("<", re.compile("<<")),  # merge keys
    ("\\", re.compile(r"\\(?:0|x00|u0000|U0000|u[dD])")),  # NUL, and surrogates, which only YAML 1.2 pairs
)
_PRINTABLE = bytes({9, 10, 13, *range(ord(" "), ord("~") + 1), *range(128, 256)})
_SPECIAL = (  # in UTF-8, by a byte of each
    (b"\xc2", re.compile(rb"\xc2[\x80-\x9f]")),
    (b"\xa8", re.compile("\u2028".encode())),
    (b"\xa9", re.compile("\u2029".encode())),
    (b"\xef", re.compile("|".join("\ufeff\ufffe\uffff").encode())),
)


def looks_odd(front: str) -> bool:
    """Whether the text may hold what the two read differently, or what could exhaust the fast one."""
    return (
        len(front) > _MAX_CHARACTERS
        or "\t" in front  # which YAML 1.2 takes in more places
        or any(pattern.search(front) for pattern in _ALWAYS)
        or any(hint in front and pattern.search(front) for hint, pattern in _WITH)
        or _has_special_characters(front)
    )


def _has_special_characters(front: str) -> bool:
    """Controls, which YAML forbids, and characters that end a line in YAML 1.1 only."""
    written = front.encode()
    has_control = written.translate(None, _PRINTABLE) != b""
    return has_control or any(hint in written and pattern.search(written) for hint, pattern in _SPECIAL)
