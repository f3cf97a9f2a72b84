"""Arguments: sizes of pages and slices, and what is refused."""

import pytest

from gqlnews.errors import RequestError
from gqlnews.plan.arguments import NO_END, page_size, read_slice


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
def test_the_size_of_a_page(first: int | None, last: int | None, size: int, backward: bool) -> None:
    assert page_size(first, last) == (size, backward)


@pytest.mark.parametrize(
    ("first", "last"), [(1, 1), (0, 0), (-1, None), (101, None), (None, -1), (None, 101)]
)
def test_a_page_that_is_refused(first: int | None, last: int | None) -> None:
    with pytest.raises(RequestError) as refused:
        page_size(first, last)
    assert refused.value.code == "BAD_PAGE"


@pytest.mark.parametrize(
    ("arguments", "default", "start", "end"),
    [
        ({}, None, 0, NO_END),
        ({"first": None, "offset": None}, None, 0, NO_END),
        ({"first": None}, 100, 0, 100),
        ({"first": 0}, 100, 0, 0),
        ({"first": 3, "offset": 2}, None, 2, 5),
        ({"offset": 2}, None, 2, NO_END),
        ({"first": 2**31 - 1, "offset": 2**31 - 1}, None, 2**31 - 1, 2**32 - 2),
    ],
)
def test_the_ends_of_a_slice(
    arguments: dict[str, int | None], default: int | None, start: int, end: int
) -> None:
    assert read_slice(arguments, default=default).values == {"start": start, "end": end}


@pytest.mark.parametrize("arguments", [{"first": -1}, {"offset": -1}, {"first": 1, "offset": -3}])
def test_a_slice_that_is_refused(arguments: dict[str, int | None]) -> None:
    with pytest.raises(RequestError, match="give 0 or more") as refused:
        read_slice(arguments, default=None)
    assert refused.value.code == "BAD_PAGE"
