"""Render filter conditions, sort keys and keyset pagination to SQL."""

from collections.abc import Callable, Sequence

from sqlalchemy import (
    ColumnElement,
    and_,
    false,
    literal_column,
    not_,
    or_,
    true,
)

from gqlnews.query.conditions import All, AnyOf, Comparison, Condition, Not, Operator
from gqlnews.query.entities import MIN_SCORE, DecayedScore, Entity, FullTextIndex, OrderTerm
from gqlnews.query.sql.dialect import INTEGER, TEXT, Dialect, Expression
from gqlnews.query.sql.rows import Context

# Keyset pagination.

GetExpression = Callable[[str], Expression]
"""Returns a column of the row, or a bound parameter, by its name."""

Terms = Sequence[OrderTerm]


def sort_keys(
    terms: Terms, column: GetExpression, bound: GetExpression, dialect: Dialect
) -> list[Expression]:
    """Return the sort keys of a row, none of which is null."""
    return [_key(term, column, bound, dialect) for term in terms]


def _key(term: OrderTerm, column: GetExpression, bound: GetExpression, dialect: Dialect) -> Expression:
    if isinstance(term, DecayedScore):
        score = column(term.column) + column(term.time_column).op("/")(bound(term.half_life))
        return dialect.if_null(score, literal_column(repr(MIN_SCORE)))
    value = column(term.column)
    if term.missing is None:
        return value
    if term.numeric:
        return dialect.if_null(value, literal_column(str(term.missing)))
    return dialect.text_key(value, term)


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
    condition: Condition, entity: Entity, column: GetExpression, bound: GetExpression, context: Context
) -> ColumnElement[bool]:
    """Render a condition on a row of `entity`."""
    dialect, scope = context.dialect, context.audience.scope

    def render(part: Condition) -> ColumnElement[bool]:
        match part:
            case All(parts):
                return and_(true(), *map(render, parts))
            case AnyOf(parts):
                return or_(false(), *map(render, parts))
            case Not(comparison):
                # The SQL comparison with a null column is NULL, and so is its negation, which has to be true.
                return not_(dialect.if_null(compare(comparison), dialect.false()))
            case Comparison():
                return compare(part)

    def compare(comparison: Comparison) -> ColumnElement[bool]:
        name = comparison.column
        match comparison.operator:
            case Operator.IS_NULL:
                return column(name).is_(None)
            case Operator.MATCHES:
                index = full_text_index(entity)
                return dialect.matches(column(entity.key), index, scope, bound(comparison.value))
            case Operator.CONTAINS:
                casefolded = column(f"{name}{entity.casefold_suffix}")
                text = dialect.if_null(casefolded, dialect.lower(column(name)))
                return dialect.position(text, bound(comparison.value)) > literal_column("0")
            case operator:
                return _OPERATORS[operator](column(name), bound(comparison.value), dialect)

    return render(condition)


def full_text_index(entity: Entity) -> FullTextIndex:
    assert entity.full_text is not None, f"{entity.table} declares no full-text index"
    return entity.full_text


_OPERATORS: dict[Operator, Callable[[Expression, Expression, Dialect], ColumnElement[bool]]] = {
    Operator.EQ: lambda column, value, _: column == value,
    Operator.NE: lambda column, value, _: column.is_distinct_from(value),
    Operator.IN: lambda column, value, dialect: dialect.is_item(column, value, TEXT),
    Operator.IN_INTEGERS: lambda column, value, dialect: dialect.is_item(column, value, INTEGER),
    Operator.LT: lambda column, value, _: column < value,
    Operator.LTE: lambda column, value, _: column <= value,
    Operator.GT: lambda column, value, _: column > value,
    Operator.GTE: lambda column, value, _: column >= value,
    Operator.CONTAINS_ITEM: lambda column, value, dialect: (
        dialect.position(column, value) > literal_column("0")
    ),
}
