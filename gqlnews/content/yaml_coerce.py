"""Coerce the YAML tree with positions to the raw models, and report values of the wrong type.

The fields of the raw models define the type of each key. List items that are left out here are removed from
the tree too, so that a path in the models is valid in the tree.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from gqlnews.content.diagnostics import OffsetDiagnostic, ProblemCode, has_error, quote
from gqlnews.content.models import (
    RAW_FRONT_MATTER,
    OptBool,
    OptInt32,
    OptionalText,
    OptStr,
    OptStrList,
    RawArticle,
    RawAuthors,
    RawImage,
    RawImageList,
    RawModel,
    RawProvider,
    RawRelated,
    RawRelatedList,
)
from gqlnews.content.plain_nodes import PlainMapping, PlainSequence
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

Diagnostics = list[OffsetDiagnostic]
ModelT = TypeVar("ModelT", bound=RawModel)
ValueT = TypeVar("ValueT")
Coercer = Callable[[Node, str, Diagnostics], ValueT | None]


def coerce_article(tree: Mapping, diagnostics: Diagnostics) -> RawArticle:
    """Coerce the whole front matter; unknown keys are ignored."""
    return _coerce_fields(RAW_FRONT_MATTER, tree, diagnostics)


def coerce_key(key: str, node: Node, diagnostics: Diagnostics) -> tuple[str, Any]:
    """Coerce the value of one known key; return its attribute of the raw article, and the value.

    Raises ValidationError for a plain list or mapping that has a value of another type.
    """
    name, coercer = _FIELDS[RAW_FRONT_MATTER][key]
    if isinstance(node, PlainMapping | PlainSequence):
        return name, getattr(msgspec.convert({key: node.value}, RAW_FRONT_MATTER), name)
    return name, coercer(node, key, diagnostics)


def is_null(node: Node) -> bool:
    """Return whether a value counts as absent."""
    return isinstance(node, InvalidNode) or (isinstance(node, Scalar) and node.plain and node.text in NULLS)


def _coerce_fields(model: type[ModelT], tree: Mapping, diagnostics: Diagnostics) -> ModelT:
    fields = _FIELDS[model]
    values = {}
    for key, node in tree.items.items():
        if key in fields and not is_null(node):
            name, coercer = fields[key]
            values[name] = coercer(node, key, diagnostics)
    return model(**values)


def _type_error(node: Node, key: str, expected: str) -> OffsetDiagnostic:
    match node:
        case Scalar(text=text):
            actual = f"`{quote(text)}`"
        case Sequence():
            actual = "a list"
        case _:
            actual = "keys with values"
    return OffsetDiagnostic(node.offset, ProblemCode.WRONG_TYPE, f"`{key}` must be {expected}, not {actual}.")


def _coerce_text(node: Node, key: str, diagnostics: Diagnostics) -> str | None:
    if not isinstance(node, Scalar):
        diagnostics.append(_type_error(node, key, "text"))
        return None
    if "\0" in node.text:
        diagnostics.append(
            OffsetDiagnostic(
                node.offset, ProblemCode.WRONG_TYPE, f"`{key}` contains the character NUL: delete it."
            )
        )
        return None
    return node.text


def _coerce_optional_text(node: Node, key: str, diagnostics: Diagnostics) -> str | None:
    """Coerce a text that is left out if it is none, so that its file is served as before."""
    wrong: Diagnostics = []
    text = _coerce_text(node, key, wrong)
    diagnostics.extend(
        OffsetDiagnostic(each.offset, ProblemCode.LEFT_OUT, f"{each.message[:-1]}: it is left out.")
        for each in wrong
    )
    return text


def _coerce_authors(node: Node, _key: str, diagnostics: Diagnostics) -> Any:
    """Return texts, lists and mappings of them; a text with a NUL is left out."""
    match node:
        case Sequence():
            return [_coerce_authors(item, _key, diagnostics) for item in node.items]
        case Mapping():
            return {name: _coerce_authors(item, name, diagnostics) for name, item in node.items.items()}
    return None if is_null(node) else _coerce_optional_text(node, _key, diagnostics)


def _coerce_int(node: Node, key: str, diagnostics: Diagnostics) -> int | None:
    number = parse_int32(node.text) if isinstance(node, Scalar) else None
    if number is None:
        diagnostics.append(_type_error(node, key, "a decimal 32-bit integer"))
        return None
    _warn_quoted(node, key, diagnostics)
    return number


def _coerce_bool(node: Node, key: str, diagnostics: Diagnostics) -> bool | None:
    flag = parse_bool(node.text) if isinstance(node, Scalar) else None
    if flag is None:
        diagnostics.append(_type_error(node, key, "true or false"))
        return None
    _warn_quoted(node, key, diagnostics)
    return flag


def _warn_quoted(node: Node, key: str, diagnostics: Diagnostics) -> None:
    if isinstance(node, Scalar) and not node.plain:
        message = f"`{key}` is written as text, and was read as {node.text}: remove the quotes."
        diagnostics.append(OffsetDiagnostic(node.offset, ProblemCode.REPAIRED_TYPE, message))


def _list_coercer(coercer: Coercer[ValueT]) -> Coercer[list[ValueT]]:
    """Build the coercer of a list from that of its items; null and invalid items leave list and tree."""

    def coerce_list(node: Node, key: str, diagnostics: Diagnostics) -> list[ValueT] | None:
        if not isinstance(node, Sequence):
            diagnostics.append(_type_error(node, key, "a list"))
            return None
        pairs = [(item, coercer(item, key, diagnostics)) for item in node.items if not is_null(item)]
        node.items = [item for item, value in pairs if value is not None]
        return [value for _, value in pairs if value is not None]

    return coerce_list


def _mapping_coercer(model: type[ModelT]) -> Coercer[ModelT]:
    def coerce_mapping(node: Node, key: str, diagnostics: Diagnostics) -> ModelT | None:
        if not isinstance(node, Mapping):
            diagnostics.append(_type_error(node, key, "keys with values"))
            return None
        return _coerce_fields(model, node, diagnostics)

    return coerce_mapping


def _coerce_related(node: Node, key: str, diagnostics: Diagnostics) -> list[RawRelated] | None:
    if isinstance(node, Sequence):
        for item in node.items:
            if is_null(item) and not isinstance(item, InvalidNode):
                diagnostics.append(
                    OffsetDiagnostic(
                        item.offset, ProblemCode.LEFT_OUT, "An entry of `related` is empty: delete it."
                    )
                )
    return _coerce_entries(node, key, diagnostics)


def _coerce_entry(node: Node, key: str, diagnostics: Diagnostics) -> RawRelated | None:
    """Coerce one entry; return None if a value is invalid, and report only the errors, as LEFT_OUT."""
    entry_diagnostics: Diagnostics = []
    entry = _coerce_raw_related(node, key, entry_diagnostics)
    if not has_error(entry_diagnostics):
        diagnostics.extend(entry_diagnostics)
        return entry
    errors = (diagnostic for diagnostic in entry_diagnostics if has_error([diagnostic]))
    diagnostics.extend(
        OffsetDiagnostic(
            diagnostic.offset,
            ProblemCode.LEFT_OUT,
            f"An entry of `related` is left out: {diagnostic.message}",
        )
        for diagnostic in errors
    )
    return None


_coerce_raw_related = _mapping_coercer(RawRelated)
_coerce_entries = _list_coercer(_coerce_entry)
_COERCERS: tuple[tuple[object, Coercer[Any]], ...] = (
    (OptStr, _coerce_text),
    (OptionalText, _coerce_optional_text),
    (RawAuthors, _coerce_authors),
    (OptBool, _coerce_bool),
    (OptInt32, _coerce_int),
    (OptStrList, _list_coercer(_coerce_text)),
    (RawImageList, _list_coercer(_mapping_coercer(RawImage))),
    (RawProvider | None, _mapping_coercer(RawProvider)),
    (RawRelatedList, _coerce_related),
)


def _build_fields(model: type[RawModel]) -> dict[str, tuple[str, Coercer[Any]]]:
    """Map each front matter key of a raw model to its attribute name and its coercer."""
    return {
        field.encode_name: (field.name, _get_coercer(field.type)) for field in msgspec.structs.fields(model)
    }


def _get_coercer(expected: object) -> Coercer[Any]:
    return next(coercer for kind, coercer in _COERCERS if kind == expected)


_FIELDS: dict[type[RawModel], dict[str, tuple[str, Coercer[Any]]]] = {
    model: _build_fields(model) for model in (RAW_FRONT_MATTER, RawRelated, RawProvider, RawImage)
}
