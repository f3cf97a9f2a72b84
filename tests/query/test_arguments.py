"""Arguments of plain lists: the resulting part, and rejected values."""

import pytest

from gqlnews.errors import RequestError
from gqlnews.query.arguments import UNBOUNDED, read_slice


@pytest.mark.parametrize(
    ("arguments", "default", "start", "end"),
    [
        ({}, None, 0, UNBOUNDED),
        ({"first": None, "offset": None}, None, 0, UNBOUNDED),
        ({"first": None}, 100, 0, 100),
        ({"first": 0}, 100, 0, 0),
        ({"first": 3, "offset": 2}, None, 2, 5),
        ({"offset": 2}, None, 2, UNBOUNDED),
        ({"first": 2**31 - 1, "offset": 2**31 - 1}, None, 2**31 - 1, 2**32 - 2),
    ],
)
def test_slice_bounds(arguments: dict[str, int | None], default: int | None, start: int, end: int) -> None:
    assert read_slice(arguments, default=default).values == {"start": start, "end": end}


@pytest.mark.parametrize("arguments", [{"first": -1}, {"offset": -1}, {"first": 1, "offset": -3}])
def test_negative_slice_arguments_are_rejected(arguments: dict[str, int | None]) -> None:
    with pytest.raises(RequestError, match="pass 0 or more") as refused:
        read_slice(arguments, default=None)
    assert refused.value.code == "BAD_PAGE"
