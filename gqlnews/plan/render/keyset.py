"""Keyset conditions: which rows stand after, or before, a given place in a total order."""

from collections.abc import Callable, Sequence

from sqlalchemy import ColumnElement, and_, or_

from gqlnews.plan.declare import OrderTerm
from gqlnews.plan.render.context import Expression

Value = Callable[[int, OrderTerm], Expression]


def beyond(
    terms: Sequence[OrderTerm], row: Value, place: Value, *, backward: bool = False
) -> ColumnElement[bool]:
    """Rows strictly after `place`, or strictly before it.

    t2.published_at <= :k0 AND (t2.published_at < :k0 OR t2.slug > :k1): the first comparison alone is what an
    index can seek by.
    """
    condition = _strictly(terms, 0, row, place, backward)
    if len(terms) == 1:
        return condition
    down = terms[0].descending is not backward
    left, right = row(0, terms[0]), place(0, terms[0])
    return and_(left <= right if down else left >= right, condition)


def _strictly(
    terms: Sequence[OrderTerm], at: int, row: Value, place: Value, backward: bool
) -> ColumnElement[bool]:
    left, right = row(at, terms[at]), place(at, terms[at])
    past = left < right if terms[at].descending is not backward else left > right
    if at == len(terms) - 1:
        return past
    return or_(past, and_(left == right, _strictly(terms, at + 1, row, place, backward)))


def ordering(terms: Sequence[OrderTerm], row: Value, *, backward: bool = False) -> list[Expression]:
    return [
        row(at, term).desc() if term.descending is not backward else row(at, term)
        for at, term in enumerate(terms)
    ]
