"""Split a file into front matter and body, and encode unknown front matter keys."""

import re
from typing import Any, NamedTuple

from frontmatter.default_handlers import YAMLHandler

from gqlnews.content.build_article import JSON_ENCODER
from gqlnews.content.models import ARTICLE_KEYS
from gqlnews.content.yaml_strict import MAX_INT64, Mapping, Node, Scalar, Sequence, parse_bool, to_json_scalar

# Split a file at its fences, the lines `---`.
#
# python-frontmatter's handler defines the fences. Its `split` is not used, because it loses line numbers and
# fails on a file without a closing fence.


_HANDLER = YAMLHandler()
_BOUNDARY = YAMLHandler.FM_BOUNDARY
_LINE_END = re.compile(r"\r\n|\r|\n")


class FrontMatter(NamedTuple):
    """Front matter with `\\n` line ends, and body with its own line ends.

    `front` starts with the line end of the opening fence, or of the last blank line after it. `first_line` is
    the number of that line.
    """

    front: str
    first_line: int
    body: str


def split_front_matter(text: str) -> FrontMatter | None:
    """Split the text of a file; return None if the opening or the closing fence is missing."""
    if "\r" not in text:
        return _split_front_matter(text)
    front_matter = _split_front_matter(text.replace("\r\n", "\n").replace("\r", "\n"))
    if front_matter is None:
        return None
    return front_matter._replace(body=_last_lines(text, front_matter.body.count("\n")))


def has_opening_fence(text: str) -> bool:
    """Return whether the first line is a fence."""
    return _HANDLER.detect(text.replace("\r", "\n", 1))


def _split_front_matter(text: str) -> FrontMatter | None:
    if not _HANDLER.detect(text):
        return None
    opening = _BOUNDARY.match(text)
    start = opening.end() if opening else 0
    dashes = text.find("\n---", start)
    while dashes >= 0:
        closing = _BOUNDARY.match(text, dashes + 1)
        if closing:
            front = text[start : dashes + 1]
            return FrontMatter(front, 1 + text.count("\n", 0, start), text[closing.end() :])
        dashes = text.find("\n---", dashes + 1)
    return None


def _last_lines(text: str, count: int) -> str:
    """Return the end of `text`, from the first of its last `count` line ends on."""
    ends = [end.start() for end in _LINE_END.finditer(text)]
    return text[ends[-count] :] if count else ""


# Unknown keys, encoded as a JSON object in file order.
#
# `to_json_scalar` converts plain scalars; quoted scalars stay text.


_MAX_FAST_DEPTH = 16
EMPTY_OBJECT = "{}"


def extra_from_tree(tree: Mapping) -> str:
    """Encode the unknown keys of a tree."""
    unknown = {key: _node_to_json(node) for key, node in tree.items.items() if key not in ARTICLE_KEYS}
    return JSON_ENCODER.encode(unknown).decode() if unknown else EMPTY_OBJECT


def extra_from_values(values: dict[str, Any]) -> str | None:
    """Encode the unknown keys of fast-parsed values; None if the strict parser might differ."""
    if values.keys() <= ARTICLE_KEYS:
        return EMPTY_OBJECT
    unknown = {key: value for key, value in values.items() if key not in ARTICLE_KEYS}
    return JSON_ENCODER.encode(unknown).decode() if _is_unambiguous(unknown, _MAX_FAST_DEPTH) else None


def _node_to_json(node: Node) -> Any:
    match node:
        case Mapping():
            return {key: _node_to_json(value) for key, value in node.items.items()}
        case Sequence():
            return [_node_to_json(item) for item in node.items]
        case Scalar():
            return to_json_scalar(node.text) if node.plain else node.text
        case _:
            return None


def _is_unambiguous(value: object, depth: int) -> bool:
    """Return whether the strict parser certainly returns the same value, nested up to `depth` levels.

    An integer is unambiguous only as a value of a mapping.
    """
    if type(value) is dict and depth:
        return all(
            type(key) is str and (_is_unambiguous(each, depth - 1) or _is_small(each))
            for key, each in value.items()
        )
    if type(value) is list and depth:
        return all(_is_unambiguous(each, depth - 1) for each in value)
    return value is None or type(value) is bool or (type(value) is str and parse_bool(value) is None)


def _is_small(value: object) -> bool:
    return type(value) is int and -MAX_INT64 <= value <= MAX_INT64
