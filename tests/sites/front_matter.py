"""Split a file of any site into header and body. All scalars are text; null is None."""

from __future__ import annotations

import datetime as dt
import json
import re
import tomllib
from dataclasses import dataclass, field
from typing import Any

import yaml

NULLS = frozenset({"", "~", "null", "Null", "NULL"})
PELICAN_KEY = re.compile(r" {0,3}([A-Za-z0-9_-]+):\s*(.*)")
PELICAN_MORE = re.compile(r" {4,}(.*)")


class HeaderError(Exception):
    """The header cannot be read. Its argument is the problem code."""


@dataclass
class Header:
    """The keys of a file, its body, whether a key is repeated, and whether there is no header."""

    keys: dict[str, Any]
    body: str
    repeated: bool = False
    is_missing: bool = False


@dataclass
class Repeats:
    """Whether a key was seen twice."""

    found: bool = field(default=False)

    def mapping(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Make a mapping in which the last value of a key counts."""
        self.found = self.found or len({key for key, _ in pairs}) < len(pairs)
        return dict(pairs)


def split_header(content: bytes, pelican: bool) -> Header:
    """Read YAML between `---`, TOML between `+++`, JSON in braces, or Pelican's lines; skip blank lines."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise HeaderError("not-utf-8") from error
    if "\0" in text:
        raise HeaderError("not-utf-8")
    lines = text.replace("\r\n", "\n").split("\n")
    while lines and not lines[0].strip():
        del lines[0]
    opening = lines[0].rstrip() if lines else ""
    if opening in {"---", "+++"}:
        closing = [number for number, line in enumerate(lines) if line.rstrip() == opening][1:2]
        if not closing:
            raise HeaderError("no-front-matter")
        inside, body = "\n".join(lines[1 : closing[0]]), "\n".join(lines[closing[0] + 1 :])
        return read_yaml(inside, body) if opening == "---" else read_toml(inside, body)
    if opening == "{":
        return read_json("\n".join(lines))
    return read_pelican(lines) if pelican else Header({}, "\n".join(lines), is_missing=True)


def read_yaml(inside: str, body: str) -> Header:
    try:
        node = yaml.compose(inside, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise HeaderError("broken-yaml") from error
    repeats = Repeats()
    keys = {} if node is None else plain(node, repeats, set())
    if not isinstance(keys, dict):
        raise HeaderError("broken-yaml")
    return Header(keys, body, repeats.found)


def plain(node: yaml.Node, repeats: Repeats, seen: set[int]) -> Any:
    """Convert a YAML node to text, None, lists and mappings."""
    if id(node) in seen:
        raise HeaderError("alias")
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        return None if not node.style and node.value in NULLS else node.value
    if isinstance(node, yaml.SequenceNode):
        return [plain(item, repeats, seen) for item in node.value]
    assert isinstance(node, yaml.MappingNode)
    return repeats.mapping([(str(key.value), plain(value, repeats, seen)) for key, value in node.value])


def read_toml(inside: str, body: str) -> Header:
    try:
        return Header(as_text(tomllib.loads(inside, parse_float=str)), body)
    except tomllib.TOMLDecodeError as error:
        raise HeaderError("broken-toml") from error


def read_json(text: str) -> Header:
    repeats = Repeats()
    decoder = json.JSONDecoder(object_pairs_hook=repeats.mapping)
    try:
        keys, end = decoder.raw_decode(text)
    except json.JSONDecodeError as error:
        raise HeaderError("broken-json") from error
    return Header(as_text(keys), text[end:], repeats.found)


def as_text(value: Any) -> Any:
    """Replace the numbers, booleans and dates in a parsed value with text."""
    if isinstance(value, dict):
        return {key: as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_text(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.date | dt.time):  # a datetime is a date
        return value.isoformat()
    return value if value is None else str(value)


def read_pelican(lines: list[str]) -> Header:
    """Read `Key: value` lines up to the first other line, as Python-Markdown's `meta` extension does."""
    pairs: list[tuple[str, str]] = []
    number = 0
    for line in lines:
        if found := PELICAN_KEY.match(line):
            pairs.append((found[1].lower(), found[2].strip()))
        elif pairs and (more := PELICAN_MORE.match(line)):
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]} {more[1].strip()}")
        else:
            break
        number += 1
    repeats = Repeats()
    keys = repeats.mapping(list(pairs))
    return Header(
        {key: value or None for key, value in keys.items()}, "\n".join(lines[number:]), repeats.found
    )
