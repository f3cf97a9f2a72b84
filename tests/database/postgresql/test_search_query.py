"""Full-text expressions encoded for PostgreSQL."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gqlnews.database.postgresql.postings import MAX_KEY_BYTES, word_hash, word_key
from gqlnews.database.postgresql.search_query import after_prefix, encode
from gqlnews.query.fts_query import to_fts5_query

COLUMNS = ("title", "body")


def word(*tokens: str, **others: Any) -> dict[str, Any]:
    following = {"next": [word_hash(token) for token in tokens[1:]]} if len(tokens) > 1 else {}
    return {"tokens": list(tokens), **following, **others}


@pytest.mark.parametrize(
    ("query", "groups", "excluded"),
    [
        ("fish", [[word("fish")]], []),
        ("Fish Õwl", [[word("fish")], [word("owl")]], []),
        ("fish OR owl", [[word("fish"), word("owl")]], []),
        ('"red kite"', [[word("red", "kite")]], []),
        ("kite-flying", [[word("kite", "flying")]], []),
        ("ma*", [[word("ma", end="mb")]], []),
        ("a-ma*", [[word("a", "ma", end="mb")]], []),
        ("title:owl body:x*", [[word("owl", column=0)], [word("x", column=4, end="y")]], []),
        ("fish -owl -title:x", [[word("fish")]], [word("owl"), word("x", column=0)]),
        ("a OR b c -d", [[word("a"), word("b")], [word("c")]], [word("d")]),
        ("-d", [[word()]], []),
        ("", [[word()]], []),
        ("a (b) AND NOT", [[word("a")], [word("b")], [word("and")], [word("not")]], []),
    ],
)
def test_encode(query: str, groups: list[Any], excluded: list[Any]) -> None:
    expression = to_fts5_query(query, COLUMNS)
    assert json.loads(encode(expression)) == {"groups": groups, "not": excluded, "fts5": expression}


@pytest.mark.parametrize(
    "expression",
    [
        *(
            "",
            "fish",
            '"fish',
            '"a" "b"',
            '"a" OR "b"',
            '("a"',
            '"a" AND',
            '"a" NOT "b"',
            '("a") NOT ("b") NOT ("c")',
        ),
        *('{nothing} : "a"', '"a" + "b"', 'NEAR("a" "b")', '("a" AND "b")', '^"a"', '"a"\n'),
    ],
)
def test_other_expressions_are_rejected(expression: str) -> None:
    with pytest.raises(ValueError, match="full-text expression"):
        encode(expression)


@given(st.text(max_size=60))
@example('"a" OR (b* -"c')
@example("title:*")
def test_every_query_can_be_encoded(query: str) -> None:
    expression = to_fts5_query(query, COLUMNS)
    encoded = json.loads(encode(expression))
    assert encoded["fts5"] == expression
    assert all(encoded["groups"])


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    st.text(st.characters(exclude_categories=["Cs"])),
)
@example("\ud7ff", "a")
@example("a\U0010ffff", "\U0010ffff")
@example("\U0010ffff", "")
def test_the_end_of_a_prefix_is_after_every_word_with_it(prefix: str, rest: str) -> None:
    end = after_prefix(prefix)
    assert prefix <= prefix + rest < end or set(prefix) == {"\U0010ffff"}
    assert not end.startswith(prefix) or set(prefix) == {"\U0010ffff"}


def test_long_words_are_shortened() -> None:
    keys = {word_key(("é" * length).encode()) for length in range(1_199, 1_300)}
    assert len(keys) == 101
    assert max(len(key.encode()) for key in keys) <= MAX_KEY_BYTES


def test_threads_encode_at_the_same_time() -> None:
    with ThreadPoolExecutor(4) as threads:
        encoded = list(threads.map(encode, [f'"word{number}"' for number in range(400)]))
    assert [json.loads(text)["groups"] for text in encoded] == [[[word(f"word{n}")]] for n in range(400)]
