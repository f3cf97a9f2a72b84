"""Custom fields of articles: keys of the front matter that the configuration declares as fields of the API.

A field has a column of `article` for its values, `field_text_sponsor` for example, and further ones for what
filters, orders and facets compare. They are added when a configuration declares the field, and stay when it
no longer does, because running servers may still read them. The name contains how the value is stored, so a
field of another type has other columns.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum, StrEnum
from typing import NamedTuple

import msgspec

from gqlnews.columns import FOLDED_SUFFIX

MAX_FIELDS = 100


class FieldType(StrEnum):
    """Type of a custom field, or of the items of a list."""

    STRING = "String"
    INT = "Int"
    FLOAT = "Float"
    BOOLEAN = "Boolean"
    DATE = "Date"
    DATE_TIME = "DateTime"
    URL = "URL"
    JSON = "JSON"


class Storage(Enum):
    """How a value is stored: the prefix of the column, and its SQL type."""

    TEXT = "text", "TEXT"
    INTEGER = "int", "INTEGER"
    FLAG = "flag", "INTEGER"  # 0 or 1
    JSON = "json", "TEXT"  # JSON text
    INSTANT = "instant", "TEXT"  # sort key of a date (timestamps.py)
    FLOAT_KEY = "float", "INTEGER"  # sort key of a number (`float_key`)
    ITEMS = "items", "TEXT"  # list of texts (`encode_list` in text_keys.py)
    LABEL = "label", "TEXT"  # the text of a value, for facets
    LABELS = "labels", "TEXT"  # JSON array of the distinct texts of a list

    @property
    def prefix(self) -> str:
        return self.value[0]

    @property
    def sql_type(self) -> str:
        return self.value[1]


_RENDERED = {
    FieldType.STRING: Storage.TEXT,
    FieldType.INT: Storage.INTEGER,
    FieldType.FLOAT: Storage.JSON,
    FieldType.BOOLEAN: Storage.FLAG,
    FieldType.DATE: Storage.TEXT,
    FieldType.DATE_TIME: Storage.TEXT,
    FieldType.URL: Storage.TEXT,
    FieldType.JSON: Storage.JSON,
}
_COMPARED = {
    **_RENDERED,
    FieldType.FLOAT: Storage.FLOAT_KEY,
    FieldType.DATE: Storage.INSTANT,
    FieldType.DATE_TIME: Storage.INSTANT,
}
_NOT_IN_COLUMN_NAME = re.compile("[A-Z_]")


class CustomField(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A custom field.

    `key` is the path of its key in the front matter. `filter`, `order` and `facet`: `ArticleFilter`,
    `ArticleOrderField` and `ArticleFacets` have the field too. `editor_only`: null for all other audiences,
    who may not filter, sort or count by it either. `required`: an article without a value is an error.
    """

    name: str
    type: FieldType = FieldType.STRING
    is_list: bool = False
    key: tuple[str, ...] = ()
    description: str | None = None
    filter: bool = False
    order: bool = False
    facet: bool = False
    editor_only: bool = False
    required: bool = False

    @property
    def rendered(self) -> "FieldColumn":
        """The column with the value as the API returns it."""
        return FieldColumn(self.name, Storage.JSON if self.is_list else _RENDERED[self.type])

    @property
    def compared(self) -> "FieldColumn":
        """The column that filters and orders read."""
        return FieldColumn(self.name, Storage.ITEMS if self.is_list else _COMPARED[self.type])

    @property
    def counted(self) -> "FieldColumn":
        """The column whose values facets count."""
        if self.is_list:
            return FieldColumn(self.name, Storage.LABELS)
        rendered = self.rendered
        return rendered if rendered.storage is Storage.TEXT else FieldColumn(self.name, Storage.LABEL)

    @property
    def columns(self) -> tuple["FieldColumn", ...]:
        """The columns that the field needs, except the one with the case-folded text."""
        needed = [self.rendered]
        needed += [self.compared] if self.filter or self.order else []
        needed += [self.counted] if self.facet else []
        return tuple(dict.fromkeys(needed))

    @property
    def items_view(self) -> str:
        """The view with a row for each text in a list of an article."""
        return f"{self.counted.name}_view"

    @property
    def folded(self) -> str | None:
        """The column with the case-folded text, as for built-in columns; None if no filter compares it."""
        is_text = self.filter and self.compared.storage is Storage.TEXT
        return f"{self.compared.name}{FOLDED_SUFFIX}" if is_text else None

    @property
    def order_value(self) -> str:
        """The value of `ArticleOrderField`, in upper snake case."""
        return upper_snake_case(self.name)


COLUMN_PREFIX = "field_"


class FieldColumn(NamedTuple):
    """A column of a field."""

    field: str
    storage: Storage

    @property
    def name(self) -> str:
        """The name in SQL, which ignores case: `_x` stands for `X`, and `__` for `_`."""
        escaped = _NOT_IN_COLUMN_NAME.sub(lambda match: f"_{match[0].lower()}", self.field)
        return f"{COLUMN_PREFIX}{self.storage.prefix}_{escaped}"


def upper_snake_case(name: str) -> str:
    """Convert a field's name: `readingLevel` → `READING_LEVEL`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()


# Columns and indexes in the database.


def field_columns(fields: Iterable[CustomField]) -> dict[str, str]:
    """Return the SQL types by name of column, in the order of `ParsedArticle.field_values`."""
    types: dict[str, str] = {}
    for field in fields:
        types |= {column.name: column.storage.sql_type for column in field.columns}
        if field.folded:
            types[field.folded] = "TEXT"
    return types


def indexed_columns(fields: Sequence[CustomField]) -> Iterator[str]:
    """Yield the columns that the covering indexes of articles contain."""
    for field in fields:
        columns = [field.compared.name] if field.filter or field.order else []
        if field.facet and not field.is_list:
            columns.append(field.counted.name)
        if field.folded:
            columns.append(field.folded)
        yield from dict.fromkeys(columns)


def item_views(fields: Iterable[CustomField]) -> Iterator[tuple[str, str]]:
    """Yield the name and the statement of the view of each list that facets count."""
    for field in fields:
        if field.facet and field.is_list:
            yield (
                field.items_view,
                f"CREATE VIEW {field.items_view} AS"  # noqa: S608 - names of our own
                " SELECT article.id AS article_id, item.value AS value, article.published AS published"
                f" FROM article, json_each(article.{field.counted.name}) AS item",
            )


def encode_fields(fields: Sequence[CustomField]) -> str:
    """Encode the declarations, for the table `store`."""
    return msgspec.json.encode(fields).decode()


def decode_fields(text: str | bytes) -> tuple[CustomField, ...]:
    """Decode what `encode_fields` returned."""
    return msgspec.json.decode(text, type=tuple[CustomField, ...])
