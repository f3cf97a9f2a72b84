"""Where each value stands in a front matter of the plainest style, found without a YAML parser.

The style: every line is blank, a comment, `key: value`, `- value` or `- key: value`, and a value is complete
on its line or is the block of deeper lines below it. Of any other text nothing is said.

1. One pattern cuts a line into indent, dash, key and value.
2. A stack holds the lists and mappings around the line, each with the column that it stands at.
3. In the end keys and lengths are compared with the parser's values, all the way down, so that what looks
   like a key and is none is never taken for one.
"""

import re
from dataclasses import dataclass, field
from typing import TypeVar

from gqlnews.content.findings import Place

_LINE = re.compile(
    r"""\n(?P<indent>[ ]*)(?:
        (?P<nothing>(?:\#[^\n]*)?(?=\n))
      | (?P<dash>-[ ]+)?
        (?:(?P<key>[A-Za-z_][A-Za-z0-9_-]*):(?=[ \n])[ ]*)?
        (?P<value>
            "(?:[^"\\\n]|\\[^\n])*+"[ ]*
          | '(?:[^'\n]|'')*+'[ ]*
          | -[0-9]++[ ]*
          | (?![-?:,\[\]{}\#&*!|>'"%@`\s])(?:[^\n:\#]|:(?![\s])|(?<!\s)\#)*+
        )?
        (?=\n)
    )""",
    re.VERBOSE,
)
_NOWHERE = -1


@dataclass(slots=True)
class BlockList:
    """`index` is the character of its first dash."""

    index: int
    column: int
    items: list["Block"] = field(default_factory=list)


@dataclass(slots=True)
class BlockMapping:
    """`index` is the character of its first key; `waiting` is the last key where its value is yet to come."""

    index: int
    column: int
    items: dict[str, "Block"] = field(default_factory=dict)
    waiting: str | None = None


BlockT = TypeVar("BlockT", "BlockList", "BlockMapping")
Block = int | BlockList | BlockMapping
"""A value on one line is the character that it begins at."""


class OtherStyle(Exception):  # noqa: N818  # never leaves the package
    """The text is not of the plainest style."""


def scan(front: str, values: dict[str, object]) -> BlockMapping:
    """The positions of all `values`, which a parser read from `front`; OtherStyle."""
    root = BlockMapping(1, 0)
    around: list[BlockList | BlockMapping] = [root]
    end = 0
    for line in _LINE.finditer(front):
        if line.start() != end:
            raise OtherStyle
        end = line.end()
        if line["nothing"] is None:
            _take(line, around)
    if front[end:].strip() or not _is_alike(root, values):
        raise OtherStyle
    return root


def index_of(block: Block, place: Place) -> int:
    """The character that the value at a place begins at."""
    for step in place:
        match block:
            case BlockMapping():
                block = block.items[str(step)]
            case BlockList():
                block = block.items[int(step)]
    index = block if isinstance(block, int) else block.index
    if index == _NOWHERE:
        raise OtherStyle
    return index


def _take(line: re.Match[str], around: list[BlockList | BlockMapping]) -> None:
    dash, key, value = line["dash"], line["key"], line["value"]
    column = len(line["indent"])
    begins = line.start("value") if value else _NOWHERE
    if dash:
        items = _list_at(column, line.start("dash"), around).items
        if key is None:
            items.append(begins)
            return
        entry = BlockMapping(line.start("key"), column + len(dash))
        items.append(entry)
        around.append(entry)
        column = entry.column
    if key is None:
        raise OtherStyle
    mapping = _mapping_at(column, line.start("key"), around)
    if key in mapping.items:
        raise OtherStyle
    mapping.items[key] = begins
    mapping.waiting = None if value else key


def _list_at(column: int, index: int, around: list[BlockList | BlockMapping]) -> BlockList:
    """The list whose dashes stand at a column, begun here if a key waits for it."""
    while around:
        top = around[-1]
        if isinstance(top, BlockList) and top.column == column:
            return top
        if isinstance(top, BlockMapping) and top.column <= column and top.waiting:
            return _begin(BlockList(index, column), top, top.waiting, around)
        if top.column < column:
            break
        around.pop()
    raise OtherStyle


def _mapping_at(column: int, index: int, around: list[BlockList | BlockMapping]) -> BlockMapping:
    """The mapping whose keys stand at a column, begun here if a key waits for it."""
    while around:
        top = around[-1]
        if isinstance(top, BlockMapping) and top.column == column:
            return top
        if isinstance(top, BlockMapping) and top.column < column and top.waiting:
            return _begin(BlockMapping(index, column), top, top.waiting, around)
        if top.column < column:
            break
        around.pop()
    raise OtherStyle


def _begin(block: BlockT, parent: BlockMapping, key: str, around: list[BlockList | BlockMapping]) -> BlockT:
    parent.items[key] = block
    parent.waiting = None
    around.append(block)
    return block


def _is_alike(block: Block, value: object) -> bool:
    match block:
        case BlockMapping(items=items):
            return (
                isinstance(value, dict)
                and list(items) == list(value)
                and all(_is_alike(item, value[key]) for key, item in items.items())
            )
        case BlockList(items=items):
            return isinstance(value, list) and len(items) == len(value) and all(map(_is_alike, items, value))
        case _:
            return not isinstance(value, dict | list) and (block != _NOWHERE or value is None)
