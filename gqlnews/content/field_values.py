"""Read the values of custom fields from front matter, and convert them to what the store holds.

A value that does not fit its field is left out, with a warning at its position; with an error if the field is
required. The rules for scalars are those of built-in keys.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

import msgspec

from gqlnews.content.build_article import JSON_ENCODER
from gqlnews.content.dates import WrittenDate, parse_date
from gqlnews.content.diagnostics import OffsetDiagnostic, ProblemCode, quote
from gqlnews.content.formats import TreeBuilder
from gqlnews.content.front_matter import is_unambiguous, to_plain
from gqlnews.content.map_values import is_empty
from gqlnews.content.mapper import NO_OFFSET
from gqlnews.content.models import ParsedArticle, ParseOptions, ProblemSeverity
from gqlnews.content.urls import decode_references, is_unsafe_url, resolve_url
from gqlnews.content.yaml_coerce import is_null
from gqlnews.content.yaml_strict import Node, Scalar, parse_bool, parse_float, parse_int32
from gqlnews.content.yaml_strict import Sequence as ListNode
from gqlnews.custom_fields import CustomField, FieldType, Storage
from gqlnews.text_keys import casefold_key, encode_list, float_key

FindNode = Callable[[tuple[str, ...]], Node | None]
"""Returns the value at a path of the front matter."""

NO_FIELDS = "{}"
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

    def read(self, fields: Sequence[CustomField], find: FindNode) -> str:
        """Return the values as a JSON object, by the names of their columns."""
        values: dict[str, Any] = {}
        for declared in fields:
            node = find(declared.key)
            if node is None or is_empty(node):
                if declared.required:
                    self._report_missing(declared)
                continue
            value = self._read_value(declared, node)
            if value is not None:
                values.update(stored_values(declared, value))
        return JSON_ENCODER.encode(values).decode() if values else NO_FIELDS

    def _report_missing(self, declared: CustomField) -> None:
        key = ".".join(declared.key)
        message = f"`{key}` is missing: add it, because the configuration requires `{declared.name}`."
        self.diagnostics.append(OffsetDiagnostic(NO_OFFSET, ProblemCode.MISSING_KEY, message))

    def _read_value(self, declared: CustomField, node: Node) -> Any:
        """Return the value in Python; None if it does not fit the field."""
        if not declared.is_list:
            return self._read_item(declared, node)
        nodes = node.items if isinstance(node, ListNode) else [node]  # one item may stand alone
        items = [
            value
            for item in nodes
            if not is_null(item) and (value := self._read_item(declared, item)) is not None
        ]
        return items or None

    def _read_item(self, declared: CustomField, node: Node) -> Any:
        if declared.type is FieldType.JSON:
            return to_plain(node)
        value = self._convert(declared.type, node) if isinstance(node, Scalar) else None
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

    def _convert(self, kind: FieldType, node: Scalar) -> Any:
        match kind:
            case FieldType.STRING:
                return None if "\0" in node.text else decode_references(node.text)
            case FieldType.URL:
                return self._convert_url(node.text)
            case FieldType.INT:
                return parse_int32(node.text)
            case FieldType.FLOAT:
                return parse_float(node.text)
            case FieldType.BOOLEAN:
                return parse_bool(node.text)
            case _:
                date = parse_date(node.text, self.zone)
                return date if isinstance(date, WrittenDate) else None

    def _convert_url(self, text: str) -> str | None:
        url = decode_references(text.strip())
        if not url or "\0" in url or is_unsafe_url(url):
            return None
        return resolve_url(url, self.base_url)


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


# What the store holds of a value, by column.


def stored_values(declared: CustomField, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the columns of a value, and what they hold."""
    if declared.is_list:
        items = [_rendered(declared.type, item) for item in value]
        texts = [_text_of(item) for item in items]
        yield declared.rendered.name, JSON_ENCODER.encode(items).decode()
        yield declared.compared.name, encode_list(texts)
        yield declared.counted.name, JSON_ENCODER.encode(list(dict.fromkeys(texts))).decode()
        return
    rendered = _rendered(declared.type, value)
    if declared.rendered.storage is Storage.JSON:
        yield declared.rendered.name, JSON_ENCODER.encode(rendered).decode()
    else:
        yield declared.rendered.name, int(rendered) if isinstance(rendered, bool) else rendered
    match declared.compared.storage:
        case Storage.FLOAT_KEY:
            yield declared.compared.name, float_key(value)
        case Storage.INSTANT:
            yield declared.compared.name, value.instant.key
        case _ if declared.folded and (folded := casefold_key(rendered)) is not None:
            yield declared.folded, folded
    if declared.counted.storage is Storage.LABEL:
        yield declared.counted.name, _text_of(rendered)


def _rendered(kind: FieldType, value: Any) -> Any:
    """Return the value as the API does."""
    if kind is FieldType.DATE:
        return value.local.date().isoformat()
    return value.instant.text if kind is FieldType.DATE_TIME else value


def _text_of(item: Any) -> str:
    """Return the text of a value that facets count, and that filters of lists compare."""
    return item if isinstance(item, str) else JSON_ENCODER.encode(item).decode()


# Fast path: values that were parsed without their positions.


_PLAIN_TYPES: dict[FieldType, tuple[type, ...]] = {
    FieldType.STRING: (str,),
    FieldType.URL: (str,),
    FieldType.DATE: (str,),
    FieldType.DATE_TIME: (str,),
    FieldType.INT: (int,),
    FieldType.FLOAT: (int, float),
    FieldType.BOOLEAN: (bool,),
}


def read_fast(
    values: dict[str, Any], fields: Sequence[CustomField], zone: tzinfo, base_url: str | None
) -> str | None:
    """Return the same as `FieldReader.read`; None if the parser with positions is needed."""
    nodes: dict[tuple[str, ...], Node] = {}
    for declared in fields:
        found: Any = values
        for step in declared.key:
            found = found.get(step) if isinstance(found, dict) else None
        if found is None:
            continue
        if not _is_certain(declared.type, found):
            return None
        nodes[declared.key] = TreeBuilder(NO_OFFSET).build(found)
    reader = FieldReader(zone, base_url)
    stored = reader.read(fields, nodes.get)
    return None if reader.diagnostics else stored


def _is_certain(kind: FieldType, value: object) -> bool:
    """Return whether the parser with positions certainly reads the value in the same way."""
    if kind is FieldType.JSON:
        return is_unambiguous({"": value})
    return all(type(item) in _PLAIN_TYPES[kind] for item in (value if isinstance(value, list) else [value]))
