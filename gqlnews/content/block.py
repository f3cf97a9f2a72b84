"""Where a value stands in a front matter of block style, found without parsing it again.

The text is narrowed down, step by step of the place, to the lines of one value:

1. The lines of a mapping at its column are its keys, those of a list its dashes: whatever belongs to a
   value, further lines of quoted text too, stands deeper, or the fast parser refuses it.
2. A key must be there once, dashes must be as many as the parser found items, and a text must be there as the
   parser gave it. Otherwise nothing is said of the place.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gqlnews.content.findings import Place

_CONTENT = re.compile(r" *(?:\n *(?:#[^\n]*)?(?=\n))*+\n( *)(?=[^ \n#])")  # after blank lines and comments
_NOT_PLAIN = frozenset("&!*|>#[{?@`%")
_QUOTES = ("'", '"')
_REMEMBERED = 8  # several findings of a file mostly stand in one list


class OtherStyle(Exception):  # noqa: N818  # never leaves the package
    """The place is not plain to see."""


@dataclass(slots=True, frozen=True)
class _Lines:
    """Those of a list or mapping: the first key or dash, the column of all of them, and the end."""

    first: int
    column: int
    end: int


def index_of(front: str, values: dict[str, Any], place: Place) -> int:
    """The character at which a value begins; `values` is what the parser read from `front`. OtherStyle."""
    lines = _below(front, 0, len(front), is_list=False)
    value: Any = values
    for step in place:
        if isinstance(value, list):
            begin, end = _item(front, lines, int(step), len(value))
            value = value[int(step)]
            if isinstance(value, dict):
                lines = _Lines(begin, begin - front.rindex("\n", 0, begin) - 1, end)
        else:
            begin = _after_key(front, lines, str(step))
            value = value[step]
            if isinstance(value, dict | list):
                lines = _below(front, begin, lines.end, is_list=isinstance(value, list))
        if not isinstance(value, dict | list):
            return _scalar(front, begin, value)
    return lines.first


@lru_cache(_REMEMBERED)
def _below(front: str, begin: int, end: int, *, is_list: bool) -> _Lines:
    """The block that begins below the line of `begin`, on which nothing follows."""
    content = _CONTENT.match(front, begin, end)
    if content is None:
        raise OtherStyle
    column = len(content[1])
    after = None
    if column or is_list:
        inside = " " * column + ("[ -]" if is_list else "")
        after = re.compile(rf"\n(?!{inside}) {{0,{column}}}(?=[^ \n#])").search(front, content.end(), end)
    return _Lines(content.end(), column, after.start() if after else end)


def _after_key(front: str, lines: _Lines, key: str) -> int:
    """The character after the colon of a key that is there once."""
    line = f"\n{' ' * lines.column}{key}:"
    found = lines.first - lines.column - 1
    if not front.startswith(f"{key}:", lines.first):
        found = front.find(line, lines.first, lines.end)
    again = front.find(line, max(found + 1, lines.first), lines.end)
    begin = found + len(line)
    if found < 0 or again >= 0 or front[begin] not in " \n":
        raise OtherStyle
    return begin


def _item(front: str, lines: _Lines, number: int, count: int) -> tuple[int, int]:
    """Where the content of an item begins and where its lines end; there must be `count` items."""
    dashes = _dashes(front, lines)
    if len(dashes) != count or front[dashes[number].end()] in _NOT_PLAIN:
        raise OtherStyle
    return dashes[number].end(), dashes[number + 1].start() if number + 1 < count else lines.end


@lru_cache(_REMEMBERED)
def _dashes(front: str, lines: _Lines) -> list[re.Match[str]]:
    pattern = re.compile(rf"\n {{{lines.column}}}- *(?=[^ \n])")
    return list(pattern.finditer(front, lines.first - lines.column - 1, lines.end))


def _scalar(front: str, begin: int, value: object) -> int:
    """Where a value begins that is written on this line, and as what it was read."""
    while front[begin] == " ":
        begin += 1
    text = begin + 1 if front[begin] in _QUOTES else begin
    if front[begin] in _NOT_PLAIN or not isinstance(value, str) or not front.startswith(value, text):
        raise OtherStyle
    return begin
