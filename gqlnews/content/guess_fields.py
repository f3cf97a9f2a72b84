"""Guess custom fields from the values of unknown keys, for `gqlnews init`."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC
from typing import NamedTuple

from gqlnews.content.article_keys import ArticleKeys, KeyPath
from gqlnews.content.dates import WrittenDate, parse_date
from gqlnews.content.diagnostics import NO_OFFSET
from gqlnews.content.map_values import is_web_url
from gqlnews.content.yaml_coerce import is_null
from gqlnews.content.yaml_strict import Mapping, Node, Scalar, Sequence, parse_bool, parse_float, parse_int32
from gqlnews.custom_fields import MAX_FIELDS, CustomField, FieldType, upper_snake_case

MIN_PERCENT = 5
"""The percentage of the articles that must have a key which they are not read from."""

_MAX_FACET_VALUES = 20
_EXACT_DIGITS = 15  # that a float holds

# Types.


def _is_day(text: str) -> bool:
    return ":" not in text and _is_date(text)


def _is_date(text: str) -> bool:
    return isinstance(parse_date(text, UTC), WrittenDate)


def _is_number(text: str) -> bool:
    return parse_float(text) is not None and sum(map(str.isdigit, text)) <= _EXACT_DIGITS


def _is_url(text: str) -> bool:
    return (is_web_url(text) or text.startswith("/")) and not any(map(str.isspace, text))


_PLAIN_TESTS: dict[FieldType, Callable[[str], bool]] = {
    FieldType.BOOLEAN: lambda text: parse_bool(text) is not None,
    FieldType.INT: lambda text: parse_int32(text) is not None,
    FieldType.FLOAT: _is_number,
}
"""Types of values without quotes: with quotes, the author wrote a text."""

_TEXT_TESTS: dict[FieldType, Callable[[str], bool]] = {
    FieldType.DATE: _is_day,
    FieldType.DATE_TIME: _is_date,
    FieldType.URL: _is_url,
    FieldType.STRING: lambda text: "\0" not in text,
}
_NARROWEST_FIRST = (*_PLAIN_TESTS, *_TEXT_TESTS)


@dataclass(slots=True)
class _KeyValues:
    """What is known about the values of one key.

    `articles` is how many have it, `unknown` how many of these are not read from it, `types` are those that
    fit all values so far, `texts` the first distinct ones, and `items` the number of all.
    """

    path: KeyPath
    articles: int = 0
    unknown: int = 0
    items: int = 0
    is_list: bool = False
    only_mappings: bool = True
    types: list[FieldType] = field(default_factory=lambda: list(_NARROWEST_FIRST))
    texts: set[str] = field(default_factory=set)

    def add(self, node: Node, *, is_known: bool) -> None:
        is_in_file = node.offset != NO_OFFSET  # and not in the site's configuration
        self.articles += is_in_file
        self.unknown += is_in_file and not is_known
        self.only_mappings = self.only_mappings and isinstance(node, Mapping)
        self.is_list = self.is_list or isinstance(node, Sequence)
        for item in node.items if isinstance(node, Sequence) else [node]:
            if not is_null(item):
                self._add_item(item)

    def _add_item(self, item: Node) -> None:
        if not isinstance(item, Scalar):
            self.types = []
            return
        self.items += 1
        self.types = [each for each in self.types if _fits(each, item)]
        if len(self.texts) <= _MAX_FACET_VALUES:
            self.texts.add(item.text)

    @property
    def has_few_values(self) -> bool:
        return len(self.texts) <= _MAX_FACET_VALUES and 2 * len(self.texts) <= self.items


def _fits(kind: FieldType, item: Scalar) -> bool:
    if kind in _PLAIN_TESTS:
        return item.plain and _PLAIN_TESTS[kind](item.text.strip())
    return _TEXT_TESTS[kind](item.text.strip())


# Fields.


class GuessedField(NamedTuple):
    """A custom field that the files suggest, and the number of articles that have it."""

    field: CustomField
    articles: int


class FieldGuesser:
    """Collects the unknown keys of all articles of a folder."""

    def __init__(self) -> None:
        self.articles = 0
        self._keys: dict[KeyPath, _KeyValues] = {}

    def add(self, keys: ArticleKeys) -> None:
        self.articles += 1
        for path, node, is_known in keys.values:
            folded = tuple(map(str.lower, path)) if keys.ignores_case else path
            self._keys.setdefault(folded, _KeyValues(path)).add(node, is_known=is_known)

    def guess(self, is_free: Callable[[str, dict[str, str]], bool]) -> list[GuessedField]:
        """Return the fields, the most frequent first.

        `is_free` tells whether a field may have a name, given those that are taken by upper snake case.
        """
        frequent = sorted(self._frequent(), key=lambda values: (-values.articles, values.path))[:MAX_FIELDS]
        names: dict[KeyPath, str] = {}
        taken: dict[str, str] = {}
        for values in sorted(frequent, key=lambda values: len(values.path)):  # these keep their own names
            name = next(each for each in _names(values.path) if is_free(each, taken))
            names[values.path] = taken[upper_snake_case(name)] = name
        return [
            GuessedField(_build_field(names[values.path], values), values.articles) for values in frequent
        ]

    def _frequent(self) -> Iterator[_KeyValues]:
        """Yield the keys with a field of their own: of a mapping, the keys in it rather than the whole."""
        enough = {
            path: values
            for path, values in self._keys.items()
            if values.unknown and 100 * values.unknown >= MIN_PERCENT * self.articles
        }
        with_keys_below = {path[:length] for path in enough for length in range(1, len(path))}
        whole: set[KeyPath] = set()
        for path in sorted(enough, key=len):
            values = enough[path]
            if any(path[:length] in whole for length in range(1, len(path))):
                continue
            if not values.only_mappings or path not in with_keys_below:
                whole.add(path)
                yield values


def _build_field(name: str, values: _KeyValues) -> CustomField:
    kind = values.types[0] if values.types else FieldType.JSON
    is_list = values.is_list and kind is not FieldType.JSON
    return CustomField(
        name=name,
        type=kind,
        is_list=is_list,
        key=values.path,
        filter=kind is not FieldType.JSON,
        order=not is_list and kind not in {FieldType.JSON, FieldType.BOOLEAN, FieldType.URL},
        facet=values.has_few_values and kind not in {FieldType.JSON, FieldType.FLOAT, FieldType.DATE_TIME},
    )


_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9_]+")


def _names(path: KeyPath) -> Iterator[str]:
    """Yield names for the field of a key, the best first: `sponsor`, `paramsSponsor`, `customSponsor`, …"""
    yield path[-1]
    last = _camel_case(path[-1:])
    if last:
        yield from (last, _camel_case(path), _camel_case(("custom", *path)))
    number = 2
    while True:
        yield f"{last.strip('_') or 'field'}{number}"
        number += 1


def _camel_case(parts: Iterable[str]) -> str:
    """Join words: `front-page`, and `front` and `page`, are `frontPage`."""
    plain = unicodedata.normalize("NFKD", " ".join(parts))
    letters = "".join(each for each in plain if not unicodedata.combining(each))
    first, *others = [word for word in _NOT_IN_NAME.split(letters) if word.strip("_")] or [""]
    name = first + "".join(word[:1].upper() + word[1:] for word in (each.strip("_") for each in others))
    return f"_{name}" if name[:1].isdigit() else name
