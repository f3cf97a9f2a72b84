"""Parse YAML into a tree with the position of each value, from libyaml's events.

1. The events are processed without recursion and with limits on depth and number, so that no file exhausts
   the stack or the memory.
2. A stack holds the open lists and mappings; a complete node is attached to the innermost one.
3. Duplicate keys, aliases, merge keys, unknown tags, and keys that are not scalars are not allowed. They are
   reported and left out, and parsing continues, so that all of them are reported.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import yaml
from yaml._yaml import CParser

from gqlnews.content.diagnostics import OffsetDiagnostic, ProblemCode

MAX_DEPTH = 64
MAX_NODES = 100_000
_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = frozenset({"!", f"{_TAG}str"})
_SCALAR_TAGS = frozenset(f"{_TAG}{kind}" for kind in ("bool", "int", "float", "null", "timestamp"))
_LIST_TAGS: frozenset[str | None] = frozenset({None, "!", f"{_TAG}seq"})
_MAPPING_TAGS: frozenset[str | None] = frozenset({None, "!", f"{_TAG}map"})


@dataclass(slots=True)
class Scalar:
    """Scalar; `plain` unless quotes, block style or the tag `!!str` or `!` mark it as text.

    `offset` is the character offset in the front matter, here and in the other nodes.
    """

    offset: int
    text: str
    plain: bool


@dataclass(slots=True)
class InvalidNode:
    """Placeholder for a rejected value, so that no further problem is reported for it."""

    offset: int


@dataclass(slots=True)
class Sequence:
    """List; its consumer may remove invalid items."""

    offset: int
    items: list["Node"] = field(default_factory=list)


@dataclass(slots=True)
class Mapping:
    """Mapping from the text of the keys to the values, in file order."""

    offset: int
    items: dict[str, "Node"] = field(default_factory=dict)


Node = Scalar | InvalidNode | Sequence | Mapping


class FrontMatterSyntaxError(Exception):
    """The text cannot be parsed into a tree. `diagnostic` says why; the package catches this everywhere."""

    def __init__(self, offset: int, code: ProblemCode, message: str) -> None:
        super().__init__(message)
        self.diagnostic = OffsetDiagnostic(offset, code, message)


def parse_tree(front: str, *, last_wins: bool = False) -> tuple[Node | None, list[OffsetDiagnostic]]:
    """Parse front matter; the tree is None if it is empty. With `last_wins`, a repeated key is a warning.

    Raises FrontMatterSyntaxError for invalid YAML, a second document, and too much depth or too many values.
    """
    try:
        return _Builder(last_wins=last_wins).build(front)
    except yaml.MarkedYAMLError as error:
        raise FrontMatterSyntaxError(
            _error_offset(error), ProblemCode.BROKEN_YAML, _error_message(error)
        ) from error
    except yaml.reader.ReaderError as error:
        offset = len(front.encode()[: error.position].decode(errors="ignore"))
        message = f"The character U+{ord(front[offset]):04X} is not allowed in front matter: delete it."
        raise FrontMatterSyntaxError(offset, ProblemCode.BROKEN_YAML, message) from error


def _error_offset(error: yaml.MarkedYAMLError) -> int:
    """Return the offset of a syntax error: for an unterminated construct, the offset where it starts."""
    is_unterminated = "end of stream" in (error.problem or "") and error.context_mark is not None
    mark = error.context_mark if is_unterminated else error.problem_mark
    return 0 if mark is None else mark.index


def _error_message(error: yaml.MarkedYAMLError) -> str:
    reason = ", ".join(part for part in (error.context, error.problem) if part)
    return (
        f"The front matter is not valid YAML: {reason}. "
        "Put quotes around text that contains a colon, # or quotes."
    )


@dataclass(slots=True)
class _Frame:
    """List or mapping that is being read.

    In a mapping, `has_key` means that the next node is the value of `key`; if `key` is None, it is left out.
    """

    node: Sequence | Mapping
    has_valid_tag: bool
    has_key: bool = False
    key: str | None = None


class _Builder:
    def __init__(self, *, last_wins: bool) -> None:
        self._last_wins = last_wins
        self._stack: list[_Frame] = []
        self._root: Node | None = None
        self._diagnostics: list[OffsetDiagnostic] = []
        self._count = 0

    def build(self, front: str) -> tuple[Node | None, list[OffsetDiagnostic]]:
        handlers: dict[type, Callable[[Any], None]] = {
            yaml.DocumentStartEvent: self._document,
            yaml.ScalarEvent: self._scalar,
            yaml.AliasEvent: self._alias,
            yaml.MappingStartEvent: self._mapping,
            yaml.SequenceStartEvent: self._sequence,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
        }
        parser = CParser(front)
        while (event := parser.get_event()) is not None:
            if (handler := handlers.get(type(event))) is not None:
                handler(event)
        return self._root, self._diagnostics

    def _document(self, event: Any) -> None:
        if self._count:
            message = (
                "A second YAML document begins here, and front matter must be one document: delete this line."
            )
            raise FrontMatterSyntaxError(event.start_mark.index, ProblemCode.BROKEN_YAML, message)

    def _scalar(self, event: Any) -> None:
        offset, tag = event.start_mark.index, event.tag
        if tag is None:
            self._attach(Scalar(offset, event.value, plain=event.implicit[0]))
        elif tag in _TEXT_TAGS or tag in _SCALAR_TAGS:
            self._attach(Scalar(offset, event.value, plain=tag in _SCALAR_TAGS))
        else:
            self._report_tag(offset, tag)
            self._attach(InvalidNode(offset))

    def _alias(self, event: Any) -> None:
        offset = event.start_mark.index
        self._report(
            offset,
            ProblemCode.ALIAS,
            f"The alias `*{event.anchor}` refers to another value: write the value itself here.",
        )
        self._attach(InvalidNode(offset))

    def _mapping(self, event: Any) -> None:
        self._begin(event, Mapping(event.start_mark.index), _MAPPING_TAGS)

    def _sequence(self, event: Any) -> None:
        self._begin(event, Sequence(event.start_mark.index), _LIST_TAGS)

    def _begin(self, event: Any, node: Sequence | Mapping, tags: frozenset[str | None]) -> None:
        if len(self._stack) >= MAX_DEPTH:
            message = f"More than {MAX_DEPTH} lists and mappings are nested: use fewer levels."
            raise FrontMatterSyntaxError(node.offset, ProblemCode.BROKEN_YAML, message)
        has_valid_tag = event.tag in tags
        if not has_valid_tag:
            self._report_tag(node.offset, event.tag)
        self._stack.append(_Frame(node, has_valid_tag))

    def _end(self, _: Any) -> None:
        frame = self._stack.pop()
        self._attach(frame.node if frame.has_valid_tag else InvalidNode(frame.node.offset))

    def _report_tag(self, offset: int, tag: str) -> None:
        self._report(
            offset,
            ProblemCode.BROKEN_YAML,
            f"The tag {tag.replace(_TAG, '!!')} is not supported here: delete it.",
        )

    def _report(self, offset: int, code: ProblemCode, message: str) -> None:
        self._diagnostics.append(OffsetDiagnostic(offset, code, message))

    def _attach(self, node: Node) -> None:
        self._count += 1
        if self._count > MAX_NODES:
            raise FrontMatterSyntaxError(
                node.offset,
                ProblemCode.TOO_LARGE,
                f"The front matter has more than {MAX_NODES:,} values: split the file.",
            )
        if not self._stack:
            self._root = node
            return
        top = self._stack[-1]
        if isinstance(top.node, Sequence):
            top.node.items.append(node)
        elif not top.has_key:
            top.key, top.has_key = self._key(top.node, node), True
        else:
            if top.key is not None:
                top.node.items[top.key] = node
            top.has_key = False

    def _key(self, mapping: Mapping, node: Node) -> str | None:
        """Return the text of a key, or None if its value must be left out."""
        if isinstance(node, InvalidNode):
            return None
        if not isinstance(node, Scalar):
            self._report(
                node.offset,
                ProblemCode.BROKEN_YAML,
                "A key must be text, not a list or mapping: put quotes around text in { } or [ ].",
            )
            return None
        if node.plain and node.text == "<<":
            self._report(
                node.offset,
                ProblemCode.ALIAS,
                "The merge key << copies keys from elsewhere: write these keys here.",
            )
            return None
        if node.text in mapping.items:
            self._diagnostics.append(repeated_key(node.offset, node.text, last_wins=self._last_wins))
            return node.text if self._last_wins else None
        return node.text


def repeated_key(offset: int, key: str, *, last_wins: bool) -> OffsetDiagnostic:
    """Build the diagnostic of a key that occurs twice."""
    if last_wins:
        message = f"The key {key} occurs twice here, and the last one counts: delete one of the two."
        return OffsetDiagnostic(offset, ProblemCode.REPEATED_KEY, message)
    message = f"The key {key} occurs twice here: delete one of the two."
    return OffsetDiagnostic(offset, ProblemCode.DUPLICATE_KEY, message)


# Interpretation of plain scalars.
#
# YAML 1.1 and 1.2 differ on `yes`, `0777` and `1_000`. Here `yes` and `on` are true, as in 1.1, and a number
# is decimal, without leading zeros.


NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {
    **dict.fromkeys(("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"), False),
}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,18})")
_NUMBER = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
MAX_INT32 = 2**31 - 1
MAX_INT64 = 2**63 - 1


def parse_bool(text: str) -> bool | None:
    """Parse a boolean in any YAML 1.1 spelling but `y` and `n`; return None for any other text."""
    return _BOOLEANS.get(text)


def parse_int32(text: str) -> int | None:
    """Parse a decimal 32-bit integer; return None for any other text."""
    if not _INTEGER.fullmatch(text):
        return None
    number = int(text)
    return number if -MAX_INT32 - 1 <= number <= MAX_INT32 else None


def parse_float(text: str) -> float | None:
    """Parse a finite decimal number, -0 as 0; return None for any other text."""
    number = float(text) + 0.0 if _NUMBER.fullmatch(text) else None
    return number if number is not None and isfinite(number) else None


def to_json_scalar(text: str) -> bool | int | float | str | None:
    """Convert a plain scalar of an unknown key to JSON: null, a boolean, a finite decimal number, or text."""
    if text in NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        number = int(text)
        return number if -MAX_INT64 - 1 <= number <= MAX_INT64 else text
    if _NUMBER.fullmatch(text) and not text.lstrip("+-").isdigit():
        real = float(text)
        return real if isfinite(real) else text
    return text
