"""Cursors: what is read from one, and what is refused."""

import json

import pytest

from gqlnews.errors import RequestError
from gqlnews.plan.cursors import decode_cursor


def made(*values: object) -> str:
    return json.dumps(values).encode().hex()


def test_a_cursor_gives_its_keys() -> None:
    assert decode_cursor(made("Query.articles", "2021", "a"), "Query.articles", 2, argument="after") == [
        "2021",
        "a",
    ]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "garbage!!",
        "abc",  # half a byte
        "AB",  # not as it was given
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
def test_any_other_text_is_refused(cursor: str) -> None:
    with pytest.raises(RequestError, match="`before`") as refused:
        decode_cursor(cursor, "Query.articles", 2, argument="before")
    assert refused.value.code == "BAD_CURSOR"
