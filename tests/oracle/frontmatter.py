"""Split a content file into front matter and body, and parse the front matter with all scalars as text."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

import yaml

FENCE = "---"
TOML_FENCE = "+++"
NULLS = frozenset({"", "~", "null", "Null", "NULL"})
LINE = re.compile(r"[^\n]*\n|[^\n]+")
BLANK_LINES_BEFORE = re.compile(r"\A(?:[ \t\r]*\n)+")


class Number(float):
    """A number as it is written."""

    def __init__(self, written: str) -> None:
        super().__init__()
        self.written = written

    def __str__(self) -> str:
        return self.written


JSON = json.JSONDecoder(parse_float=Number)


class FileError(Exception):
    """The file has an error, so that its article is not served."""


@dataclass(frozen=True)
class Scalar:
    """A scalar's `text`. `plain` scalars are neither quoted nor a block.

    `number` is that of JSON and TOML.
    """

    text: str
    plain: bool
    number: float | None = None

    @property
    def is_null(self) -> bool:
        return self.plain and self.text in NULLS


Tree: TypeAlias = "Scalar | list[Tree] | dict[str, Tree]"


def split_file(content: bytes) -> tuple[dict[str, Tree], str | None]:
    """Return front matter and body (None if blank). Raises FileError without front matter."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError("not-utf-8") from error
    if text.startswith("{"):
        front, end = JSON.raw_decode(text)
        return data_tree(front), surrounded(text[end:])
    lines = LINE.findall(text)
    fence = TOML_FENCE if lines and lines[0].rstrip() == TOML_FENCE else FENCE
    fences = [number for number, line in enumerate(lines) if line.rstrip() == fence][:2]
    if len(fences) < 2 or fences[0] != 0:
        raise FileError("no-front-matter")
    front, body = "".join(lines[1 : fences[1]]), surrounded("".join(lines[fences[1] + 1 :]))
    return (read_mapping if fence == FENCE else read_toml)(front), body


def read_toml(text: str) -> dict[str, Tree]:
    tree: dict[str, Tree] = data_tree(tomllib.loads(text, parse_float=Number))
    return tree


def data_tree(value: Any) -> Any:
    """Convert a value of JSON or TOML to a Tree: all but strings are plain scalars."""
    if isinstance(value, dict):
        return {key: data_tree(item) for key, item in value.items()}
    if isinstance(value, list):
        return [data_tree(item) for item in value]
    if isinstance(value, str):
        return Scalar(value, plain=False)
    if value is None or isinstance(value, bool):
        return Scalar({None: "null", True: "true", False: "false"}[value], plain=True)
    number = value if isinstance(value, int) else float(value) if isinstance(value, float) else None
    written = value.isoformat().replace("+00:00", "Z") if isinstance(value, date) else str(value)
    return Scalar(written, plain=True, number=number)


def surrounded(body: str) -> str | None:
    """Strip the blank lines around the body; return None if nothing is left."""
    if not body.strip():
        return None
    return BLANK_LINES_BEFORE.sub("", body).rstrip()


def read_mapping(text: str) -> dict[str, Tree]:
    """Parse a YAML mapping. Raises FileError if it is invalid, or has an alias or a duplicate key."""
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise FileError("broken-yaml") from error
    if not isinstance(node, yaml.MappingNode):
        raise FileError("no-front-matter" if node is None else "broken-yaml")
    tree = plain_tree(node, set())
    assert isinstance(tree, dict)
    return tree


def plain_tree(node: yaml.Node, seen: set[int]) -> Tree:
    """Convert a node to a Tree. `seen` holds ids of visited nodes, because aliases repeat nodes."""
    if id(node) in seen:
        raise FileError("alias")
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        return Scalar(node.value, plain=not node.style)
    if isinstance(node, yaml.SequenceNode):
        return [plain_tree(item, seen) for item in node.value]
    assert isinstance(node, yaml.MappingNode)
    mapping: dict[str, Tree] = {}
    for key_node, value_node in node.value:
        key = plain_tree(key_node, seen)
        if not isinstance(key, Scalar):
            raise FileError("broken-yaml")
        if key.text in mapping:
            raise FileError("duplicate-key")
        mapping[key.text] = plain_tree(value_node, seen)
    return mapping
