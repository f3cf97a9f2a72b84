"""Filters: rejected values, and the bounds of ranges. The oracle tests what they match."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gqlnews.errors import RequestError
from gqlnews.query import conditions
from gqlnews.query.conditions import All, AnyOf, Not, Operator
from gqlnews.query.filters import (
    MAX_CHARACTERS,
    MAX_DEPTH,
    MAX_PARTS,
    FilterField,
    FilterFieldType,
    FilterParser,
)
from tests.product import Product

MISSING = conditions.Comparison("title", Operator.IS_NULL)
OPERANDS = {
    "title": FilterField("title", FilterFieldType.TEXT),
    "heat": FilterField("heat", FilterFieldType.INTEGER),
    "when": FilterField("published_at", FilterFieldType.INSTANT),
    "topic": FilterField("topic_slugs", FilterFieldType.ITEMS),
}


def read(where: dict[str, Any]) -> tuple[Any, dict[str, object]]:
    reader = FilterParser(OPERANDS)
    return reader.parse(where), reader.values


@pytest.mark.parametrize(
    ("where", "condition"),
    [
        ({}, All()),
        ({"title": None, "and": None, "not": None}, All()),
        ({"title": {"eq": None}}, All()),
        ({"or": []}, AnyOf()),
        ({"not": {}}, AnyOf()),
        ({"topic": {"any": []}}, AnyOf()),
        ({"topic": {"none": []}}, All()),
        ({"title": {"isNull": True}}, MISSING),
        ({"title": {"isNull": False}}, Not(MISSING)),
        ({"not": {"title": {"isNull": False}}}, MISSING),
    ],
)
def test_null_and_empty_filters(where: dict[str, Any], condition: All) -> None:
    assert read(where) == (condition, {})


def deep(depth: int) -> dict[str, Any]:
    return {"not": deep(depth - 1)} if depth > 1 else {}


@pytest.mark.parametrize(
    "where",
    [
        {"title": {"eq": "x" * (MAX_CHARACTERS + 1)}},
        {"or": [{"title": {"contains": "x" * 1_000}}] * 51},
        {"title": {"in": ["x" * 100] * 500}},
    ],
    ids=["one text", "one text in many tests", "a set"],
)
def test_the_total_text_length_is_limited(where: dict[str, Any]) -> None:
    """Each test copies its text, which the request contains only once."""
    with pytest.raises(RequestError, match="texts") as refused:
        read(where)
    assert refused.value.code == "TOO_WIDE"


def test_filter_depth_is_limited() -> None:
    read(deep(MAX_DEPTH))
    with pytest.raises(RequestError, match="use fewer levels") as refused:
        read(deep(MAX_DEPTH + 1))
    assert refused.value.code == "TOO_DEEP"


@pytest.mark.parametrize(
    "many",
    [
        lambda count: {"or": [{}] * count},
        lambda count: {"topic": {"all": ["x"] * count}},
        lambda count: {"and": [{"heat": {"gt": 1}}] * (count // 2)},
    ],
)
def test_the_number_of_filter_parts_is_limited(many: Any) -> None:
    read(many(MAX_PARTS - 1))
    with pytest.raises(RequestError, match="more than 200 parts") as refused:
        read(many(MAX_PARTS + 1))
    assert refused.value.code == "TOO_WIDE"


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ({"when": {"gt": "yesterday"}}, "BAD_DATE"),
        ({"when": {"eq": "2021-02-30"}}, "BAD_DATE"),
        ({"when": {"withinLast": "2 days"}}, "BAD_DURATION"),
        ({"or": [{"not": {"when": {"lte": ""}}}]}, "BAD_DATE"),
    ],
)
def test_invalid_dates_and_durations_are_rejected(where: dict[str, Any], code: str) -> None:
    with pytest.raises(RequestError, match="pass one such as") as refused:
        read(where)
    assert refused.value.code == code


TEXTS = st.text(st.characters(codec="utf-8"), max_size=4)


@given(prefix=TEXTS, text=TEXTS, rest=TEXTS)
def test_a_prefix_range_contains_exactly_the_texts_with_the_prefix(prefix: str, text: str, rest: str) -> None:
    """Ordered by UTF-8 bytes, as SQLite compares texts."""
    _, values = read({"title": {"startsWith": prefix}})
    low, high = values.values()
    assert isinstance(low, str)
    past_all = isinstance(high, bytes)
    for one in (text, prefix + rest):
        inside = low.encode() <= one.encode() and (past_all or one.encode() < str(high).encode())
        assert inside == one.startswith(prefix)


@pytest.mark.parametrize("prefix", ["\ud7ff", "a\U0010ffff", "\U0010ffff\U0010ffff", ""])
def test_the_upper_bound_of_a_prefix_range(prefix: str) -> None:
    high = list(read({"title": {"startsWith": prefix}})[1].values())[1]
    assert high == b"" or str(high).encode() > prefix.encode()


def alternating(depth: int, at: int = 0) -> dict[str, Any]:
    """Alternating levels of `or` and `and`, each beside other tests."""
    if depth == 1:
        return {"title": {"contains": "x", "ne": "y"}, "matches": "z"}
    return {
        "heat": {"gt": at},
        "topic": {"none": ["a"]},
        "or": [{"heat": {"lt": at}}, alternating(depth - 1, at + 1)],
    }


PARTS = "totalCount nodes { slug } edges { cursor } pageInfo { hasNextPage hasPreviousPage }"
NESTED = [
    f"articles(where: $where, collapse: STORY) {{ {PARTS} facets {{ topics {{ count }} }} }}",
    "articles(where: $where, collapse: URL) { facets { topics { topic { slug } } published { count } } }",
    'search(query: "the", where: $where) { totalCount edges { snippet } pageInfo { hasNextPage } }',
    "trending(where: $where, collapse: STORY) { nodes { referencedBy(where: $where) { totalCount } } }",
    "topics { articles(where: $where, orderBy: [{ field: HEAT }]) { totalCount nodes { slug } } }",
]


@pytest.mark.parametrize(
    "where", [deep(MAX_DEPTH), alternating(MAX_DEPTH), {"not": alternating(MAX_DEPTH - 1)}]
)
@pytest.mark.parametrize("root", NESTED)
def test_the_deepest_filter_works_in_every_position(
    examples: Product, root: str, where: dict[str, Any]
) -> None:
    """SQLite's parser stack overflows if expressions nest too deep."""
    examples.data(f"query ($where: ArticleFilter) {{ {root} }}", {"where": where})
