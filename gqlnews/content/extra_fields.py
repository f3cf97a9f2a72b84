"""Encode unknown front matter keys as a JSON object, in file order.

`scalars.to_json_scalar` converts plain scalars; quoted scalars stay text.
"""

from typing import Any

from gqlnews.content.build_common import AS_JSON
from gqlnews.content.raw_models import ARTICLE_KEYS
from gqlnews.content.yaml_scalars import MAX_INT64, parse_bool, to_json_scalar
from gqlnews.content.yaml_tree import Mapping, Node, Scalar, Sequence

_MAX_FAST_DEPTH = 16
EMPTY = "{}"


def extra_from_tree(tree: Mapping) -> str:
    """Encode the unknown keys of a tree."""
    unknown = {key: _json_of_node(node) for key, node in tree.items.items() if key not in ARTICLE_KEYS}
    return AS_JSON.encode(unknown).decode() if unknown else EMPTY


def extra_from_values(values: dict[str, Any]) -> str | None:
    """Encode the unknown keys of fast-parsed values; None if the other parser might read them differently."""
    if values.keys() <= ARTICLE_KEYS:
        return EMPTY
    unknown = {key: value for key, value in values.items() if key not in ARTICLE_KEYS}
    return AS_JSON.encode(unknown).decode() if _is_unambiguous(unknown, _MAX_FAST_DEPTH) else None


def _json_of_node(node: Node) -> Any:
    match node:
        case Mapping():
            return {key: _json_of_node(value) for key, value in node.items.items()}
        case Sequence():
            return [_json_of_node(item) for item in node.items]
        case Scalar():
            return to_json_scalar(node.text) if node.plain else node.text
        case _:
            return None


def _is_unambiguous(value: object, depth: int) -> bool:
    """Return whether both parsers return the same value; integers are safe only as values of a mapping."""
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
