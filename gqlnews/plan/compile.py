"""Compile: a rendered SELECT to SQL text and the names of its bound values, in order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

_DIALECT = SQLiteDialect(paramstyle="qmark")


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL text with `?` places, and what is bound to each: a value of the request by name, or a constant."""

    sql: str
    names: tuple[str, ...]
    constants: Mapping[str, object]

    def bind(self, values: Mapping[str, object]) -> tuple[object, ...]:
        return tuple(values[name] if name in values else self.constants[name] for name in self.names)


def compile_statement(query: Select[Any]) -> Statement:
    compiled = query.compile(dialect=_DIALECT)
    names = tuple(compiled.positiontup or ())
    # The compiler adds places of its own, such as an OFFSET of 0; those alone have a value already.
    constants = {name: value for name, value in compiled.params.items() if value is not None}
    return Statement(str(compiled), names, constants)
