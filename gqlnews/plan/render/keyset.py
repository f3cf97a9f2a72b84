"""Keysets: the keys of a row in a total order, and which rows stand after, or before, a given place."""

from collections.abc import Callable, Sequence

from sqlalchemy import ColumnElement, and_, func, literal_column, or_

from gqlnews.plan.declare import LEAST, Decay, OrderTerm
from gqlnews.plan.render.context import Expression

ByName = Callable[[str], Expression]
Terms = Sequence[OrderTerm]


def keys_of(terms: Terms, column: ByName, bound: ByName) -> list[Expression]:
    """What a row is ordered by: no key is null. `bound` gives what the request binds by a name."""
    return [_key(term, column, bound) for term in terms]


def _key(term: OrderTerm, column: ByName, bound: ByName) -> Expression:
    if isinstance(term, Decay):
        score = column(term.column) + column(term.moment).op("/")(bound(term.life))
        return func.ifnull(score, literal_column(repr(LEAST)))
    value = column(term.column)
    return value if term.missing is None else func.ifnull(value, literal_column(str(term.missing)))


def beyond(
    terms: Terms, row: Sequence[Expression], place: Sequence[Expression], *, backward: bool = False
) -> ColumnElement[bool]:
    """Rows strictly after `place`, or strictly before it.

    t2.published_at <= :k0 AND (t2.published_at < :k0 OR t2.slug > :k1): the first comparison alone is what an
    index can seek by.
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
