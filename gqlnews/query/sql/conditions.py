"""Render filter conditions, sort keys and keyset pagination to SQL."""

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

from gqlnews.columns import FOLDED_SUFFIX
from gqlnews.query.conditions import All, AnyOf, Comparison, Condition, Not, Operator
from gqlnews.query.fields import MIN_SCORE, Audience, DecayedScore, OrderTerm
from gqlnews.query.sql.rows import Expression

# Keyset pagination.

GetExpression = Callable[[str], Expression]
"""Returns a column of the row, or a bound parameter, by its name."""

Terms = Sequence[OrderTerm]


def sort_keys(terms: Terms, column: GetExpression, bound: GetExpression) -> list[Expression]:
    """Return the sort keys of a row, none of which is null."""
    return [_key(term, column, bound) for term in terms]


def _key(term: OrderTerm, column: GetExpression, bound: GetExpression) -> Expression:
    if isinstance(term, DecayedScore):
        score = column(term.column) + column(term.time_column).op("/")(bound(term.half_life))
        return func.ifnull(score, literal_column(repr(MIN_SCORE)))
    value = column(term.column)
    return value if term.missing is None else func.ifnull(value, literal_column(str(term.missing)))


def after_cursor(
    terms: Terms, row: Sequence[Expression], position: Sequence[Expression], *, backward: bool = False
) -> ColumnElement[bool]:
    """Condition for rows strictly after `position`, or strictly before it if `backward`.

    t2.published_at <= :k0 AND (t2.published_at < :k0 OR t2.published_at = :k0 AND t2.slug > :k1)

    The first comparison is redundant, but the only one that SQLite can use for an index seek.
    """
    condition = _strictly_after(terms, row, position, backward)
    if len(terms) == 1:
        return condition
    descending = terms[0].descending is not backward
    return and_(row[0] <= position[0] if descending else row[0] >= position[0], condition)


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


# Filter conditions.


def render_condition(
    condition: Condition, column: GetExpression, bound: GetExpression, audience: Audience
) -> ColumnElement[bool]:
    """Render a condition on a row."""
    match condition:
        case All(parts):
            return and_(true(), *(render_condition(part, column, bound, audience) for part in parts))
        case AnyOf(parts):
            return or_(false(), *(render_condition(part, column, bound, audience) for part in parts))
        case Not(comparison):
            # In SQL, a comparison with a null column is NULL, and so is its negation, which has to be true.
            compared = _render_comparison(comparison, column, bound, audience)
            return not_(func.ifnull(compared, literal_column("0")))
        case Comparison():
            return _render_comparison(condition, column, bound, audience)


def _render_comparison(
    comparison: Comparison, column: GetExpression, bound: GetExpression, audience: Audience
) -> ColumnElement[bool]:
    match comparison.operator:
        case Operator.IS_NULL:
            return column(comparison.column).is_(None)
        case Operator.MATCHES:
            return _is_full_text_hit(comparison, column, bound, audience)
        case Operator.CONTAINS:
            return _contains(comparison.column, column, bound(comparison.value))
        case operator:
            return _OPERATORS[operator](column(comparison.column), bound(comparison.value))


def _is_full_text_hit(
    comparison: Comparison, column: GetExpression, bound: GetExpression, audience: Audience
) -> ColumnElement[bool]:
    """Condition for full-text hits: +t1.id IN (SELECT rowid FROM search_public WHERE search_public MATCH ?)

    The unary plus keeps SQLite from looking up every hit by id, so the other conditions determine the index.
    """
    index = index_name(comparison.column, audience)
    hits: Select[Any] = select(literal_column("rowid")).select_from(table(index))
    hits = hits.where(fts_match(index, bound(comparison.value)))
    return literal_column(f"+{column('id')}").in_(hits)


def fts_match(index: str, expression: Expression) -> ColumnElement[bool]:
    """Render FTS5's MATCH operator."""
    return literal_column(index).op("MATCH")(expression)


def index_name(index: str, audience: Audience) -> str:
    """Return the name of the full-text index over the rows that the audience can see."""
    return f"{index}_{'all' if audience.scope else 'public'}"


def _contains(name: str, column: GetExpression, value: Expression) -> ColumnElement[bool]:
    text = func.ifnull(column(f"{name}{FOLDED_SUFFIX}"), func.lower(column(name)))
    return func.instr(text, value) > literal_column("0")


def _in(value: Expression, values: Expression) -> ColumnElement[bool]:
    return value.in_(select(literal_column("value")).select_from(func.json_each(values)))


_OPERATORS: dict[Operator, Callable[[Expression, Expression], ColumnElement[bool]]] = {
    Operator.EQ: lambda column, value: column == value,
    Operator.NE: lambda column, value: column.is_distinct_from(value),
    Operator.IN: _in,
    Operator.LT: lambda column, value: column < value,
    Operator.LTE: lambda column, value: column <= value,
    Operator.GT: lambda column, value: column > value,
    Operator.GTE: lambda column, value: column >= value,
    Operator.CONTAINS_ITEM: lambda column, value: func.instr(column, value) > literal_column("0"),
}
