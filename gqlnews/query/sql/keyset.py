"""Keyset pagination: the sort keys of a row, and the predicate for rows after or before a position."""

from collections.abc import Callable, Sequence

from sqlalchemy import ColumnElement, and_, func, literal_column, or_

from gqlnews.query.fields import LEAST, DecayedScore, OrderTerm
from gqlnews.query.sql.context import Expression

ByName = Callable[[str], Expression]
Terms = Sequence[OrderTerm]


def keys_of(terms: Terms, column: ByName, bound: ByName) -> list[Expression]:
    """Return the non-null sort keys of a row. `bound` returns a bound parameter by name."""
    return [_key(term, column, bound) for term in terms]


def _key(term: OrderTerm, column: ByName, bound: ByName) -> Expression:
    if isinstance(term, DecayedScore):
        score = column(term.column) + column(term.moment).op("/")(bound(term.life))
        return func.ifnull(score, literal_column(repr(LEAST)))
    value = column(term.column)
    return value if term.missing is None else func.ifnull(value, literal_column(str(term.missing)))


def beyond(
    terms: Terms, row: Sequence[Expression], place: Sequence[Expression], *, backward: bool = False
) -> ColumnElement[bool]:
    """Predicate for rows strictly after `place`, or strictly before it if `backward`.

    t2.published_at <= :k0 AND (t2.published_at < :k0 OR t2.slug > :k1). The redundant first comparison is the
    one that SQLite can use for an index seek.
    """
    condition = _strictly(terms, row, place, backward)
    if len(terms) == 1:
        return condition
    down = terms[0].descending is not backward
    return and_(row[0] <= place[0] if down else row[0] >= place[0], condition)


def _strictly(
    terms: Terms, row: Sequence[Expression], place: Sequence[Expression], backward: bool
) -> ColumnElement[bool]:
    past = row[0] < place[0] if terms[0].descending is not backward else row[0] > place[0]
    if len(terms) == 1:
        return past
    return or_(past, and_(row[0] == place[0], _strictly(terms[1:], row[1:], place[1:], backward)))


def ordering(terms: Terms, row: Sequence[Expression], *, backward: bool = False) -> list[Expression]:
    return [
        key.desc() if term.descending is not backward else key for term, key in zip(terms, row, strict=True)
    ]
