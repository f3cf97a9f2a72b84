"""Own fields: their declarations in `gqlnews.toml`, and their values in front matter."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from .fields import DECIMAL, FALSE, INTEGER, KNOWN, TRUE, Keys, json_value, link, unescaped
from .frontmatter import FileError, Scalar, Tree
from .instants import BILLION, EPOCH, WRITTEN, Instant, read_instant, text_of
from .records import NO_VALUE, Article, OwnValue

CONFIG = "gqlnews.toml"


class MisfitError(Exception):
    """A value does not have the field's type."""


@dataclass(frozen=True)
class OwnField:
    """A declared field. `key` is its path in the front matter."""

    name: str
    type: str
    is_list: bool
    key: tuple[str, ...]
    filter: bool
    order: bool
    facet: bool
    for_editors: bool
    required: bool

    @property
    def order_name(self) -> str:
        return order_name(self.name)

    @property
    def returns(self) -> str:
        return f"[{self.type}!]" if self.is_list else self.type

    def is_hidden(self, audience: str) -> bool:
        return self.for_editors and audience != "editor"


def order_name(name: str) -> str:
    """Return a field's name in upper snake case."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()


@dataclass(frozen=True)
class Declared:
    """What the configuration file says about own fields and the site."""

    fields: tuple[OwnField, ...] = ()
    zone: str = "UTC"
    base_url: str | None = None
    title: str | None = None
    language: str | None = None

    @cached_property
    def by_name(self) -> Mapping[str, OwnField]:
        return {field.name: field for field in self.fields}

    @cached_property
    def by_order(self) -> Mapping[str, OwnField]:
        return {field.order_name: field for field in self.fields if field.order}

    def values(self, keys: Keys, own_url: str | None) -> dict[str, OwnValue]:
        """Return the fields' values by name. Raises FileError if a required one is missing."""
        return {field.name: value_of(field, keys, own_url, self.zone) for field in self.fields}


NOTHING_DECLARED = Declared()


def read_declared(folder: Path) -> Declared:
    """Read the configuration file in the folder, which is valid if it exists."""
    file = folder / CONFIG
    if not file.exists():
        return NOTHING_DECLARED
    config = tomllib.loads(file.read_text(encoding="utf-8"))
    fields = tuple(own_field(name, table) for name, table in config.get("fields", {}).items())
    return Declared(
        fields=fields,
        zone=config.get("time-zone", "UTC"),
        base_url=config.get("base-url"),
        title=config.get("provider", {}).get("name"),
        language=config.get("language"),
    )


def own_field(name: str, table: Mapping[str, Any]) -> OwnField:
    kind = table.get("type", "String")
    return OwnField(
        name=name,
        type=kind[0] if isinstance(kind, list) else kind,
        is_list=isinstance(kind, list),
        key=tuple(table.get("key", name).split(".")),
        filter=table.get("filter", False),
        order=table.get("order", False),
        facet=table.get("facet", False),
        for_editors=table.get("visible-to") == "editors",
        required=table.get("required", False),
    )


# Values.


def value_of(field: OwnField, keys: Keys, own_url: str | None, zone: str) -> OwnValue:
    found = at_path(keys, field.key)
    items = found if field.is_list and isinstance(found, list) else [found]
    items = [item for item in items if item is not None and not (isinstance(item, Scalar) and item.is_null)]
    values = [fit(field.type, item, own_url, zone) for item in items]
    if field.required and (not values or None in values):
        raise FileError(f"missing-key or bad-field: {field.name}")
    fitting = [value for value in values if value is not None]
    if not fitting:
        return NO_VALUE
    return list_value(fitting) if field.is_list else fitting[0]


def list_value(items: list[OwnValue]) -> OwnValue:
    texts = tuple(dict.fromkeys(text for item in items for text in item.texts))
    return OwnValue([item.shown for item in items], None, texts)


def at_path(keys: Keys, path: tuple[str, ...]) -> Tree | None:
    """Return the value at a path, or None if it is absent or empty."""
    found: Tree | None = dict(keys)
    for part in path:
        found = found.get(part) if isinstance(found, dict) else None
    return None if found is None or is_empty(found) else found


def is_empty(value: Tree) -> bool:
    """Whether the value is null, blank, or an empty list or mapping."""
    return not (value if not isinstance(value, Scalar) else value.text.strip() and not value.is_null)


def fit(type_: str, value: Tree, own_url: str | None, zone: str) -> OwnValue | None:
    """Return the value as its type, or None if it does not fit."""
    if type_ == "JSON":
        return OwnValue(json_value(value), None, ())
    if not isinstance(value, Scalar):
        return None
    try:
        return READERS[type_](value.text, own_url, zone)
    except (MisfitError, ValueError):
        return None


def read_text(text: str, _url: str | None, _zone: str) -> OwnValue:
    decoded = unescaped(text)
    return OwnValue(decoded, decoded, (decoded,))


def read_int(text: str, _url: str | None, _zone: str) -> OwnValue:
    if not INTEGER.fullmatch(text) or not -(2**31) <= int(text) < 2**31:
        raise MisfitError
    return OwnValue(int(text), int(text), (str(int(text)),))


def read_float(text: str, _url: str | None, _zone: str) -> OwnValue:
    if not DECIMAL.fullmatch(text) or not math.isfinite(float(text)):
        raise MisfitError
    number = float(text) + 0.0  # -0 is 0
    return OwnValue(number, number, (repr(number),))


def read_boolean(text: str, _url: str | None, _zone: str) -> OwnValue:
    if text not in TRUE | FALSE:
        raise MisfitError
    return OwnValue(text in TRUE, text in TRUE, ("true" if text in TRUE else "false",))


def read_date(text: str, _url: str | None, zone: str) -> OwnValue:
    zoned_instant(text, zone)  # must be one
    return OwnValue(text[:10], read_instant(text[:10]).nanoseconds, (text[:10],))


def read_date_time(text: str, _url: str | None, zone: str) -> OwnValue:
    instant = zoned_instant(text, zone)
    return OwnValue(instant.text, instant.nanoseconds, (instant.text,))


def read_url(text: str, own_url: str | None, _zone: str) -> OwnValue:
    url = link({"url": Scalar(text.strip(), plain=False)}, "url", own_url)
    if url is None:
        raise MisfitError
    return OwnValue(url, url, (url,))


READERS = {
    "String": read_text,
    "Int": read_int,
    "Float": read_float,
    "Boolean": read_boolean,
    "Date": read_date,
    "DateTime": read_date_time,
    "URL": read_url,
}


def zoned_instant(written: str, zone: str) -> Instant:
    """Read a date, which is in `zone` if it names none. Raises ValueError if it is invalid."""
    instant, found = read_instant(written), WRITTEN.fullmatch(written)
    if found is None or found[8]:
        return instant
    local = datetime.fromisoformat(instant.text[:19]).replace(tzinfo=ZoneInfo(zone))
    moment = local.astimezone(UTC)
    moved = (moment - EPOCH) // timedelta(seconds=1) * BILLION + instant.nanoseconds % BILLION
    return Instant(moved, text_of(moment, found[7] or ""))


# Articles.


def with_own_values(article: Article, keys: Keys, declared: Declared, base_url: str | None) -> Article:
    """Return the article with its own fields. Raises FileError if a required one is missing."""
    if not declared.fields:
        return article
    values = declared.values(keys, link(keys, "webUrl", base_url) or base_url)
    rest: Tree = dict(keys)
    for field in declared.fields:
        rest = without(rest, field.key)
    assert isinstance(rest, dict)
    extra = {key: json_value(value) for key, value in rest.items() if key not in KNOWN}
    return replace(article, own=values, extra=extra)


def without(tree: Tree, path: tuple[str, ...]) -> Tree:
    """Return the tree without the value at a path, and without the mappings that are empty then."""
    first, *below = path
    if not isinstance(tree, dict) or first not in tree:
        return tree
    rest = without(tree[first], tuple(below)) if below else {}
    return {key: rest if key == first else value for key, value in tree.items() if key != first or rest != {}}
