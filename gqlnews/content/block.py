"""Where a value stands in a front matter of block style, found without parsing it again.

The text is narrowed down, step by step of the place, to the lines of one value:

1. The lines of a mapping that stand at its column are its keys, those of a list its dashes: whatever belongs to a
   value, further lines of quoted text too, stands deeper, or the fast parser refuses it.
2. A key must be there once, dashes must be as many as the parser found items, and a text must be there as the
   parser gave it. Otherwise nothing is said of the place.
"""

import re
from dataclasses import dataclass
from typing import Any

from gqlnews.content.findings import Place

_CONTENT = re.compile(r"\n( *)(?=[^ \n#])")
_KEY_START = re.compile(r"[A-Za-z_]")


class OtherStyle(Exception):  # noqa: N818  # never leaves the package
    """The place is not plain to see."""


@dataclass(slots=True)
class _Lines:
    """A list or mapping at a column: its first key or dash is at `first`, its lines end at `end`."""

    column: int
    first: int
    end: int


def index_of(front: str, values: dict[str, Any], place: Place) -> int:
    """The character at which a value begins; `values` is what the parser read from `front`. OtherStyle."""
    lines, value, index = _below(front, 0, len(front), values), values, 0
    for step in place:
        index = _key(front, lines, str(step)) if isinstance(value, dict) else _item(front, lines, value, int(step))
        end = _item_end(front, lines, index) if isinstance(value, list) else lines.end
        value = value[step]
        if not isinstance(value, dict | list):
            return _scalar(front, index, value)
        lines = _block(front, index, end, value)
        index = lines.first
    return index
