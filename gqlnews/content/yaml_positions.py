"""Find the offset of a value in block-style front matter without parsing it again, for the fast parser."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gqlnews.content.diagnostics import FieldPath

# Offset of a value in block-style front matter, without parsing it again.
#
# Each step of the value's path limits the text to the lines of one value:
#
# 1. The lines at the column of a mapping are its keys, those at the column of a list are its dashes. All
#    other lines of a value, including continuation lines of quoted text, are indented deeper; otherwise the
#    fast parser fails.
# 2. A nested key must occur exactly once, the number of dashes must equal the number of parsed items, and a
#    text must occur exactly as parsed. Otherwise the offset is uncertain, and OffsetUnknown is raised.


_CONTENT = re.compile(r" *(?:\n *(?:#[^\n]*)?(?=\n))*\n( *)(?=[^ \n#])")  # after blank lines and comments
_NOT_PLAIN = frozenset("&!*|>#[{?@`%")
_QUOTES = ("'", '"')
_CACHE_SIZE = 8  # the diagnostics of a file are mostly in the same list


class OffsetUnknown(Exception):  # noqa: N818  # `parse_fast` catches it
    """The offset of the value cannot be determined with certainty."""


@dataclass(slots=True, frozen=True)
class _Block:
    """Lines of a list or mapping: the offset of its first key or dash, their column, and the end offset."""

    first: int
    column: int
    end: int


def find_offset(front: str, values: dict[str, Any], field_path: FieldPath) -> int:
    """Return the character offset of the value at `field_path`; `values` is the parsed `front`.

    Raises OffsetUnknown if the offset is uncertain.
    """
    lines = _find_block(front, 0, len(front), is_list=False)
    value: Any = values
    for step in field_path:
        if isinstance(value, list):
            begin, end = _item_span(front, lines, int(step), len(value))
            value = value[int(step)]
            if isinstance(value, dict):
                lines = _Block(begin, begin - front.rindex("\n", 0, begin) - 1, end)
        else:
            begin = _after_key(front, lines, str(step))
            value = value[step]
            if isinstance(value, dict | list):
                lines = _find_block(front, begin, lines.end, is_list=isinstance(value, list))
        if not isinstance(value, dict | list):
            return _scalar_offset(front, begin, value)
    return lines.first


@lru_cache(_CACHE_SIZE)
def _find_block(front: str, begin: int, end: int, *, is_list: bool) -> _Block:
    """Return the block that starts on the next line; the rest of the line from `begin` must be blank."""
    content = _CONTENT.match(front, begin, end)
    if content is None:
        raise OffsetUnknown
    column = len(content[1])
    after = None
    if column or is_list:
        inside = " " * column + ("[ -]" if is_list else "")
        after = re.compile(rf"\n(?!{inside}) {{0,{column}}}(?=[^ \n#])").search(front, content.end(), end)
    return _Block(content.end(), column, after.start() if after else end)


def _after_key(front: str, lines: _Block, key: str) -> int:
    """Return the offset after the colon of a key that must occur exactly once.

    A line at column 0 is never a continuation line, so the first one with a top-level key is the only one.
    """
    line = f"\n{' ' * lines.column}{key}:"
    found = lines.first - lines.column - 1
    if not front.startswith(f"{key}:", lines.first):
        found = front.find(line, lines.first, lines.end)
    again = front.find(line, max(found + 1, lines.first), lines.end) if lines.column else -1
    begin = found + len(line)
    if found < 0 or again >= 0 or front[begin] not in " \n":
        raise OffsetUnknown
    return begin


def _item_span(front: str, lines: _Block, number: int, count: int) -> tuple[int, int]:
    """Return the start of an item's content and the end of its lines; the list must have `count` items."""
    dashes = _dashes(front, lines)
    if len(dashes) != count or front[dashes[number].end()] in _NOT_PLAIN:
        raise OffsetUnknown
    return dashes[number].end(), dashes[number + 1].start() if number + 1 < count else lines.end


@lru_cache(_CACHE_SIZE)
def _dashes(front: str, lines: _Block) -> list[re.Match[str]]:
    pattern = re.compile(rf"\n {{{lines.column}}}- *(?=[^ \n])")
    return list(pattern.finditer(front, lines.first - lines.column - 1, lines.end))


def _scalar_offset(front: str, begin: int, value: object) -> int:
    """Return the offset of a value that starts on this line and occurs exactly as parsed, in lower case."""
    while front[begin] == " ":
        begin += 1
    text = begin + 1 if front[begin] in _QUOTES else begin
    expected = value if isinstance(value, str) else str(value).lower()
    if front[begin] in _NOT_PLAIN or not front.startswith(expected, text):
        raise OffsetUnknown
    return begin
