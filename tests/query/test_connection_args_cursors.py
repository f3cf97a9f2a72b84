"""Cursors: decoding, and rejected values."""

import json

import pytest

from gqlnews.errors import RequestError
from gqlnews.query.connection_args import decode_cursor
from gqlnews.query.entities import OrderTerm

NEWEST = (OrderTerm("published_at", descending=True), OrderTerm("slug"))
BEST = (OrderTerm("score", numeric=True), OrderTerm("slug"))


def made(*values: object) -> str:
    return json.dumps(values).encode().hex()


def test_a_cursor_decodes_to_its_keys() -> None:
    cursor = made("Query.articles", "2021", "a")
    assert decode_cursor(cursor, "Query.articles", NEWEST, argument="after") == ["2021", "a"]


@pytest.mark.parametrize("number", [0, -(2**63), 2**63 - 1])
def test_an_integer_key_may_be_any_64_bit_integer(number: int) -> None:
    assert decode_cursor(made("S", number, "a"), "S", BEST, argument="after") == [number, "a"]


@pytest.mark.parametrize("key", ["7", 7.0, True, None, 2**63, -(2**63) - 1, 10**4000])
def test_a_key_of_another_type_is_rejected(key: object) -> None:
    with pytest.raises(RequestError):
        decode_cursor(made("S", key, "a"), "S", BEST, argument="after")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "garbage!!",
        "abc",  # half a byte
        "AB",  # not in the original spelling
        "7b 7d",
        b"\xff\xfe".hex(),
        b"{}".hex(),
        b"[]".hex(),
        b"null".hex(),
        b"[".hex() * 5_000,  # deep
        made("Query.articles", "2021"),  # too few keys
        made("Query.articles", "2021", "a", "b"),
        made("Query.articles", 2021, "a"),
        made("Query.articles", None, "a"),
        made("Query.articles", "\ud800", "a"),  # half a character
        made("Topic.articles", "2021", "a"),  # of another list
        made(["Query.articles"], "2021", "a"),
    ],
)
def test_invalid_cursors_are_rejected(cursor: str) -> None:
    with pytest.raises(RequestError, match="`before`") as refused:
        decode_cursor(cursor, "Query.articles", NEWEST, argument="before")
    assert refused.value.code == "BAD_CURSOR"
