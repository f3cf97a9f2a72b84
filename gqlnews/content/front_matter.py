"""Split a file into front matter and body, and encode unknown front matter keys."""

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from frontmatter.default_handlers import BaseHandler, YAMLHandler

from gqlnews.content.formats import JSON, TOML, YAML, JsonHandler, TomlHandler, split_header
from gqlnews.content.images import JSON_ENCODER
from gqlnews.content.models import ARTICLE_KEYS
from gqlnews.content.yaml_strict import MAX_INT64, Mapping, Node, Scalar, Sequence, parse_bool, to_json_scalar
from gqlnews.custom_fields import CustomField

# Split a file at its fences, the lines `---` of YAML or `+++` of TOML, or after the JSON object that it
# begins with. python-frontmatter's handlers define the fences. Their `split` is not used, because it loses
# line numbers and fails on a file without a closing fence.


_LINE_END = re.compile(r"\r\n|\r|\n")
_BLANK = re.compile(r"\s*")
_FENCED = ((YAML, "---", YAMLHandler.FM_BOUNDARY), (TOML, "+++", TomlHandler.FM_BOUNDARY))


class FrontMatter(NamedTuple):
    """Front matter with `\\n` line ends, and body with its own line ends.

    `front` starts with the line end of the opening fence, or of the last blank line after it; a JSON object
    or a header starts with its first character. `first_line` is the number of its first line. `format` is the
    handler of the format, None for a header.
    """

    front: str
    first_line: int
    body: str
    format: BaseHandler | None = YAML


def split_front_matter(text: str) -> FrontMatter | None:
    """Split the text of a file; return None if the opening or the closing fence is missing."""
    return _with_line_ends(text, _split_front_matter)


def split_header_lines(text: str) -> FrontMatter | None:
    """Split the text of a file that may begin with a header without fences; return None if it does not."""
    return _with_line_ends(text, _split_header)


def has_opening_fence(text: str) -> bool:
    """Return whether the first line that is not blank is a fence."""
    start = _content_start(text)
    first = text.replace("\r", "\n", 1)
    return any(text.startswith(mark, start) and boundary.match(first, start) for _, mark, boundary in _FENCED)


def _with_line_ends(text: str, split: Callable[[str], FrontMatter | None]) -> FrontMatter | None:
    if "\r" not in text:
        return split(text)
    front_matter = split(text.replace("\r\n", "\n").replace("\r", "\n"))
    if front_matter is None:
        return None
    return front_matter._replace(body=_last_lines(text, front_matter.body.count("\n")))


def _content_start(text: str) -> int:
    """Return the offset of the first line that is not blank."""
    if not text[:1].isspace():
        return 0
    blank = _BLANK.match(text)
    return text.rfind("\n", 0, blank.end() if blank else 0) + 1


def _split_front_matter(text: str) -> FrontMatter | None:
    start = _content_start(text)
    for handler, mark, boundary in _FENCED:
        if text.startswith(mark, start):
            return _split_fenced(text, start, handler, mark, boundary)
    if JsonHandler.FM_BOUNDARY.match(text, start):
        end = JSON.find_end(text, start)
        return FrontMatter(text[start:end], 1 + text.count("\n", 0, start), text[end:], JSON)
    return None


def _split_fenced(
    text: str, start: int, handler: BaseHandler, mark: str, boundary: re.Pattern[str]
) -> FrontMatter | None:
    opening = boundary.match(text, start)
    if opening is None:
        return None
    begin = opening.end()
    dashes = text.find(f"\n{mark}", begin)
    while dashes >= 0:
        closing = boundary.match(text, dashes + 1)
        if closing:
            front = text[begin : dashes + 1]
            return FrontMatter(front, 1 + text.count("\n", 0, begin), text[closing.end() :], handler)
        dashes = text.find(f"\n{mark}", dashes + 1)
    return None


def _split_header(text: str) -> FrontMatter | None:
    header = split_header(text)
    return None if header is None else FrontMatter(header, 1, text[len(header) :], None)


def _last_lines(text: str, count: int) -> str:
    """Return the end of `text`, from the first of its last `count` line ends on."""
    ends = [end.start() for end in _LINE_END.finditer(text)]
    return text[ends[-count] :] if count else ""


# Unknown keys, encoded as a JSON object in file order.
#
# `to_json_scalar` converts plain scalars; quoted scalars stay text.


_MAX_FAST_DEPTH = 16
EMPTY_OBJECT = "{}"


def extra_from_tree(
    tree: Mapping, known: frozenset[str], fields: Iterable[CustomField] = (), *, ignores_case: bool = False
) -> str:
    """Encode the keys of a tree that are neither known nor read by a custom field."""
    unknown = {key: to_plain(node) for key, node in tree.items.items() if key not in known}
    _remove_keys(unknown, fields, ignores_case=ignores_case)
    return JSON_ENCODER.encode(unknown).decode() if unknown else EMPTY_OBJECT


def extra_from_values(values: dict[str, Any], fields: Iterable[CustomField] = ()) -> str | None:
    """Encode the same keys of fast-parsed values; None if the strict parser might differ."""
    if values.keys() <= ARTICLE_KEYS:
        return EMPTY_OBJECT
    unknown = {key: value for key, value in values.items() if key not in ARTICLE_KEYS}
    _remove_keys(unknown, fields, ignores_case=False)
    if not is_unambiguous(unknown):
        return None
    return JSON_ENCODER.encode(unknown).decode()


def _remove_keys(values: dict[str, Any], fields: Iterable[CustomField], *, ignores_case: bool) -> None:
    """Remove the keys that custom fields read, and the mappings that are empty without them."""
    for declared in fields:
        _remove_key(values, declared.key, str.lower if ignores_case else str)


def _remove_key(values: dict[str, Any], path: tuple[str, ...], fold: Callable[[str], str]) -> None:
    key = next((key for key in values if fold(key) == fold(path[0])), None)
    if key is None:
        return
    below = values[key]
    if len(path) > 1 and isinstance(below, dict):
        below = values[key] = dict(below)  # the caller reads the original
        _remove_key(below, path[1:], fold)
    if len(path) == 1 or below == {}:
        del values[key]


def to_plain(node: Node) -> Any:
    """Return the JSON value of a node."""
    match node:
        case Mapping():
            return {key: to_plain(value) for key, value in node.items.items()}
        case Sequence():
            return [to_plain(item) for item in node.items]
        case Scalar():
            return to_json_scalar(node.text) if node.plain else node.text
        case _:
            return None


def is_unambiguous(value: object, depth: int = _MAX_FAST_DEPTH) -> bool:
    """Return whether the strict parser certainly returns the same value, nested up to `depth` levels.

    An integer is unambiguous only as a value of a mapping.
    """
    if type(value) is dict and depth:
        return all(
            type(key) is str and (is_unambiguous(each, depth - 1) or is_small(each))
            for key, each in value.items()
        )
    if type(value) is list and depth:
        return all(is_unambiguous(each, depth - 1) for each in value)
    return value is None or type(value) is bool or (type(value) is str and parse_bool(value) is None)


def is_small(value: object) -> bool:
    """Return whether the value is an integer of 64 bits."""
    return type(value) is int and -MAX_INT64 <= value <= MAX_INT64
