"""Strict parser, which knows the position of each value, and the search for offsets for the fast parser."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gqlnews.content.build_article import build_article
from gqlnews.content.diagnostics import (
    FRONT_MATTER_START,
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
from gqlnews.content.yaml_strict import Mapping, Node, Scalar, Sequence, YamlSyntaxError, parse_tree
from gqlnews.text_keys import slug_from_path

# Strict parser, for every file that the fast parser does not handle.


_ALTERNATIVE_KEYS = {"webUrl": ("webUrl", "originalUrl", "sourceUrl")}


def parse_with_positions(
    path: str, front_matter: FrontMatter, rendered: RenderedBody, options: ParseOptions
) -> tuple[ParsedArticle | None, tuple[ContentProblem, ...]]:
    """Parse front matter; the article is None if a problem is an error. Problems are sorted by position."""
    line_index = LineIndex(front_matter.front, front_matter.first_line)
    tree, tree_diagnostics = _parse_mapping(front_matter.front)
    if tree is None:
        return None, to_problems(path, (_locate(diagnostic, line_index) for diagnostic in tree_diagnostics))

    def locate(field_path: FieldPath) -> Position:
        return line_index.position(_get_node(tree, field_path).offset)

    raw = coerce_article(tree, tree_diagnostics)
    article, diagnostics = build_article(
        slug_from_path(path), raw, extra_from_tree(tree), rendered, options, locate
    )
    located = [_locate(diagnostic, line_index) for diagnostic in tree_diagnostics]
    for diagnostic in diagnostics:
        if diagnostic.code is not ProblemCode.MISSING_KEY:
            located.append((locate(diagnostic.field_path), diagnostic.code, diagnostic.message))
        elif not _has_value(tree, str(diagnostic.field_path[0])):
            located.append((FRONT_MATTER_START, diagnostic.code, diagnostic.message))
    return (None if has_error(tree_diagnostics) else article), to_problems(path, located)


def _locate(diagnostic: OffsetDiagnostic, line_index: LineIndex) -> LocatedDiagnostic:
    return line_index.position(diagnostic.offset), diagnostic.code, diagnostic.message


def _parse_mapping(front: str) -> tuple[Mapping | None, list[OffsetDiagnostic]]:
    try:
        tree, tree_diagnostics = parse_tree(front)
    except YamlSyntaxError as error:
        return None, [error.diagnostic]
    if tree is None or is_null(tree):
        return Mapping(0), tree_diagnostics
    if isinstance(tree, Mapping):
        return tree, tree_diagnostics
    message = "The front matter must be a mapping: write one `key: value` on each line."
    return None, [*tree_diagnostics, OffsetDiagnostic(tree.offset, ProblemCode.WRONG_TYPE, message)]


def _get_node(tree: Mapping, field_path: FieldPath) -> Node:
    node: Node = tree
    for step in field_path:
        if isinstance(node, Mapping):
            node = node.items[str(step)]
        elif isinstance(node, Sequence):
            node = node.items[int(step)]
    return node


def _has_value(tree: Mapping, key: str) -> bool:
    """Return whether a key that seems to be missing has a value, whose own problem is reported already."""
    values = (tree.items.get(name) for name in _ALTERNATIVE_KEYS.get(key, (key,)))
    return any(value is not None and not _is_blank(value) for value in values)


def _is_blank(node: Node) -> bool:
    return isinstance(node, Scalar) and (is_null(node) or not node.text.strip())


# Offset of a value in block-style front matter, without parsing it again.
#
# Each step of the value's path limits the text to the lines of one value:
#
# 1. The lines at the column of a mapping are its keys, those at the column of a list are its dashes. All
#    other lines of a value, including continuation lines of quoted text, are indented deeper; otherwise the
#    fast parser fails.
# 2. A key must occur exactly once, the number of dashes must equal the number of parsed items, and a text
#    must occur exactly as parsed. Otherwise the offset is uncertain, and OffsetUnknown is raised.


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
    """Return the offset of a text value that starts on this line and occurs exactly as parsed."""
    while front[begin] == " ":
        begin += 1
    text = begin + 1 if front[begin] in _QUOTES else begin
    if front[begin] in _NOT_PLAIN or not isinstance(value, str) or not front.startswith(value, text):
        raise OffsetUnknown
    return begin
