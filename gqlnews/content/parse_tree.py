"""Parse front matter to a tree with positions, and build the article of a native or a mapped file from it.

The fast parser handles most files with YAML, so this handles TOML, JSON and Pelican's header, and every file
with an error.
"""

from zoneinfo import ZoneInfo

from gqlnews.content.build_article import build_article
from gqlnews.content.diagnostics import (
    FRONT_MATTER_START,
    NO_OFFSET,
    FieldPath,
    LineIndex,
    LocatedDiagnostic,
    OffsetDiagnostic,
    ProblemCode,
    has_error,
    to_problems,
)
from gqlnews.content.field_values import with_fields
from gqlnews.content.formats import JSON, TOML, YAML, parse_header, parse_json, parse_toml
from gqlnews.content.front_matter import FrontMatter, extra_from_tree
from gqlnews.content.html import RenderedBody
from gqlnews.content.mapping import is_native, seems_native
from gqlnews.content.models import ARTICLE_KEYS, ParseOptions, Position
from gqlnews.content.parse_mapped import PASSED_OVER, MappedFile, Parsed, find_target, parse_mapped
from gqlnews.content.presets.site import find_site
from gqlnews.content.yaml_coerce import coerce_article, is_null
from gqlnews.content.yaml_strict import (
    FrontMatterSyntaxError,
    InvalidNode,
    Mapping,
    Node,
    Scalar,
    Sequence,
    parse_tree,
)
from gqlnews.text_keys import slug_from_path

_ALTERNATIVE_KEYS = {"webUrl": ("webUrl", "originalUrl", "sourceUrl")}


def parse_with_positions(
    path: str, front_matter: FrontMatter, rendered: RenderedBody, options: ParseOptions
) -> Parsed:
    """Parse front matter; the article is None if a problem is an error. Problems are sorted by position."""
    line_index = LineIndex(front_matter.front, front_matter.first_line)
    tree, diagnostics = parse_mapping(front_matter, last_wins=False)
    native = seems_native(front_matter.front) if tree is None else is_native(scalar_texts(tree))
    target = find_target(path, options)
    if not native and target.place is None:
        return PASSED_OVER
    if tree is None:
        return None, to_problems(path, (_locate(diagnostic, line_index) for diagnostic in diagnostics))
    if native:
        return _parse_native(path, front_matter, tree, diagnostics, rendered, options, line_index)
    if any(diagnostic.code is ProblemCode.DUPLICATE_KEY for diagnostic in diagnostics):
        tree, diagnostics = parse_mapping(front_matter, last_wins=True)
        assert tree is not None, "it was parsed before"
    file = MappedFile(path, tree, diagnostics, line_index.position, front_matter.body)
    return parse_mapped(file, target, rendered, options)


def _parse_native(
    path: str,
    front_matter: FrontMatter,
    tree: Mapping,
    tree_diagnostics: list[OffsetDiagnostic],
    rendered: RenderedBody,
    options: ParseOptions,
    line_index: LineIndex,
) -> Parsed:
    def locate(field_path: FieldPath) -> Position:
        return line_index.position(_get_node(tree, field_path).offset)

    def find(key: tuple[str, ...]) -> Node | None:
        return _find_node(tree, key)

    raw = coerce_article(tree, tree_diagnostics)
    extra = extra_from_tree(tree, ARTICLE_KEYS, options.fields)
    authors = find_site(options.sites, path).authors
    article, diagnostics = build_article(slug_from_path(path), raw, extra, rendered, options, locate, authors)
    if options.fields:
        article = with_fields(article, options, ZoneInfo(options.time_zone), find, tree_diagnostics)
    located = [_locate(diagnostic, line_index) for diagnostic in tree_diagnostics]
    reported = {diagnostic.offset for diagnostic in tree_diagnostics}
    for diagnostic in diagnostics:
        if diagnostic.code is not ProblemCode.MISSING_KEY:
            located.append((locate(diagnostic.field_path), diagnostic.code, diagnostic.message))
        elif not _is_reported(tree, str(diagnostic.field_path[0]), reported):
            located.append((FRONT_MATTER_START, diagnostic.code, diagnostic.message))
    return (None if has_error(tree_diagnostics) else article), to_problems(path, located)


# Trees.


def parse_mapping(
    front_matter: FrontMatter, *, last_wins: bool
) -> tuple[Mapping | None, list[OffsetDiagnostic]]:
    """Parse front matter of any format; the tree is None if it cannot be parsed or is no mapping."""
    try:
        tree, diagnostics = _parse(front_matter, last_wins=last_wins)
    except FrontMatterSyntaxError as error:
        return None, [error.diagnostic]
    if tree is None or is_null(tree):
        return Mapping(0), diagnostics
    if isinstance(tree, Mapping):
        return tree, diagnostics
    message = "The front matter must be a mapping: write one `key: value` on each line."
    return None, [*diagnostics, OffsetDiagnostic(tree.offset, ProblemCode.WRONG_TYPE, message)]


def _parse(front_matter: FrontMatter, *, last_wins: bool) -> tuple[Node | None, list[OffsetDiagnostic]]:
    front = front_matter.front
    if front_matter.format is TOML:
        return parse_toml(front)
    if front_matter.format is JSON:
        return parse_json(front, last_wins=last_wins)
    return parse_tree(front, last_wins=last_wins) if front_matter.format is YAML else parse_header(front)


def scalar_texts(tree: Mapping) -> dict[str, object]:
    """Return the texts of the top-level values that are scalars, and None for the others."""
    return {key: node.text if isinstance(node, Scalar) else None for key, node in tree.items.items()}


def _locate(diagnostic: OffsetDiagnostic, line_index: LineIndex) -> LocatedDiagnostic:
    position = (
        FRONT_MATTER_START if diagnostic.offset == NO_OFFSET else line_index.position(diagnostic.offset)
    )
    return position, diagnostic.code, diagnostic.message, diagnostic.severity


def _find_node(tree: Mapping, key: tuple[str, ...]) -> Node | None:
    node: Node | None = tree
    for step in key:
        node = node.items.get(step) if isinstance(node, Mapping) else None
    return node


def _get_node(tree: Mapping, field_path: FieldPath) -> Node:
    node: Node = tree
    for step in field_path:
        if isinstance(node, Mapping):
            node = node.items[str(step)]
        elif isinstance(node, Sequence):
            node = node.items[int(step)]
    return node


def _is_reported(tree: Mapping, key: str, reported: set[int]) -> bool:
    """Return whether a key that seems to be missing has a value, whose own problem is reported already."""
    values = (tree.items.get(name) for name in _ALTERNATIVE_KEYS.get(key, (key,)))
    found = [value for value in values if value is not None]
    return any(isinstance(value, InvalidNode) or value.offset in reported for value in found)
