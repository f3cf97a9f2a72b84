"""Front matter other than YAML: TOML, JSON, and the header without fences of Pelican.

Each parser returns the same tree as the strict YAML parser. tomllib and json return values without positions,
so the offset of every value is that of its top-level key; that of a syntax error is exact.
"""

import json
import re
import tomllib
from collections.abc import Iterator
from datetime import date, time
from typing import Any

from frontmatter.default_handlers import BaseHandler, JSONHandler, YAMLHandler

from gqlnews.content.diagnostics import OffsetDiagnostic, ProblemCode
from gqlnews.content.yaml_strict import (
    MAX_DEPTH,
    MAX_NODES,
    FrontMatterSyntaxError,
    Mapping,
    Node,
    Scalar,
    Sequence,
    repeated_key,
)

Parsed = tuple[Mapping, list[OffsetDiagnostic]]


class SourceText(str):
    """Number as it is written in the file."""

    __slots__ = ()


class TomlHandler(BaseHandler):
    """TOML between lines `+++`, by the standard library."""

    FM_BOUNDARY = re.compile(r"^\+{3,}\s*$", re.MULTILINE)
    START_DELIMITER = END_DELIMITER = "+++"

    def load(self, fm: str) -> dict[str, Any]:
        """Parse TOML; floats keep their source text. Raises TOMLDecodeError or another ValueError."""
        return tomllib.loads(fm, parse_float=SourceText)


class JsonHandler(JSONHandler):
    """A JSON object, which ends where its last brace does."""

    FM_BOUNDARY = re.compile(r'\{(?=\s*["}])')

    def __init__(self) -> None:
        super().__init__()
        self._decoder = json.JSONDecoder(
            parse_float=SourceText,
            parse_int=SourceText,
            parse_constant=_reject_constant,
            object_pairs_hook=_Pairs,
        )

    def load(self, fm: str, **_: object) -> Any:
        """Parse JSON; numbers keep their source text. Raises JSONDecodeError."""
        start = len(fm) - len(fm.lstrip())
        return self._decoder.raw_decode(fm, start)[0]

    def find_end(self, text: str, start: int) -> int:
        """Return the offset after the object that begins at `start`; the end of the text if it is invalid."""
        try:
            return self._decoder.raw_decode(text, start)[1]
        except (ValueError, RecursionError):
            return len(text)


class _Pairs(list[tuple[str, Any]]):
    """Keys and values of a JSON object, with repeated keys."""


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


YAML, TOML, JSON = YAMLHandler(), TomlHandler(), JsonHandler()


# TOML.

_TOML_POSITION = re.compile(r"\(at line (\d+), column (\d+)\)$")
_TOML_KEY = re.compile(
    r"^[ \t]*(\[\[?[ \t]*)?(?:\"([^\"\n]*)\"|'([^'\n]*)'|([\w-]+))[ \t]*[.=\]]", re.MULTILINE | re.ASCII
)
_TOML_DEEP = re.compile(rf"(?<![\w\"'.-])(?:[\w\"'-]++[ \t]*+\.[ \t]*+){{{MAX_DEPTH}}}", re.ASCII)
_TOML_DATE = re.compile(r"[^=\n]*=[ \t]*([^#\n]*)")


def parse_toml(front: str) -> Parsed:
    """Parse TOML front matter. Raises FrontMatterSyntaxError."""
    if _TOML_DEEP.search(front):  # tomllib's time grows with the square of the depth
        raise FrontMatterSyntaxError(0, ProblemCode.BROKEN_TOML, _too_deep())
    try:
        values = TOML.load(front)
    except tomllib.TOMLDecodeError as error:
        position = _TOML_POSITION.search(str(error))
        offset = len(front) if position is None else _offset(front, int(position[1]), int(position[2]))
        reason = _TOML_POSITION.sub("", str(error)).strip()
        raise _broken(offset, ProblemCode.BROKEN_TOML, "TOML", reason) from error
    except (ValueError, RecursionError) as error:
        raise _broken(0, ProblemCode.BROKEN_TOML, "TOML", str(error)) from error
    offsets = _toml_offsets(front)
    builder = TreeBuilder(code=ProblemCode.BROKEN_TOML)
    tree = Mapping(0)
    for key, value in values.items():
        builder.offset = offsets.get(key, 0)
        if isinstance(value, date):
            source = _TOML_DATE.match(front, builder.offset)
            tree.items[key] = Scalar(
                builder.offset, (source[1] if source else str(value)).strip(), plain=True
            )
        else:
            tree.items[key] = builder.build(value)
    return tree, []


def _toml_offsets(front: str) -> dict[str, int]:
    """Return the offset of the first line of each top-level key."""
    offsets: dict[str, int] = {}
    in_table = False
    for line in _TOML_KEY.finditer(front):
        in_table = in_table or line[1] is not None
        if line[1] is not None or not in_table:
            key = line[2] or line[3] or line[4]
            offsets.setdefault(key, line.start() + len(line[0]) - len(line[0].lstrip()))
    return offsets


def _offset(text: str, line: int, column: int) -> int:
    """Return the offset of a line and column, both counted from 1."""
    start = 0
    for _ in range(line - 1):
        start = text.index("\n", start) + 1
    return start + column - 1


# JSON.

_JSON_KEY = re.compile(r'"([^"\\\n]*+(?:\\.[^"\\\n]*+)*)"\s*:')


def parse_json(front: str, *, last_wins: bool) -> tuple[Node, list[OffsetDiagnostic]]:
    """Parse JSON; `last_wins` makes a repeated key of an object a warning. Raises FrontMatterSyntaxError."""
    try:
        pairs = JSON.load(front)
    except json.JSONDecodeError as error:
        raise _broken(error.pos, ProblemCode.BROKEN_JSON, "JSON", error.msg) from error
    except (ValueError, RecursionError) as error:
        raise _broken(0, ProblemCode.BROKEN_JSON, "JSON", str(error)) from error
    builder = TreeBuilder()
    if not isinstance(pairs, _Pairs):
        return builder.build(pairs), []
    tree = Mapping(0)
    diagnostics = []
    offsets: dict[str, int] = {}
    for match in _JSON_KEY.finditer(front):
        offsets.setdefault(match[1], match.start())
    for key, value in pairs:
        builder.offset = offsets.get(key, 0)
        if key in tree.items:
            diagnostics.append(repeated_key(builder.offset, key, last_wins=last_wins))
        tree.items[key] = builder.build(value)
    return tree, diagnostics


# Both.


class TreeBuilder:
    """Convert values to nodes, all of which get the same offset."""

    def __init__(self, offset: int = 0, code: ProblemCode = ProblemCode.BROKEN_JSON) -> None:
        self.offset = offset
        self._code = code
        self._count = 0

    def build(self, value: Any, depth: int = 1) -> Node:
        self._count += 1
        if self._count > MAX_NODES:
            message = f"The front matter has more than {MAX_NODES:,} values: split the file."
            raise FrontMatterSyntaxError(self.offset, ProblemCode.TOO_LARGE, message)
        if depth >= MAX_DEPTH:
            raise FrontMatterSyntaxError(self.offset, self._code, _too_deep())
        match value:
            case dict() | _Pairs():
                items = value.items() if isinstance(value, dict) else value
                return Mapping(self.offset, {key: self.build(each, depth + 1) for key, each in items})
            case list():
                return Sequence(self.offset, [self.build(each, depth + 1) for each in value])
            case _:
                is_text = isinstance(value, str) and not isinstance(value, SourceText)
                if is_text and _SURROGATE.search(value):
                    raise FrontMatterSyntaxError(self.offset, self._code, _HALF_CHARACTER)
                return Scalar(self.offset, _scalar_text(value), plain=not is_text)


_SURROGATE = re.compile("[\ud800-\udfff]")
_HALF_CHARACTER = "A text has half a character, such as `\\ud800`: write the character itself."


def _scalar_text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case date() | time():
            return _UTC_OFFSET.sub("Z", value.isoformat())
        case _:
            return str(value)


_UTC_OFFSET = re.compile(r"\+00:00$")


def _too_deep() -> str:
    return f"More than {MAX_DEPTH} lists and tables are nested: use fewer levels."


def _broken(offset: int, code: ProblemCode, name: str, reason: str) -> FrontMatterSyntaxError:
    return FrontMatterSyntaxError(offset, code, f"The front matter is not valid {name}: {reason[:100]}.")


# Pelican's header: lines `Key: value` up to the first blank line, and indented continuation lines.

_HEADER_LINE = re.compile(r"([A-Za-z0-9_-]+):[ \t]*(.*)")
_MAX_HEADER_LINE = 10_000
_CONTINUATION = re.compile(r"(?: {4}|\t)[ \t]*(.+)")


def split_header(text: str) -> str | None:
    """Return the header at the beginning of a text, with its line ends; None if there is none."""
    end = 0
    while end < len(text):
        line, _, _ = text[end : end + _MAX_HEADER_LINE].partition("\n")
        if not _HEADER_LINE.fullmatch(line) and not (end and _CONTINUATION.fullmatch(line)):
            break
        end += len(line) + 1
    return text[:end] or None


def parse_header(header: str) -> Parsed:
    """Parse a header; keys in lower case, because Pelican ignores the case."""
    tree = Mapping(0)
    diagnostics = []
    scalar: Scalar | None = None
    for offset, line in _lines(header):
        if (match := _HEADER_LINE.fullmatch(line)) is not None:
            key = match[1].lower()
            if key in tree.items:
                diagnostics.append(repeated_key(offset, match[1], last_wins=True))
            scalar = Scalar(offset + match.start(2), match[2].strip(), plain=True)
            tree.items[key] = scalar
        elif scalar is not None and line.strip():
            scalar.text = f"{scalar.text} {line.strip()}"
    return tree, diagnostics


def _lines(text: str) -> Iterator[tuple[int, str]]:
    offset = 0
    for line in text.split("\n"):
        yield offset, line
        offset += len(line) + 1
