"""Hints about the arguments of a request: a filter that has an object's name in place of its key.

1. `bind_hints` collects the keys in the filters of a prepared operation, and binds them to one statement.
2. The statement runs in the batch of the request, and finds the objects that the audience may see.
3. `BoundHints.read` turns its result into hints.

Without a request for hints, nothing of this runs.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from graphql import GraphQLError, VariableValues, get_argument_values

from gqlnews.query.entities import Audience, NamedObjects
from gqlnews.query.filters import FilterFields
from gqlnews.query.prepared import SqlCall
from gqlnews.query.sql import Rendered
from gqlnews.query.sql.compile import Statement, compile_statement
from gqlnews.query.sql.dialect import Dialect
from gqlnews.query.sql.hints import render_key_lookup
from gqlnews.query.sql.sqlite import SQLITE
from gqlnews.query.tree import OperationPlan

MAX_LOOKED_UP = 20  # that are looked up for one request: each is compared with the names of all objects
MAX_NAME_LENGTH = 200
MAX_SUGGESTIONS = 5  # of one hint
_KEY_OPERATORS = ("eq", "ne", "in", "notIn", "under", "any", "all", "none")

Hint = dict[str, object]
"""A hint as it is sent: `message`, `path`, `field`, `value` and `suggestions`."""


@dataclass(frozen=True, slots=True)
class _UsedKey:
    """A value that a filter compares with keys: the path of the list, the field of the filter, the value."""

    path: tuple[str, ...]
    field: str
    kind: NamedObjects
    value: str


@dataclass(frozen=True, slots=True)
class BoundHints:
    """The statement that finds hints, None if the request has nothing to look up."""

    statement: SqlCall | None
    _used: tuple[_UsedKey, ...]

    def read(self, result: bytes | None) -> list[Hint]:
        """Return the hints for the result of the statement, in the order of the filters."""
        keys: dict[int, list[str]] = {}
        for number, key in orjson.loads(result or b"[]"):
            keys.setdefault(number, []).append(key)
        return [_hint(self._used[number], keys[number][:MAX_SUGGESTIONS]) for number in sorted(keys)]


def _hint(used: _UsedKey, keys: list[str]) -> Hint:
    noun, key_name = used.kind.noun, used.kind.entity.key
    advice = " or ".join(f"`{key}`" for key in keys)
    return {
        "message": f"`{used.value}` is the name of {noun}, not its {key_name}: use {advice}.",
        "path": list(used.path),
        "field": used.field,
        "value": used.value,
        "suggestions": keys,
    }


def bind_hints(
    plan: OperationPlan, variables: VariableValues, audience: Audience, dialect: Dialect = SQLITE
) -> BoundHints:
    """Bind the keys in the filters of an operation whose arguments are valid."""
    distinct = dict.fromkeys(_used_keys(plan, variables))
    used = tuple(key for key in distinct if _is_looked_up(key.value))[:MAX_LOOKED_UP]
    if not used:
        return BoundHints(None, ())
    kinds = tuple(dict.fromkeys(key.kind for key in used))
    values = {
        f"lookup{index}": json.dumps(
            [
                (number, key.value, kind.to_key(key.value) if kind.to_key else None)
                for number, key in enumerate(used)
                if key.kind == kind
            ]
        )
        for index, kind in enumerate(kinds)
    }
    statement = _statement(kinds, audience, dialect)
    return BoundHints((statement.sql, statement.bind(values)), used)


def _is_looked_up(value: str) -> bool:
    """Return whether a value may be a name. SQLite truncates JSON strings at a NUL."""
    return 0 < len(value) <= MAX_NAME_LENGTH and "\0" not in value


@lru_cache(64)
def _statement(kinds: tuple[NamedObjects, ...], audience: Audience, dialect: Dialect) -> Statement:
    return compile_statement(Rendered({}, render_key_lookup(kinds, audience, dialect), ()), dialect)


def _used_keys(plan: OperationPlan, variables: VariableValues) -> Iterator[_UsedKey]:
    for root in plan.roots.values():
        for field in root.argument_fields:
            filter_fields: FilterFields = getattr(
                getattr(field.declaration, "arguments", None), "filter_fields", {}
            )
            try:
                where = get_argument_values(field.definition, field.node, variables).get("where")
            except GraphQLError:  # reported as an error of the field
                continue
            if filter_fields and where:
                yield from _keys_in(where, filter_fields, field.path)


def _keys_in(where: Mapping[str, Any], fields: FilterFields, path: tuple[str, ...]) -> Iterator[_UsedKey]:
    for name, value in where.items():
        if value is None:
            continue
        if name == "not":
            yield from _keys_in(value, fields, path)
        elif name in ("and", "or"):
            for part in value:
                yield from _keys_in(part, fields, path)
        elif (kind := fields[name].refers_to) is not None:
            operands = (value[operator] for operator in _KEY_OPERATORS if value.get(operator) is not None)
            for operand in operands:
                for key in [operand] if isinstance(operand, str) else operand:
                    yield _UsedKey(path, name, kind, key)
