"""Source files of a front end, and the GraphQL sources in them, which know their place in the file."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property

from graphql import GraphQLError, Source
from graphql.language import Node

from gqlnews.operations.findings import FilePlace

_LINE_END = re.compile(r"\r\n|\n|\r")


class FrontEndFile:
    """A source file: its path relative to the checked folder, and its text."""

    def __init__(self, path: str, text: str) -> None:
        self.path, self.text = path, text

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in _LINE_END.finditer(self.text))]

    def place(self, offset: int) -> FilePlace:
        """Return the place of the character at an offset."""
        line = bisect_right(self._line_starts, offset)
        return FilePlace(self.path, line, offset - self._line_starts[line - 1] + 1)


class EmbeddedSource(Source):
    """GraphQL text in a file.

    `positions` and `offsets` have the same length: from each position of the text on, up to the next one,
    it is a copy of the file's text from the offset on. A position at an escape is that of its backslash.
    """

    __slots__ = ("file", "offsets", "positions")

    def __init__(
        self, file: FrontEndFile, body: str, positions: Sequence[int] = (0,), offsets: Sequence[int] = (0,)
    ) -> None:
        super().__init__(body, file.path)
        self.file, self.positions, self.offsets = file, positions, offsets

    def place(self, position: int) -> FilePlace:
        """Return the place in the file of the character at a position of the text."""
        part = bisect_right(self.positions, position) - 1
        return self.file.place(self.offsets[part] + position - self.positions[part])


def node_place(node: Node) -> FilePlace:
    """Return where a node of an embedded source begins."""
    assert node.loc is not None
    assert isinstance(node.loc.source, EmbeddedSource)
    return node.loc.source.place(node.loc.start)


def node_text(node: Node) -> str:
    """Return the GraphQL text of a node."""
    assert node.loc is not None
    return node.loc.source.body[node.loc.start : node.loc.end]


def error_places(error: GraphQLError) -> list[FilePlace]:
    """Return the places of an error, in order and each once; empty if it has none."""
    if error.nodes:
        return list(dict.fromkeys(node_place(node) for node in error.nodes if node.loc))
    if isinstance(error.source, EmbeddedSource) and error.positions:
        return [error.source.place(position) for position in error.positions]
    return []
