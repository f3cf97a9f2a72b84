"""Convert the YAML tree with positions to the raw models, and note the values that have the wrong type.

The fields of the raw models define the type of each key. List items that are dropped here are removed from
the tree too, so that a path in the models is valid in the tree.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from gqlnews.content.diagnostics import OffsetDiagnostic, ProblemCode, has_error
from gqlnews.content.models import (
    OptBool,
    OptInt32,
    OptStr,
    OptStrList,
    RawArticle,
    RawImage,
    RawImageList,
    RawModel,
    RawProvider,
    RawRelated,
    RawRelatedList,
)
from gqlnews.content.yaml_strict import (
    NULLS,
    InvalidNode,
    Mapping,
    Node,
    Scalar,
    Sequence,
    parse_bool,
    parse_int32,
)

Notes = list[OffsetDiagnostic]
ShapeT = TypeVar("ShapeT", bound=RawModel)
ReadT = TypeVar("ReadT")
Read = Callable[[Node, str, Notes], ReadT | None]


def coerce_article(tree: Mapping, notes: Notes) -> RawArticle:
    """Convert the whole front matter; unknown keys are ignored."""
    return _read_fields(RawArticle, tree, notes)


def is_null(node: Node) -> bool:
    """Return whether a value counts as absent."""
    return isinstance(node, InvalidNode) or (isinstance(node, Scalar) and node.plain and node.text in NULLS)


def _read_fields(shape: type[ShapeT], tree: Mapping, notes: Notes) -> ShapeT:
    fields = _FIELDS[shape]
    values = {}
    for key, node in tree.items.items():
        if key in fields and not is_null(node):
            name, read = fields[key]
            values[name] = read(node, key, notes)
    return shape(**values)


def _type_error(node: Node, key: str, wanted: str) -> OffsetDiagnostic:
    match node:
        case Scalar(text=text):
            found = f"`{text:.40}`"
        case Sequence():
            found = "a list"
        case _:
            found = "keys with values"
    return OffsetDiagnostic(node.index, ProblemCode.WRONG_TYPE, f"`{key}` must be {wanted}, not {found}.")


def _read_text(node: Node, key: str, notes: Notes) -> str | None:
    if not isinstance(node, Scalar):
        notes.append(_type_error(node, key, "text"))
        return None
    if "\0" in node.text:
        notes.append(
            OffsetDiagnostic(
                node.index, ProblemCode.WRONG_TYPE, f"`{key}` holds the character NUL: delete it."
            )
        )
        return None
    return node.text


def _read_int(node: Node, key: str, notes: Notes) -> int | None:
    number = parse_int32(node.text) if isinstance(node, Scalar) else None
    if number is None:
        notes.append(_type_error(node, key, "a decimal whole number of 32 bits"))
        return None
    _warn_quoted(node, key, notes)
    return number


def _read_bool(node: Node, key: str, notes: Notes) -> bool | None:
    flag = parse_bool(node.text) if isinstance(node, Scalar) else None
    if flag is None:
        notes.append(_type_error(node, key, "true or false"))
        return None
    _warn_quoted(node, key, notes)
    return flag


def _warn_quoted(node: Node, key: str, notes: Notes) -> None:
    if isinstance(node, Scalar) and not node.plain:
        message = f"`{key}` is written as text and was read as {node.text}: take the quotes away."
        notes.append(OffsetDiagnostic(node.index, ProblemCode.REPAIRED_TYPE, message))


def _list_of(read: Read[ReadT]) -> Read[list[ReadT]]:
    """Build a reader of lists from a reader of items; null and invalid items are removed, in the tree too."""

    def read_list(node: Node, key: str, notes: Notes) -> list[ReadT] | None:
        if not isinstance(node, Sequence):
            notes.append(_type_error(node, key, "a list"))
            return None
        pairs = [(item, read(item, key, notes)) for item in node.items if not is_null(item)]
        node.items = [item for item, value in pairs if value is not None]
        return [value for _, value in pairs if value is not None]

    return read_list


def _mapping_of(shape: type[ShapeT]) -> Read[ShapeT]:
    def read_mapping(node: Node, key: str, notes: Notes) -> ShapeT | None:
        if not isinstance(node, Mapping):
            notes.append(_type_error(node, key, "keys with values"))
            return None
        return _read_fields(shape, node, notes)

    return read_mapping


def _read_related(node: Node, key: str, notes: Notes) -> list[RawRelated] | None:
    if isinstance(node, Sequence):
        for item in node.items:
            if is_null(item) and not isinstance(item, InvalidNode):
                notes.append(
                    OffsetDiagnostic(
                        item.index, ProblemCode.LEFT_OUT, "An entry of `related` is empty: delete it."
                    )
                )
    return _read_entries(node, key, notes)


def _read_entry(node: Node, key: str, notes: Notes) -> RawRelated | None:
    """Read one entry; return None if a value is invalid, and report only the errors, as LEFT_OUT."""
    own: Notes = []
    entry = _read_raw_related(node, key, own)
    if not has_error(own):
        notes.extend(own)
        return entry
    wrong = (note for note in own if has_error([note]))
    notes.extend(
        OffsetDiagnostic(
            note.index, ProblemCode.LEFT_OUT, f"An entry of `related` is left out: {note.message}"
        )
        for note in wrong
    )
    return None


_read_raw_related = _mapping_of(RawRelated)
_read_entries = _list_of(_read_entry)
_READERS: tuple[tuple[object, Read[Any]], ...] = (
    (OptStr, _read_text),
    (OptBool, _read_bool),
    (OptInt32, _read_int),
    (OptStrList, _list_of(_read_text)),
    (RawImageList, _list_of(_mapping_of(RawImage))),
    (RawProvider | None, _mapping_of(RawProvider)),
    (RawRelatedList, _read_related),
)


def _fields_of(shape: type[RawModel]) -> dict[str, tuple[str, Read[Any]]]:
    """Map each key of a raw model to its attribute name and its reader."""
    return {
        field.encode_name: (field.name, _reader_of(field.type)) for field in msgspec.structs.fields(shape)
    }


def _reader_of(wanted: object) -> Read[Any]:
    return next(read for kind, read in _READERS if kind == wanted)


_FIELDS: dict[type[RawModel], dict[str, tuple[str, Read[Any]]]] = {
    shape: _fields_of(shape) for shape in (RawArticle, RawRelated, RawProvider, RawImage)
}
