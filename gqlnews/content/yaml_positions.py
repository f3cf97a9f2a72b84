"""Find the line and column of a value in front matter."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gqlnews.content.build_article import build_article
from gqlnews.content.diagnostics import (
    OPENING,
    FieldPath,
    LineIndex,
    LocatedDiagnostic,
    OffsetDiagnostic,
    ProblemCode,
    has_error,
    to_problems,
)
from gqlnews.content.front_matter import FrontMatter, extra_from_tree
from gqlnews.content.html import RenderedBody
from gqlnews.content.models import ContentProblem, ParsedArticle, ParseOptions, Position
from gqlnews.content.yaml_coerce import coerce_article, is_null
from gqlnews.content.yaml_strict import Mapping, Node, Scalar, Sequence, YamlSyntaxError, read_tree
from gqlnews.text_keys import slug_of

# Slow path: parse files with positions, for every file that the fast parser does not handle.


_SAME_NEED = {"webUrl": ("webUrl", "originalUrl", "sourceUrl")}


def parse_with_positions(
    path: str, fenced: FrontMatter, rendered: RenderedBody, options: ParseOptions
) -> tuple[ParsedArticle | None, tuple[ContentProblem, ...]]:
    """Parse a file; the article is None if a problem is an error. Problems are sorted by position."""
    places = LineIndex(fenced.front, fenced.first_line)
    tree, notes = _read_mapping(fenced.front)
    if tree is None:
        return None, to_problems(path, (_located(note, places) for note in notes))

    def locate(place: FieldPath) -> Position:
        return places.mark(_node_at(tree, place).index)

    raw = coerce_article(tree, notes)
    article, findings = build_article(slug_of(path), raw, extra_from_tree(tree), rendered, options, locate)
    marked = [_located(note, places) for note in notes]
    for finding in findings:
        if finding.code is not ProblemCode.MISSING_KEY:
            marked.append((locate(finding.place), finding.code, finding.message))
        elif not _has_value(tree, str(finding.place[0])):
            marked.append((OPENING, finding.code, finding.message))
    return (None if has_error(notes) else article), to_problems(path, marked)


def _located(note: OffsetDiagnostic, places: LineIndex) -> LocatedDiagnostic:
    return places.mark(note.index), note.code, note.message


def _read_mapping(front: str) -> tuple[Mapping | None, list[OffsetDiagnostic]]:
    try:
        tree, notes = read_tree(front)
    except YamlSyntaxError as error:
        return None, [error.note]
    if tree is None or is_null(tree):
        return Mapping(0), notes
    if isinstance(tree, Mapping):
        return tree, notes
    message = "The front matter must be keys with values, one `key: value` a line."
    return None, [*notes, OffsetDiagnostic(tree.index, ProblemCode.WRONG_TYPE, message)]


def _node_at(tree: Mapping, place: FieldPath) -> Node:
    node: Node = tree
    for step in place:
        if isinstance(node, Mapping):
            node = node.items[str(step)]
        elif isinstance(node, Sequence):
            node = node.items[int(step)]
    return node


def _has_value(tree: Mapping, key: str) -> bool:
    """Return whether a required key has a value; if so, that value is invalid and already reported."""
    values = (tree.items.get(name) for name in _SAME_NEED.get(key, (key,)))
    return any(value is not None and not _is_blank(value) for value in values)


def _is_blank(node: Node) -> bool:
    return isinstance(node, Scalar) and (is_null(node) or not node.text.strip())


# Find the offset of a value in block-style front matter without parsing it again.
#
# Each step of the value's path narrows the text down to the lines of one value:
#
# 1. The lines at the column of a mapping are its keys, those at the column of a list its dashes. All lines of
#    a value, including continuation lines of quoted text, are indented deeper, or the fast parser fails.
# 2. A key must occur exactly once, the number of dashes must equal the number of parsed items, and a text
#    must occur exactly as parsed. Otherwise the offset is unknown and OffsetUnknown is raised.


_CONTENT = re.compile(r" *(?:\n *(?:#[^\n]*)?(?=\n))*\n( *)(?=[^ \n#])")  # after blank lines and comments
_NOT_PLAIN = frozenset("&!*|>#[{?@`%")
_QUOTES = ("'", '"')
_REMEMBERED = 8  # cache size; several findings of a file are mostly in the same list


class OffsetUnknown(Exception):  # noqa: N818  # never leaves the package
    """The offset of the value cannot be determined with certainty."""


@dataclass(slots=True, frozen=True)
class _Lines:
    """Lines of a list or mapping: the offset of its first key or dash, their column, and the end offset."""

    first: int
    column: int
    end: int


def find_offset(front: str, values: dict[str, Any], place: FieldPath) -> int:
    """Return the character offset of the value at `place`; `values` is the parsed `front`.

    Raises OffsetUnknown if the offset is uncertain.
    """
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
    """Return the block that starts on the next line; nothing may follow on the line of `begin`."""
    content = _CONTENT.match(front, begin, end)
    if content is None:
        raise OffsetUnknown
    column = len(content[1])
    after = None
    if column or is_list:
        inside = " " * column + ("[ -]" if is_list else "")
        after = re.compile(rf"\n(?!{inside}) {{0,{column}}}(?=[^ \n#])").search(front, content.end(), end)
    return _Lines(content.end(), column, after.start() if after else end)


def _after_key(front: str, lines: _Lines, key: str) -> int:
    """Return the offset after the colon of a key that must occur exactly once."""
    line = f"\n{' ' * lines.column}{key}:"
    found = lines.first - lines.column - 1
    if not front.startswith(f"{key}:", lines.first):
        found = front.find(line, lines.first, lines.end)
    again = front.find(line, max(found + 1, lines.first), lines.end)
    begin = found + len(line)
    if found < 0 or again >= 0 or front[begin] not in " \n":
        raise OffsetUnknown
    return begin


def _item(front: str, lines: _Lines, number: int, count: int) -> tuple[int, int]:
    """Return the start of an item's content and the end of its lines; there must be `count` items."""
    dashes = _dashes(front, lines)
    if len(dashes) != count or front[dashes[number].end()] in _NOT_PLAIN:
        raise OffsetUnknown
    return dashes[number].end(), dashes[number + 1].start() if number + 1 < count else lines.end


@lru_cache(_REMEMBERED)
def _dashes(front: str, lines: _Lines) -> list[re.Match[str]]:
    pattern = re.compile(rf"\n {{{lines.column}}}- *(?=[^ \n])")
    return list(pattern.finditer(front, lines.first - lines.column - 1, lines.end))


def _scalar(front: str, begin: int, value: object) -> int:
    """Return the offset of a text value that starts on this line and occurs exactly as parsed."""
    while front[begin] == " ":
        begin += 1
    text = begin + 1 if front[begin] in _QUOTES else begin
    if front[begin] in _NOT_PLAIN or not isinstance(value, str) or not front.startswith(value, text):
        raise OffsetUnknown
    return begin
