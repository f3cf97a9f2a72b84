"""Render filter predicates to SQL."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    table,
    true,
)

from gqlnews.query.audience import Audience
from gqlnews.query.predicates import All, AnyOf, Comparison, Condition, Not, Operator
from gqlnews.query.sql.context import Expression
from gqlnews.query.sql.keyset import ByName

FOLDED = "_folded"  # suffix of the casefolded column, filled where SQLite's lower() is not enough


def render_condition(
    condition: Condition, column: ByName, bound: ByName, audience: Audience
) -> ColumnElement[bool]:
    """Render a predicate. `column` returns a column of the row, `bound` a bound parameter by name."""
    match condition:
        case All(parts):
            return and_(true(), *(render_condition(part, column, bound, audience) for part in parts))
        case AnyOf(parts):
            return or_(false(), *(render_condition(part, column, bound, audience) for part in parts))
        case Not(test):
            # A comparison with NULL is NULL in SQL; `not` has to be true for it.
            return not_(func.ifnull(_test(test, column, bound, audience), literal_column("0")))
        case Comparison():
            return _test(condition, column, bound, audience)


def _test(test: Comparison, column: ByName, bound: ByName, audience: Audience) -> ColumnElement[bool]:
    match test.operator:
        case Operator.MISSING:
            return column(test.column).is_(None)
        case Operator.MATCHES:
            return _matches(test, column, bound, audience)
        case Operator.CONTAINS:
            return _contains(test.column, column, bound(test.value))
        case operator:
            return _TESTS[operator](column(test.column), bound(test.value))


def _matches(test: Comparison, column: ByName, bound: ByName, audience: Audience) -> ColumnElement[bool]:
    """Full-text predicate: +t1.id IN (SELECT rowid FROM search_public WHERE search_public MATCH ?)

    The unary plus keeps SQLite from looking up every match by id, so the other conditions choose the index.
    """
    index = index_of(test.column, audience)
    found: Select[Any] = select(literal_column("rowid")).select_from(table(index))
    found = found.where(matching(index, bound(test.value)))
    return literal_column(f"+{column('id')}").in_(found)


def matching(index: str, expression: Expression) -> ColumnElement[bool]:
    return literal_column(index).op("MATCH")(expression)


def index_of(index: str, audience: Audience) -> str:
    """Return the name of the full-text index over the rows that the audience can see."""
    return f"{index}_{'all' if audience.scope else 'public'}"


def _contains(name: str, column: ByName, value: Expression) -> ColumnElement[bool]:
    text = func.ifnull(column(f"{name}{FOLDED}"), func.lower(column(name)))
    return func.instr(text, value) > literal_column("0")


def _among(value: Expression, values: Expression) -> ColumnElement[bool]:
    return value.in_(select(literal_column("value")).select_from(func.json_each(values)))


_TESTS: dict[Operator, Callable[[Expression, Expression], ColumnElement[bool]]] = {
    Operator.EQUAL: lambda column, value: column == value,
    Operator.UNEQUAL: lambda column, value: column.is_distinct_from(value),
    Operator.AMONG: _among,
    Operator.LESS: lambda column, value: column < value,
    Operator.AT_MOST: lambda column, value: column <= value,
    Operator.MORE: lambda column, value: column > value,
    Operator.AT_LEAST: lambda column, value: column >= value,
    Operator.HAS: lambda column, value: func.instr(column, value) > literal_column("0"),
}
