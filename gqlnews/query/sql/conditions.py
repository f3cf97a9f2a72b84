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

from gqlnews.query.conditions import All, AnyOf, Comparison, Condition, Not, Operator
from gqlnews.query.entities import HIGH_TEXT, MIN_SCORE, Audience, DecayedScore, Entity, OrderTerm
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
    if term.missing is None:
        return value
    missing = f"x'{HIGH_TEXT.hex()}'" if term.is_high_text else str(term.missing)
    return func.ifnull(value, literal_column(missing))


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
    condition: Condition, entity: Entity, column: GetExpression, bound: GetExpression, audience: Audience
) -> ColumnElement[bool]:
    """Render a condition on a row of `entity`."""

    def render(part: Condition) -> ColumnElement[bool]:
        match part:
            case All(parts):
                return and_(true(), *map(render, parts))
            case AnyOf(parts):
                return or_(false(), *map(render, parts))
            case Not(comparison):
                # The SQL comparison with a null column is NULL, and so is its negation, which has to be true.
                return not_(func.ifnull(compare(comparison), literal_column("0")))
            case Comparison():
                return compare(part)

    def compare(comparison: Comparison) -> ColumnElement[bool]:
        name = comparison.column
        match comparison.operator:
            case Operator.IS_NULL:
                return column(name).is_(None)
            case Operator.MATCHES:
                # +t1.id IN (SELECT rowid FROM search_public WHERE search_public MATCH ?)
                # Without the unary plus, SQLite would look up every hit by id, and use no index for the rest.
                index = fts_table(entity, audience)
                hits: Select[Any] = select(literal_column("rowid")).select_from(table(index))
                key: Expression = literal_column(f"+{column(entity.key)}")
                return key.in_(hits.where(fts_match(index, bound(comparison.value))))
            case Operator.CONTAINS:
                text = func.ifnull(column(f"{name}{entity.casefold_suffix}"), func.lower(column(name)))
                return func.instr(text, bound(comparison.value)) > literal_column("0")
            case operator:
                return _OPERATORS[operator](column(name), bound(comparison.value))

    return render(condition)


def fts_match(index: str, expression: Expression) -> ColumnElement[bool]:
    """Render FTS5's MATCH operator."""
    return literal_column(index).op("MATCH")(expression)


def fts_table(entity: Entity, audience: Audience) -> str:
    """Return the name of the full-text index of the rows that the audience can see."""
    assert entity.full_text is not None, f"{entity.table} declares no full-text index"
    return entity.full_text.tables[audience.scope]


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
