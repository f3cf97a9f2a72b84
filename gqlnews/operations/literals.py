"""Evaluate the string and template literals of JavaScript, with a map from the value to the source text."""

import re
from collections.abc import Sequence
from typing import NamedTuple

_HEX = "[0-9a-fA-F]"
_PART = re.compile(
    rf"\\u[dD][89abAB]{_HEX}{{2}}\\u[dD][c-fC-F]{_HEX}{{2}}"  # a character beyond U+FFFF
    rf"|\\u\{{{_HEX}+\}}|\\u{_HEX}{{4}}|\\x{_HEX}{{2}}"
    r"|\\(?:\r\n|.)|\r\n?",
    re.DOTALL,
)
_SIMPLE = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_CONTINUATION = frozenset({"\r\n", "\n", "\r", "\u2028", "\u2029"})
_MAX_CHARACTER = 0x10FFFF

PLACEHOLDER = " "
"""Stands for an interpolation in the value of a template."""


class LiteralValue(NamedTuple):
    """The value of a literal.

    From each of `positions` on, up to the next one, the value is a copy of the text from the offset of the
    same number on. `placeholders` are the positions of the interpolations.
    """

    text: str
    positions: Sequence[int]
    offsets: Sequence[int]
    placeholders: Sequence[int]


def evaluate_literal(
    text: str, start: int, end: int, interpolations: Sequence[tuple[int, int]] = ()
) -> LiteralValue:
    """Evaluate the literal between its quotes at `start` and `end`; `interpolations` are spans within it."""
    parts: list[str] = []
    positions, offsets, placeholders = [0], [start], []
    length = 0

    def add(part: str, next_offset: int) -> None:
        nonlocal length
        parts.append(part)
        length += len(part)
        positions.append(length)
        offsets.append(next_offset)

    for span_start, span_end in (*interpolations, (end, end)):
        copied = offsets[-1]
        for match in _PART.finditer(text, copied, span_start):
            parts.append(text[copied : match.start()])
            length += match.start() - copied
            positions.append(length)
            offsets.append(match.start())
            copied = match.end()
            add(_character(match[0]), copied)
        parts.append(text[copied:span_start])
        length += span_start - copied
        if span_end > span_start:
            placeholders.append(length)
            positions.append(length)
            offsets.append(span_start)
            add(PLACEHOLDER, span_end)
    return LiteralValue("".join(parts), positions, offsets, placeholders)


def _character(escape: str) -> str:
    """Return the value of an escape sequence or a line end; an invalid one stays as it is."""
    if escape[0] == "\r":
        return "\n"
    body = escape[1:]
    if body in _CONTINUATION:
        return ""
    if len(body) == 1:
        return escape if body in "ux" else _SIMPLE.get(body, body)
    if "\\" in body:
        high, low = int(body[1:5], 16), int(body[7:11], 16)
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
    number = int(body[1:].strip("{}"), 16)
    return chr(number) if number <= _MAX_CHARACTER else escape
