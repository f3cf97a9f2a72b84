"""Slow path: parse files with positions, for every file that the fast parser does not handle."""

from gqlnews.content.build_article import build_article
from gqlnews.content.diagnostics import (
    OPENING,
    FieldPath,
    LineIndex,
    LocatedDiagnostic,
    OffsetDiagnostic,
    has_error,
    to_problems,
)
from gqlnews.content.extra_fields import extra_from_tree
from gqlnews.content.front_matter import FrontMatter
from gqlnews.content.markdown import RenderedBody
from gqlnews.content.models import Article, ParseOptions, Position, Problem
from gqlnews.content.problem_codes import ProblemCode
from gqlnews.content.slugs import slug_of
from gqlnews.content.yaml_coerce import coerce_article, is_null
from gqlnews.content.yaml_tree import Mapping, Node, Scalar, Sequence, YamlSyntaxError, read_tree

_SAME_NEED = {"webUrl": ("webUrl", "originalUrl", "sourceUrl")}


def parse_with_positions(
    path: str, fenced: FrontMatter, rendered: RenderedBody, options: ParseOptions
) -> tuple[Article | None, tuple[Problem, ...]]:
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
