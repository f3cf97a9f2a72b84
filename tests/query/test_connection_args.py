"""Arguments of connections: page sizes, orders, and the names of orders in cursors."""

from enum import Enum
from typing import Any

import pytest

from gqlnews.errors import RequestError
from gqlnews.query.connection_args import (
    NULL_HIGH,
    NULL_LOW,
    ConnectionArguments,
    ConnectionShape,
    page_size,
    read_order,
)
from gqlnews.query.entities import OrderTerm

NEWEST = (OrderTerm("published_at", descending=True), OrderTerm("slug"))
KNOWN = {
    "PUBLISHED": OrderTerm("published_at"),
    "QUALITY": OrderTerm("quality", missing=NULL_LOW, numeric=True),
}
READ = ConnectionArguments("Query.articles", NEWEST, order_terms=KNOWN)


class Word(Enum):
    """GraphQL enum values as they arrive: members identified by name."""

    PUBLISHED = 1
    QUALITY = 2
    ASC = 3
    DESC = 4
    FIRST = 5
    LAST = 6


def by(field: Word, direction: Word = Word.DESC, nulls: Word = Word.LAST) -> dict[str, Any]:
    return {"field": field, "direction": direction, "nulls": nulls}


@pytest.mark.parametrize(
    ("first", "last", "size", "backward"),
    [
        (None, None, 20, False),
        (0, None, 0, False),
        (100, None, 100, False),
        (None, 0, 0, True),
        (None, 7, 7, True),
    ],
)
def test_page_size(first: int | None, last: int | None, size: int, backward: bool) -> None:
    assert page_size(first, last) == (size, backward)


@pytest.mark.parametrize(
    ("first", "last"), [(1, 1), (0, 0), (-1, None), (101, None), (None, -1), (None, 101)]
)
def test_invalid_page_sizes_are_rejected(first: int | None, last: int | None) -> None:
    with pytest.raises(RequestError) as refused:
        page_size(first, last)
    assert refused.value.code == "BAD_PAGE"


@pytest.mark.parametrize(
    ("direction", "nulls", "missing"),
    [
        (Word.DESC, Word.LAST, NULL_LOW),
        (Word.DESC, Word.FIRST, NULL_HIGH),
        (Word.ASC, Word.LAST, NULL_HIGH),
        (Word.ASC, Word.FIRST, NULL_LOW),
    ],
)
def test_nulls_order_is_independent_of_direction(direction: Word, nulls: Word, missing: int) -> None:
    (term, last) = read_order([by(Word.QUALITY, direction, nulls)], KNOWN, NEWEST)
    assert term == OrderTerm("quality", direction is Word.DESC, missing, numeric=True)
    assert last == OrderTerm("slug")


@pytest.mark.parametrize(
    "given", [None, [], [by(Word.PUBLISHED)], [by(Word.PUBLISHED), by(Word.PUBLISHED, Word.ASC)]]
)
def test_equal_orders_share_a_cursor_scope(given: list[dict[str, Any]] | None) -> None:
    inputs = READ({"orderBy": given})
    assert isinstance(inputs.shape, ConnectionShape)
    assert inputs.shape.order == NEWEST
    assert inputs.values["list_id"] == "Query.articles"


def test_each_other_order_has_its_own_cursor_scope() -> None:
    orders = [
        [by(Word.PUBLISHED)],
        [by(Word.PUBLISHED, Word.ASC)],
        [by(Word.QUALITY)],
        [by(Word.QUALITY, nulls=Word.FIRST)],
        [by(Word.QUALITY, Word.ASC)],
        [by(Word.QUALITY), by(Word.PUBLISHED)],
        [by(Word.PUBLISHED), by(Word.QUALITY)],
    ]
    assert len({READ({"orderBy": order}).values["list_id"] for order in orders}) == len(orders)
