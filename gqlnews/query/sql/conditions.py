"""Render filter predicates, sort keys and keyset pagination to SQL."""

from collections.abc import Callable, Sequence
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

from gqlnews.query.fields import MIN_SCORE, Audience, DecayedScore, OrderTerm
from gqlnews.query.predicates import All, AnyOf, Comparison, Condition, Not, Operator
from gqlnews.query.sql.rows import Expression

# Keyset pagination.

ByName = Callable[[str], Expression]
Terms = Sequence[OrderTerm]


def sort_keys(terms: Terms, column: ByName, bound: ByName) -> list[Expression]:
    """Return the non-null sort keys of a row. `bound` returns a bound parameter by name."""
    return [_key(term, column, bound) for term in terms]


def _key(term: OrderTerm, column: ByName, bound: ByName) -> Expression:
    if isinstance(term, DecayedScore):
        score = column(term.column) + column(term.time_column).op("/")(bound(term.half_life))
        return func.ifnull(score, literal_column(repr(MIN_SCORE)))
    value = column(term.column)
    return value if term.missing is None else func.ifnull(value, literal_column(str(term.missing)))


def after_cursor(
    terms: Terms, row: Sequence[Expression], position: Sequence[Expression], *, backward: bool = False
) -> ColumnElement[bool]:
    """Predicate for rows strictly after `position`, or strictly before it if `backward`.

    t2.published_at <= :k0 AND (t2.published_at < :k0 OR t2.slug > :k1). The redundant first comparison is the
    one that SQLite can use for an index seek.
    """
    condition = _strictly_after(terms, row, position, backward)
    if len(terms) == 1:
        return condition
    down = terms[0].descending is not backward
    return and_(row[0] <= position[0] if down else row[0] >= position[0], condition)


def _strictly_after(
    terms: Terms, row: Sequence[Expression], position: Sequence[Expression], backward: bool
) -> ColumnElement[bool]:
    past = row[0] < position[0] if terms[0].descending is not backward else row[0] > position[0]
    if len(terms) == 1:
        return past
    return or_(past, and_(row[0] == position[0], _strictly_after(terms[1:], row[1:], position[1:], backward)))


def ordering(terms: Terms, row: Sequence[Expression], *, backward: bool = False) -> list[Expression]:
    return [
        key.desc() if term.descending is not backward else key for term, key in zip(terms, row, strict=True)
    ]


# Filter predicates.

FOLDED_SUFFIX = "_folded"  # of the casefolded column, filled where SQLite's lower() is not enough


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
        case Operator.IS_NULL:
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
    index = index_name(test.column, audience)
    matches: Select[Any] = select(literal_column("rowid")).select_from(table(index))
    matches = matches.where(matching(index, bound(test.value)))
    return literal_column(f"+{column('id')}").in_(matches)


def matching(index: str, expression: Expression) -> ColumnElement[bool]:
    return literal_column(index).op("MATCH")(expression)


def index_name(index: str, audience: Audience) -> str:
    """Return the name of the full-text index over the rows that the audience can see."""
    return f"{index}_{'all' if audience.scope else 'public'}"


def _contains(name: str, column: ByName, value: Expression) -> ColumnElement[bool]:
    text = func.ifnull(column(f"{name}{FOLDED_SUFFIX}"), func.lower(column(name)))
    return func.instr(text, value) > literal_column("0")


def _in(value: Expression, values: Expression) -> ColumnElement[bool]:
    return value.in_(select(literal_column("value")).select_from(func.json_each(values)))


_TESTS: dict[Operator, Callable[[Expression, Expression], ColumnElement[bool]]] = {
    Operator.EQ: lambda column, value: column == value,
    Operator.NE: lambda column, value: column.is_distinct_from(value),
    Operator.IN: _in,
    Operator.LT: lambda column, value: column < value,
    Operator.LTE: lambda column, value: column <= value,
    Operator.GT: lambda column, value: column > value,
    Operator.GTE: lambda column, value: column >= value,
    Operator.CONTAINS_ITEM: lambda column, value: func.instr(column, value) > literal_column("0"),
}
