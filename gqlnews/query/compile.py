"""Compile a rendered statement to SQL text and its positional parameters.

Each CTE is compiled on its own and the texts are joined here, so the depth that SQLAlchemy's compiler sees is
that of one CTE, however deep the request is.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from gqlnews.query.sql import Rendered
from gqlnews.query.sql.context import AnySelect
from gqlnews.query.tree import RequestRefusedError

PLACE_BYTES = 200

_DIALECT = SQLiteDialect(paramstyle="qmark")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A positional `?` placeholder: the name of a request value, or a constant set by SQLAlchemy."""

    name: str
    constant: object


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL text, its `?` placeholders in order, and the errors that it can return instead of a result."""

    sql: str
    places: tuple[Placeholder, ...]
    refusals: tuple[RequestRefusedError, ...] = ()

    @property
    def size(self) -> int:
        """Approximate memory use in bytes."""
        return len(self.sql) + PLACE_BYTES * (1 + len(self.places))

    def bind(self, values: Mapping[str, object]) -> tuple[object, ...]:
        return tuple(values.get(place.name, place.constant) for place in self.places)


def compile_statement(rendered: Rendered) -> Statement:
    """Compile to `WITH RECURSIVE p1 AS MATERIALIZED (…), k2 AS MATERIALIZED (…) SELECT …`."""
    parts = [(name, *_compiled(query)) for name, query in rendered.expressions.items()]
    sql, places = _compiled(rendered.query)
    if parts:
        expressions = ",\n".join(f"{name} AS MATERIALIZED ({text})" for name, text, _ in parts)
        sql = f"WITH RECURSIVE {expressions}\n{sql}"
    bound = (*(place for _, _, some in parts for place in some), *places)
    return Statement(sql, bound, rendered.refusals)


def _compiled(query: AnySelect) -> tuple[str, tuple[Placeholder, ...]]:
    compiled = query.compile(dialect=_DIALECT)
    # SQLAlchemy adds parameters of its own, such as an OFFSET of 0; only those already have a value.
    return str(compiled), tuple(
        Placeholder(name, compiled.params[name]) for name in compiled.positiontup or ()
    )
