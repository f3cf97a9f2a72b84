"""Compile: a rendered statement to SQL text and what is bound to it, in order.

The common table expressions are compiled one by one and put together here: however deep the request, the
compiler sees nothing deeper than one of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from gqlnews.plan.nodes import RefusedError
from gqlnews.plan.render import Rendered
from gqlnews.plan.render.context import AnySelect

PLACE_BYTES = 200

_DIALECT = SQLiteDialect(paramstyle="qmark")


@dataclass(frozen=True, slots=True)
class Bound:
    """What a `?` stands for: a value of the request, by name, or a constant of the compiler's."""

    name: str
    constant: object


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL text, what its `?` stand for, and the refusals that it can give instead of an answer."""

    sql: str
    places: tuple[Bound, ...]
    refusals: tuple[RefusedError, ...] = ()

    @property
    def size(self) -> int:
        """Bytes, about."""
        return len(self.sql) + PLACE_BYTES * (1 + len(self.places))

    def bind(self, values: Mapping[str, object]) -> tuple[object, ...]:
        return tuple(values.get(place.name, place.constant) for place in self.places)


def compile_statement(rendered: Rendered) -> Statement:
    """`WITH RECURSIVE p1 AS MATERIALIZED (…), k2 AS MATERIALIZED (…) SELECT …`"""
    parts = [(name, *_compiled(query)) for name, query in rendered.expressions.items()]
    sql, places = _compiled(rendered.query)
    if parts:
        expressions = ",\n".join(f"{name} AS MATERIALIZED ({text})" for name, text, _ in parts)
        sql = f"WITH RECURSIVE {expressions}\n{sql}"
    bound = (*(place for _, _, some in parts for place in some), *places)
    return Statement(sql, bound, rendered.refusals)


def _compiled(query: AnySelect) -> tuple[str, tuple[Bound, ...]]:
    compiled = query.compile(dialect=_DIALECT)
    # The compiler adds places of its own, such as an OFFSET of 0; those alone have a value already.
    return str(compiled), tuple(Bound(name, compiled.params[name]) for name in compiled.positiontup or ())
