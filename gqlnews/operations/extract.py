"""Extract the GraphQL documents of a source file.

A GraphQL file is one document. In scripts, documents are the string and template literals

- with the tag `gql` or `graphql`, also as a property: Relay.graphql`…`
- that are the first argument of `gql(…)` or `graphql(…)`
- after the comment `/* GraphQL */`
- that begin with the comment `#graphql`

tree-sitter parses the scripts, so that a literal within a comment, a string or a regular expression is none,
and the text before a literal shows whether it is a document.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from gqlnews.operations.findings import Finding, FindingCode
from gqlnews.operations.literals import LiteralValue, evaluate_literal
from gqlnews.operations.scripts import COMPONENT_SUFFIXES, SCRIPT_SUFFIXES, Script, find_scripts
from gqlnews.operations.sources import EmbeddedSource, FrontEndFile

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Query

GRAPHQL_SUFFIXES = frozenset({".graphql", ".gql"})
SUFFIXES = GRAPHQL_SUFFIXES | SCRIPT_SUFFIXES | COMPONENT_SUFFIXES

MARKER = re.compile(r"gql|graphql", re.IGNORECASE)
"""Occurs in every script with a document."""

_NAME = r"(?<![\w$])(?:gql|graphql)"
_TYPE_ARGUMENTS = r"(?:\s*<[^`;{}()]*>)?"
_GAP = r"(?:\s|/\*[^*]*\*+(?:[^/*][^*]*\*+)*/)*"
_TAG = re.compile(rf"{_NAME}{_TYPE_ARGUMENTS}{_GAP}(?:\({_GAP})?\Z")
_COMMENT = re.compile(r"/\*\s*graphql\s*\*/\s*\Z", re.IGNORECASE)
_TAG_PARENTS = frozenset({"call_expression", "arguments", "binary_expression"})
"""Parents of a literal with a tag. With type arguments, tree-sitter parses the tag as two comparisons."""

_TAGGED = re.compile(rf"{_NAME}\s*\(?\s*`")
_MAX_BEFORE = 500  # characters before a literal
_LITERALS = "[(string) (template_string)] @literal"


def extract_sources(file: FrontEndFile, suffix: str) -> Iterator[EmbeddedSource | Finding]:
    """Yield the documents of a file, and a finding for each that cannot be read."""
    if suffix in GRAPHQL_SUFFIXES:
        yield EmbeddedSource(file, file.text)
        return
    if MARKER.search(file.text):
        for script in find_scripts(suffix, file.text):
            yield from _extract_from_script(file, script)


def _extract_from_script(file: FrontEndFile, script: Script) -> Iterator[EmbeddedSource | Finding]:
    text = file.text[script.start : script.end]
    if not MARKER.search(text):
        return
    from tree_sitter import QueryCursor

    data = text.encode("utf-8", "surrogatepass")
    parser, query = _parser(script.is_typescript)
    root = parser.parse(data).root_node
    literals = QueryCursor(query).captures(root).get("literal", ())
    offsets = _CharacterOffsets(data, script.start)
    found = 0
    for literal in sorted(literals, key=lambda node: node.start_byte):
        start, end = offsets[literal.start_byte], offsets[literal.end_byte]
        if not _is_document(file.text, start, script.start, literal):
            continue
        found += 1
        spans = [
            (offsets[part.start_byte], offsets[part.end_byte])
            for part in literal.children
            if part.type == "template_substitution"
        ]
        yield from _read_literal(file, evaluate_literal(file.text, start + 1, end - 1, spans))
    if root.has_error and found < len(_TAGGED.findall(text)):
        place = file.place(offsets[_first_error(root).start_byte])
        message = "The script cannot be parsed from here on, so not all of its documents are checked: fix it."
        yield Finding(place, FindingCode.BROKEN_SCRIPT, message)


@cache
def _parser(is_typescript: bool) -> "tuple[Parser, Query]":
    """Return a parser for TypeScript, or for TSX, which includes JavaScript, and a query for literals."""
    import tree_sitter_typescript
    from tree_sitter import Language, Parser, Query

    is_tsx = not is_typescript
    grammar = tree_sitter_typescript.language_tsx if is_tsx else tree_sitter_typescript.language_typescript
    language = Language(grammar())
    return Parser(language), Query(language, _LITERALS)


class _CharacterOffsets:
    """Convert offsets of UTF-8 bytes to those of characters, fast if they are close to the one before."""

    def __init__(self, data: bytes, start: int) -> None:
        self._data, self._start = data, start
        self._is_ascii = data.isascii()
        self._byte = self._character = 0

    def __getitem__(self, byte: int) -> int:
        if self._is_ascii:
            return self._start + byte
        low, high = sorted((self._byte, byte))
        characters = len(self._data[low:high].decode("utf-8", "surrogatepass"))
        self._character += characters if byte >= self._byte else -characters
        self._byte = byte
        return self._start + self._character


def _is_document(text: str, start: int, script_start: int, literal: "Node") -> bool:
    """Return whether the literal at `start` is a document."""
    if text.startswith("#graphql", start + 1):
        return True
    before = text[max(script_start, start - _MAX_BEFORE) : start]
    if _COMMENT.search(before):
        return True
    return literal.parent is not None and literal.parent.type in _TAG_PARENTS and bool(_TAG.search(before))


def _first_error(root: "Node") -> "Node":
    """Return the first node that is an error, or that is missing."""
    node = root
    while not (node.is_error or node.is_missing):
        broken = next((child for child in node.children if child.has_error or child.is_missing), None)
        if broken is None:
            break
        node = broken
    return node


# Interpolations: allowed only between definitions, where they append other documents.

_TOKEN = re.compile(
    r'(?P<comment>#[^\n\r]*)|"""(?:\\"""|(?!""").)*(?:""")?|"(?:\\.|[^"\\\n\r])*"?|[^\s,\ufeff]', re.DOTALL
)
_OPEN, _CLOSE = frozenset("{(["), frozenset("})]")
MISPLACED = (
    "The expression `${…}` is not between definitions, so this document cannot be checked: use a variable "
    "or write the text here; spread a fragment by its name."
)


def _read_literal(file: FrontEndFile, value: LiteralValue) -> Iterator[EmbeddedSource | Finding]:
    misplaced = list(_misplaced(value.text, value.placeholders))
    source = EmbeddedSource(file, value.text, value.positions, value.offsets)
    for position in misplaced:
        yield Finding(source.place(position), FindingCode.INTERPOLATION, MISPLACED)
    is_blank = value.placeholders and all(match["comment"] for match in _TOKEN.finditer(value.text))
    if not is_blank:
        yield UncheckedSource(file, value.text, value.positions, value.offsets) if misplaced else source


class UncheckedSource(EmbeddedSource):
    """A document that cannot be parsed, because its text is not known."""

    __slots__ = ()


def _misplaced(text: str, placeholders: Sequence[int]) -> Iterator[int]:
    """Yield the placeholders that are not between definitions or in a comment."""
    if not placeholders:
        return
    tokens = [*_TOKEN.finditer(text), None]
    pending = iter(placeholders)
    position = next(pending, None)
    depth, last = 0, "}"
    for token in tokens:
        while position is not None and (token is None or position < token.end()):
            is_inside = token is not None and token.start() <= position
            if is_inside and token is not None:
                is_allowed = token["comment"] is not None
            else:
                is_allowed = depth == 0 and last == "}"
            if not is_allowed:
                yield position
            position = next(pending, None)
        if token is None or token["comment"]:
            continue
        last = token[0]
        depth += (last in _OPEN) - (last in _CLOSE)
