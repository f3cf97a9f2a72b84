"""Read the values of custom fields from front matter, and convert them to what the store holds.

A value that does not fit its field is left out, with a warning at its position; with an error if the field is
required. The rules for scalars are those of built-in keys.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import tzinfo
from math import isfinite
from typing import Any

import msgspec

from gqlnews.content.dates import WrittenDate, parse_date
from gqlnews.content.diagnostics import NO_OFFSET, OffsetDiagnostic, ProblemCode, quote
from gqlnews.content.front_matter import is_unambiguous, to_plain
from gqlnews.content.images import JSON_ENCODER
from gqlnews.content.map_values import is_empty
from gqlnews.content.models import ParsedArticle, ParseOptions, ProblemSeverity
from gqlnews.content.urls import ABSOLUTE, decode_references, is_unsafe_url, resolve_url
from gqlnews.content.yaml_coerce import is_null
from gqlnews.content.yaml_strict import MAX_INT32, Node, Scalar, parse_bool, parse_float, parse_int32
from gqlnews.content.yaml_strict import Sequence as ListNode
from gqlnews.custom_fields import CustomField, FieldType, Storage
from gqlnews.text_keys import casefold_key, encode_list, float_key

FindNode = Callable[[tuple[str, ...]], Node | None]
"""Returns the value at a path of the front matter."""

_TEXTUAL = frozenset({FieldType.STRING, FieldType.URL, FieldType.DATE, FieldType.DATE_TIME})
_EXPECTED = {
    FieldType.STRING: "text",
    FieldType.URL: "a URL",
    FieldType.INT: "a decimal 32-bit integer",
    FieldType.FLOAT: "a finite number",
    FieldType.BOOLEAN: "true or false",
    FieldType.DATE: "a date such as `2021-04-15`",
    FieldType.DATE_TIME: "a date such as `2021-04-15T13:00:00Z`",
}


@dataclass(slots=True)
class FieldReader:
    """Reader of the custom fields of one file.

    A date without a zone is in `zone`; a relative URL is resolved against `base_url`.
    """

    zone: tzinfo
    base_url: str | None
    diagnostics: list[OffsetDiagnostic] = field(default_factory=list)

    def read(self, fields: tuple[CustomField, ...], find: FindNode) -> tuple[Any, ...]:
        """Return what the columns of the fields hold."""
        stored: list[Any] = []
        for encoder in encoders_of(fields):
            declared = encoder.declared
            node = find(declared.key)
            value = None
            if node is not None and not is_empty(node):
                value = self._read_value(declared, node)
            elif declared.required:
                self._report_missing(declared)
            stored += encoder.nothing if value is None else encoder.encode(value)
        return tuple(stored)

    def read_plain(self, kind: FieldType, value: Any) -> Any:
        """Return a value without a position; None unless the parser with positions reads the same."""
        match value:
            case str() if kind in _TEXTUAL and value and not value.isspace():
                return self._convert_text(kind, value)
            case bool():
                return value if kind in (BOOLEAN, FieldType.JSON) else None
            case int() if kind is FieldType.INT:
                return value if -MAX_INT32 - 1 <= value <= MAX_INT32 else None
            case int() | float() if kind is FieldType.FLOAT:
                return value + 0.0 if isfinite(value) else None  # -0 is 0
            case _ if kind is FieldType.JSON and not _is_blank(value) and is_unambiguous({"": value}):
                return value
        return None

    def _report_missing(self, declared: CustomField) -> None:
        key = ".".join(declared.key)
        message = f"`{key}` is missing: add it, because the configuration requires `{declared.name}`."
        self.diagnostics.append(OffsetDiagnostic(NO_OFFSET, ProblemCode.MISSING_KEY, message))

    def _read_value(self, declared: CustomField, node: Node) -> Any:
        """Return the value in Python; None if it does not fit the field."""
        if not declared.is_list:
            return self._read_item(declared, node)
        nodes = node.items if isinstance(node, ListNode) else [node]  # one item may stand alone
        nodes = [item for item in nodes if not is_null(item)]
        if declared.required and not nodes:
            self._report_missing(declared)
        items = [value for item in nodes if (value := self._read_item(declared, item)) is not None]
        return items or None

    def _read_item(self, declared: CustomField, node: Node) -> Any:
        if declared.type is FieldType.JSON:
            return to_plain(node)
        value = self._convert_text(declared.type, node.text) if isinstance(node, Scalar) else None
        if value is None:
            self._report_value(declared, node)
        elif isinstance(node, Scalar) and not node.plain and isinstance(value, bool | int | float):
            message = (
                f"`{declared.key[-1]}` is written as text, and was read as {node.text}: remove the quotes."
            )
            self.diagnostics.append(OffsetDiagnostic(node.offset, ProblemCode.REPAIRED_TYPE, message))
        return value

    def _report_value(self, declared: CustomField, node: Node) -> None:
        actual = f"`{quote(node.text)}`" if isinstance(node, Scalar) else "a list or a mapping"
        expected = _EXPECTED[declared.type]
        message = f"`{'.'.join(declared.key)}` must be {expected}, not {actual}. It is left out."
        severity = ProblemSeverity.ERROR if declared.required else None
        self.diagnostics.append(OffsetDiagnostic(node.offset, ProblemCode.BAD_FIELD, message, severity))

    def _convert_text(self, kind: FieldType, text: str) -> Any:
        """Convert a text; return None if it does not fit."""
        match kind:
            case FieldType.STRING:
                return None if "\0" in text else decode_references(text)
            case FieldType.URL:
                return self._convert_url(text)
            case FieldType.INT:
                return parse_int32(text)
            case FieldType.FLOAT:
                return parse_float(text)
            case FieldType.BOOLEAN:
                return parse_bool(text)
            case _:
                date = parse_date(text, self.zone)
                return date if isinstance(date, WrittenDate) else None

    def _convert_url(self, text: str) -> str | None:
        url = decode_references(text.strip())
        if not url or "\0" in url:
            return None
        if url.startswith(ABSOLUTE):
            return url
        return None if is_unsafe_url(url) else resolve_url(url, self.base_url)


def with_fields(
    article: ParsedArticle | None,
    options: ParseOptions,
    zone: tzinfo,
    find: FindNode,
    diagnostics: list[OffsetDiagnostic],
) -> ParsedArticle | None:
    """Return the article with its custom fields, and add the diagnostics."""
    reader = FieldReader(zone, article.base_url if article else options.base_url, diagnostics)
    values = reader.read(options.fields, find)
    return None if article is None else msgspec.structs.replace(article, field_values=values)


# What the store holds of a value.


class FieldEncoder:
    """Encode the values of one field for its columns, in the order of `field_columns`."""

    def __init__(self, declared: CustomField) -> None:
        self.declared = declared
        columns = declared.columns
        self._compares = declared.compared in columns[1:]
        self._counts = declared.counted in columns[1:]
        self._folds = declared.folded is not None
        self._is_json = declared.rendered.storage is Storage.JSON
        self.nothing = (None,) * (len(columns) + self._folds)

    def encode(self, value: Any) -> tuple[Any, ...]:
        kind = self.declared.type
        if self.declared.is_list:
            return self._encode_list([_render(kind, item) for item in value])
        rendered = _render(kind, value)
        stored = [_to_json(rendered) if self._is_json else int(rendered) if kind is BOOLEAN else rendered]
        if self._compares:
            stored.append(_sort_key(kind, value, rendered))
        if self._counts:
            stored.append(_to_text(rendered))
        if self._folds:
            stored.append(casefold_key(rendered))
        return tuple(stored)

    def _encode_list(self, items: list[Any]) -> tuple[Any, ...]:
        stored = [_to_json(items)]
        if self._compares:
            stored.append(encode_list([_to_text(item) for item in items]))
        if self._counts:
            stored.append(_to_json(list(dict.fromkeys(map(_to_text, items)))))
        return tuple(stored)


def encoders_of(fields: tuple[CustomField, ...]) -> list[FieldEncoder]:
    """Return the encoders of the fields; all files of an ingest pass the same tuple."""
    last_fields, encoders = _last.value  # one object, because another thread may ingest other fields
    if last_fields is not fields:
        encoders = [FieldEncoder(each) for each in fields]
        _last.value = fields, encoders
    return encoders


class _Last:
    value: tuple[tuple[CustomField, ...], list[FieldEncoder]] = ((), [])


_last = _Last()
BOOLEAN = FieldType.BOOLEAN


def _sort_key(kind: FieldType, value: Any, rendered: Any) -> str | int:
    if kind is FieldType.FLOAT:
        return float_key(value)
    # A day has no time zone: it compares as clients write it, at 00:00 UTC.
    return f"{rendered}T00:00:00" if kind is FieldType.DATE else value.instant.key


def _render(kind: FieldType, value: Any) -> Any:
    """Return the value as the API does."""
    if kind is FieldType.DATE:
        return value.local.date().isoformat()
    return value.instant.text if kind is FieldType.DATE_TIME else value


def _to_json(value: Any) -> str:
    return JSON_ENCODER.encode(value).decode()


def _to_text(value: Any) -> str:
    """Return the text of a value that facets count, and that filters of lists compare."""
    return value if isinstance(value, str) else _to_json(value)


# Fast path: values that were parsed without their positions.


def read_fast(
    values: dict[str, Any], fields: tuple[CustomField, ...], zone: tzinfo, base_url: str | None
) -> tuple[Any, ...] | None:
    """Return the same as `FieldReader.read`; None if the parser with positions is needed."""
    reader = FieldReader(zone, base_url)
    stored: list[Any] = []
    for encoder in encoders_of(fields):
        declared = encoder.declared
        found: Any = values
        for step in declared.key:
            found = found.get(step) if isinstance(found, dict) else None
        if found is None and not declared.required:
            stored += encoder.nothing
            continue
        value = (
            _read_plain_list(reader, declared, found)
            if declared.is_list
            else reader.read_plain(declared.type, found)
        )
        if value is None:
            return None
        stored += encoder.encode(value)
    return tuple(stored)


def _is_blank(value: Any) -> bool:
    return not value.strip() if isinstance(value, str) else value in ([], {})


def _read_plain_list(reader: FieldReader, declared: CustomField, found: Any) -> list[Any] | None:
    items = found if isinstance(found, list) else [found]
    if items is found and any(type(item) in (int, float) for item in items):
        return None  # `needs_strict_parser` does not see numbers such as `0o17` in lists
    read = [reader.read_plain(declared.type, item) for item in items]
    return read if read and None not in read else None
