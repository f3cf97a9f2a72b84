"""Nodes of the values that the fast parser returns, which have neither a position nor their source text.

1. A list or mapping converts its items when they are first read, so most values are never converted.
2. The offset of a node is a negative number that stands for the path of its value. The real offset is found
   when it is needed.
3. A scalar is converted only if it certainly has the same text and type as that of the strict parser.
   Otherwise SourceUnknown is raised.
"""

from typing import Any

from gqlnews.content.diagnostics import NO_OFFSET, FieldPath
from gqlnews.content.front_matter import is_small
from gqlnews.content.yaml_positions import find_offset
from gqlnews.content.yaml_strict import Mapping, Node, Scalar, Sequence, parse_bool

_CAPITALIZED = ("True", "TRUE", "False", "FALSE")
_FIRST = NO_OFFSET - 1


class SourceUnknown(Exception):  # noqa: N818  # `parse_fast` catches it
    """The source text of a value is not known, and it matters."""


class PlainTree:
    """Front matter as a tree of nodes that are converted from its parsed values."""

    def __init__(self, front: str, values: dict[str, Any]) -> None:
        self._front = front
        self._values = values
        self._paths: list[FieldPath] = []

    def root(self) -> Mapping:
        """Return the node of the front matter. Nodes refer to this tree, but it refers to none of them."""
        return PlainMapping(NO_OFFSET, self, (), self._values)

    def find_offset(self, node_offset: int) -> int:
        """Return the offset in the front matter for that of a node. Raises OffsetUnknown."""
        return find_offset(self._front, self._values, self._paths[_FIRST - node_offset])

    def convert(self, value: Any, path: FieldPath) -> Node:
        """Return the node of a value. Raises SourceUnknown."""
        offset = _FIRST - len(self._paths)
        self._paths.append(path)
        kind = type(value)
        if kind is str:
            if parse_bool(value) is None:
                return Scalar(offset, value, plain=False)
        elif kind is dict:
            return PlainMapping(offset, self, path, value)
        elif kind is list:
            return PlainSequence(offset, self, path, value)
        elif value is None:
            return Scalar(offset, "", plain=True)
        elif type(path[-1]) is str and (is_small(value) or (kind is bool and self._is_lower(value, path))):
            return Scalar(offset, str(value).lower(), plain=True)
        raise SourceUnknown

    def _is_lower(self, value: bool, path: FieldPath) -> bool:
        """Return whether a boolean is certainly written as `true` or `false`."""
        if len(path) == 1 and f"\n{path[0]}: {'true' if value else 'false'}" in self._front:
            return True
        return not any(word in self._front for word in _CAPITALIZED)


class PlainMapping(Mapping):
    """Mapping that converts its items when they are first read."""

    __slots__ = ("_path", "_tree", "value")

    def __init__(self, offset: int, tree: PlainTree, path: FieldPath, value: dict[str, Any]) -> None:
        self.offset = offset
        self._tree, self._path, self.value = tree, path, value

    def __getattr__(self, name: str) -> dict[str, Node]:  # called for `items` until it is set
        if any(type(key) is not str for key in self.value):
            raise SourceUnknown
        self.items = {key: self._tree.convert(value, (*self._path, key)) for key, value in self.value.items()}
        return self.items


class PlainSequence(Sequence):
    """List that converts its items when they are first read."""

    __slots__ = ("_path", "_tree", "value")

    def __init__(self, offset: int, tree: PlainTree, path: FieldPath, value: list[Any]) -> None:
        self.offset = offset
        self._tree, self._path, self.value = tree, path, value

    def __getattr__(self, name: str) -> list[Node]:  # called for `items` until it is set
        convert, path = self._tree.convert, self._path
        self.items = [convert(value, (*path, index)) for index, value in enumerate(self.value)]
        return self.items
