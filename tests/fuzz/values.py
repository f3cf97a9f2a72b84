"""Values that a client may send: mutated API values, and values that do or do not fit a type."""

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any

from graphql import (
    GraphQLInputType,
    is_enum_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
)
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.fuzz.place import HIDDEN, PUBLISHED, WORDS, url_of

scalars: SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text()
)
anything: SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(), inner, max_size=6),
    max_leaves=12,
)
slugs = st.sampled_from([*PUBLISHED, *HIDDEN, "animals", "topic-1", "p0.example"])
urls = slugs.map(url_of) | st.sampled_from(
    ["https://", "//x", "javascript:alert(1)", "https://x.example:99999/"]
)
dates = st.datetimes().map(lambda at: f"{at.isoformat()}Z") | st.sampled_from(
    [
        "2021-04-15",
        "0001-01-01",
        "9999-12-31T23:59:60Z",
        "2021-02-30",
        "2021-04-15T13:00:00+23:59",
        "-1",
        "now",
    ]
)
durations = st.sampled_from(["P1D", "PT0S", "P0D", "P9999999999W", "PT1S", "P1Y", "P-1D", "PT1.5H", "P1DT"])
numbers = st.integers(-3, 120) | st.sampled_from([2**31 - 1, 2**31, -(2**31) - 1, 2**63, 2**64, 10**400])

SIGNS = (
    "-",
    '"',
    "*",
    "title:",
    " OR ",
    " AND ",
    " NOT ",
    " NEAR(",
    "(",
    ")",
    "{",
    "}",
    ":",
    "^",
    "+",
    ",",
    "\0",
)
searches = st.lists(
    st.sampled_from((*WORDS, *SIGNS, " ", "\ue000", "é", "日本")) | st.text(max_size=5), max_size=40
).map("".join)


def mutated(
    texts: Sequence[str], decode: Callable[[str], bytes], encode: Callable[[bytes], str]
) -> SearchStrategy[str]:
    """Values from the API, unchanged or with some decoded bytes changed, and arbitrary ones."""
    given = st.sampled_from(texts)
    inside = st.builds(
        changed,
        given.map(decode),
        st.lists(st.tuples(st.integers(0, 200), st.binary(max_size=3)), max_size=3),
    )
    return given | inside.map(encode) | st.binary(max_size=40).map(encode) | st.text()


def changed(data: bytes, changes: Sequence[tuple[int, bytes]]) -> bytes:
    for at, new in changes:
        place = at % (len(data) + 1)
        data = data[:place] + new + data[place + len(new) :]
    return data


def cursors(given: Sequence[str]) -> SearchStrategy[str]:
    """Cursors, including forged ones: the keys of a real cursor replaced by others of any type."""
    lists = st.sampled_from(given).map(lambda text: json.loads(bytes.fromhex(text)))
    forged = lists.flatmap(lambda keys: st.tuples(st.just(keys[0]), *map(_similar_key, keys[1:])))
    written = (forged | forged | st.lists(scalars, max_size=4)).map(
        lambda keys: json.dumps(keys).encode().hex()
    )
    return st.one_of(written, written, mutated(given, bytes.fromhex, bytes.hex))


def _similar_key(key: object) -> SearchStrategy[Any]:
    numbered = st.integers(-(2**63), 2**63 - 1)
    kind = numbered if isinstance(key, int) else dates.map(lambda date: date.rstrip("Z")) | slugs
    return st.one_of(
        st.just(key), *[kind] * 4, st.text(max_size=20), numbered, st.sampled_from([None, 1.5, 2**63])
    )


def cursor_list_id(cursor: str) -> str:
    """Return the field that a cursor belongs to, or an empty string if it is invalid."""
    try:
        return str(json.loads(bytes.fromhex(cursor))[0]).split()[0].split(".")[-1]
    except (ValueError, LookupError, TypeError):
        return ""


def ids(given: Sequence[str]) -> SearchStrategy[str]:
    named = st.builds(
        lambda kind, name: f"{kind}:{name}",
        st.sampled_from(["Article", "Topic", "Provider", "Story", ""]),
        slugs,
    )
    made = named.map(lambda text: base64.b64encode(text.encode()).decode())
    return made | mutated(given, base64.b64decode, lambda data: base64.b64encode(data).decode())


def versions(given: Sequence[str]) -> SearchStrategy[str]:
    """Versions of an editor, and version numbers in the future."""
    numbered = st.builds(
        lambda text, number: f"{text.rsplit('-', 1)[0]}-{number}",
        st.sampled_from(given),
        numbers | st.integers(0, 20),
    )
    return numbered | mutated(given, str.encode, lambda data: data.decode(errors="replace"))


class Fitting:
    """Values that mostly fit an input type of the schema. `texts` are strategies by argument name."""

    def __init__(self, texts: dict[str, SearchStrategy[str]]) -> None:
        self._texts = texts
        self._made: dict[str, SearchStrategy[Any]] = {}

    def of(self, type_: GraphQLInputType, name: str = "") -> SearchStrategy[Any]:
        """Return a strategy for a type. One value in ten is arbitrary."""
        key = f"{name}: {type_}"
        if key not in self._made:
            self._made[key] = st.deferred(lambda: self._made[f"{key}, made"])
            fitting = self._make(type_, name)
            self._made[f"{key}, made"] = st.one_of(*[fitting] * 9, anything)
        return self._made[key]

    def _make(self, type_: Any, name: str) -> SearchStrategy[Any]:
        if is_non_null_type(type_):
            return self._make(type_.of_type, name)
        if is_list_type(type_):
            return st.lists(self.of(type_.of_type, name), max_size=5)
        if is_enum_type(type_):
            return st.sampled_from(sorted(type_.values))
        if is_input_object_type(type_):
            fields = {key: self.of(field.type, key) for key, field in type_.fields.items()}
            return st.fixed_dictionaries({}, optional=fields).map(lambda given: dict(list(given.items())[:4]))
        return self._texts[name] if name in self._texts else self._scalar(type_.name)

    def _scalar(self, name: str) -> SearchStrategy[Any]:
        of_type: dict[str, SearchStrategy[Any]] = {
            "Int": numbers,
            "Float": st.floats(allow_nan=False),
            "Boolean": st.booleans(),
            "DateTime": dates,
            "Duration": durations,
            "URL": urls,
            "ID": self._texts["id"],
        }
        return of_type.get(name, slugs | searches)
