"""Fields of an article's state in the history of changes: those that filters read, as in the API."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from gqlnews.columns import ARTICLE_COLUMNS, ArticleColumn, ColumnType, Filter
from gqlnews.custom_fields import CustomField, Storage
from gqlnews.text_keys import decode_list

State = Mapping[str, object]
"""Values of an article by the names of fields."""


class StateField(NamedTuple):
    """Column of a field, and how its value, which is not null, is decoded."""

    column: str
    decode: Callable[[Any], object]


_DECODE_COLUMN: Mapping[ColumnType, Callable[[Any], object]] = {
    ColumnType.BOOLEAN: bool,
    ColumnType.INSTANT: lambda key: f"{key}Z",
    ColumnType.ITEMS: decode_list,
}
_DECODE_CUSTOM: Mapping[Storage, Callable[[Any], object]] = {
    Storage.FLAG: bool,
    Storage.JSON: orjson.Fragment,
}


def known_fields(declared: Sequence[CustomField]) -> dict[str, StateField]:
    """Return the fields by name: those of filters, with the custom ones that everyone may filter by."""
    fields = {
        _camel_case(column.filter.field): StateField(column.name, _decoder(column, column.filter))
        for column in ARTICLE_COLUMNS
        if column.filter is not None
    }
    for field in declared:
        if field.filter and not field.editor_only:
            rendered = field.rendered
            fields[field.name] = StateField(rendered.name, _DECODE_CUSTOM.get(rendered.storage, _unchanged))
    return fields


def _decoder(column: ArticleColumn, filter_: Filter) -> Callable[[Any], object]:
    if filter_.positive:
        return lambda count: count > 0
    return _DECODE_COLUMN.get(column.type, _unchanged)


def _unchanged(value: object) -> object:
    return value


def _camel_case(name: str) -> str:
    """Convert to the name in the API: `published_date_time` → `publishedDateTime`."""
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))
