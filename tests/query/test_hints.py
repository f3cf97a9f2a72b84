"""Hints: for a filter that has the name of an object in place of its key, the response has the key."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gqlnews.engine.requests import GraphQLRequest
from gqlnews.query.entities import Audience
from gqlnews.query.hints import MAX_LOOKED_UP, MAX_SUGGESTIONS
from tests.ingest.folder import Folder
from tests.product import Product, run_ingest

COUNT = "query ($w: ArticleFilter) { articles(where: $w) { totalCount } }"
# Filters by the name of a topic, an author, a section and a provider, with the keys of these.
NAMED: dict[str, tuple[dict[str, Any], str]] = {
    "topic": ({"topic": {"any": ["Machine Learning"]}}, "machine-learning"),
    "topic in another spelling": ({"topic": {"all": ["machine learning"]}}, "machine-learning"),
    "topic that is excluded": ({"topic": {"none": ["C++"]}}, "c-plus-plus"),
    "author": ({"author": {"any": ["Jane Doe"]}}, "jane-doe"),
    "section": ({"section": {"under": "World news"}}, "world-news"),
    "section in a list": ({"section": {"in": ["world NEWS"]}}, "world-news"),
    "provider": ({"provider": {"eq": "The Courier"}}, "courier.example"),
    "provider in a list": ({"provider": {"notIn": ["the courier"]}}, "courier.example"),
}


def provider(name: str, domain: str) -> dict[str, str]:
    return {"name": name, "domain": domain}


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """One public article, and a hidden one whose topic, author, section and provider no other has."""
    place = tmp_path_factory.mktemp("hints")
    folder = Folder(place / "content")
    folder.article(
        "world-news/open.md",
        "https://example.com/open",
        topics=["Machine Learning", "C++"],
        authors=["Jane Doe"],
        provider=provider("The Courier", "courier.example"),
    )
    folder.article(
        "secret-place/hidden.md",
        "https://example.com/hidden",
        topics=["Secret Plan"],
        authors=["Deep Throat"],
        provider=provider("The Leak", "leak.example"),
        published=False,
    )
    run_ingest(folder.root, place / "store.db")
    with Product(place / "store.db") as made:
        yield made


def answer(
    product: Product,
    query: str,
    variables: Mapping[str, Any] | None = None,
    audience: Audience = Audience.PUBLIC,
) -> dict[str, Any]:
    body = product.answer(GraphQLRequest(query, variables, include_hints=True), audience).body
    parsed: dict[str, Any] = json.loads(body)
    return parsed


def hints(product: Product, where: Mapping[str, Any], audience: Audience = Audience.PUBLIC) -> Any:
    return answer(product, COUNT, {"w": where}, audience)["extensions"]["hints"]


@pytest.mark.parametrize("name", NAMED)
def test_for_a_name_in_place_of_a_key_the_key_is_suggested(product: Product, name: str) -> None:
    where, key = NAMED[name]
    (hint,) = hints(product, where)
    assert hint["suggestions"] == [key]
    assert hint["message"].endswith(f"use `{key}`.")
    assert hint["path"] == ["articles"]
    ((field, ((_, value),)),) = ((field, part.items()) for field, part in where.items())
    assert hint["field"] == field
    assert hint["value"] in ([value] if isinstance(value, str) else value)


def test_the_message_says_what_the_value_is(product: Product) -> None:
    (hint,) = hints(product, {"author": {"any": ["Jane Doe"]}})
    assert hint["message"] == "`Jane Doe` is the name of an author, not its slug: use `jane-doe`."


@pytest.mark.parametrize(
    "where",
    [
        {},
        {"topic": {"any": ["machine-learning"]}},
        {"topic": {"any": ["nothing of the kind"]}},
        {"topic": {"any": ["", "a\0b", "x" * 10_000]}},
        {"topic": {"any": [], "all": None}, "author": None},
        {"provider": {"startsWith": "The Courier"}},
        {"title": {"eq": "Machine Learning"}},
    ],
)
def test_without_a_name_there_is_no_hint(product: Product, where: dict[str, Any]) -> None:
    assert hints(product, where) == []


def test_nested_filters_and_lists_below_an_object_have_their_hints(product: Product) -> None:
    query = """
    { site { version }
      all: articles(where: {not: {or: [{topic: {any: ["C++"]}}, {author: {any: ["jane doe"]}}]}}) {
        nodes { topics { articles(where: {and: [{topic: {any: ["C++"]}}]}) { totalCount } } } } }
    """
    found = answer(product, query)["extensions"]["hints"]
    assert [(hint["path"], hint["value"]) for hint in found] == [
        (["all"], "C++"),
        (["all"], "jane doe"),
        (["all", "nodes", "topics", "articles"], "C++"),
    ]


@pytest.mark.parametrize("audience", Audience)
def test_only_objects_that_the_caller_sees_are_suggested(product: Product, audience: Audience) -> None:
    where = {
        "topic": {"any": ["Secret Plan"]},
        "author": {"any": ["Deep Throat"]},
        "section": {"eq": "Secret place"},
        "provider": {"eq": "The Leak"},
    }
    suggested = [key for hint in hints(product, where, audience) for key in hint["suggestions"]]
    everything = ["secret-plan", "deep-throat", "secret-place", "leak.example"]
    assert suggested == ([] if audience is Audience.PUBLIC else everything)


@given(st.data())
def test_a_hint_is_what_the_lists_of_objects_say(examples: Product, data: st.DataObject) -> None:
    """The names and slugs come from the lists of the same audience, or from those of an editor."""
    query = "{ topics { slug name } }"
    audience = data.draw(st.sampled_from(Audience))
    seen = {one["slug"]: one["name"] for one in examples.data(query, audience=audience)["topics"]}
    known = examples.data(query, audience=Audience.EDITOR)["topics"]
    texts = [text for one in known for text in (one["slug"], one["name"], one["name"].upper())]
    values = data.draw(st.lists(st.sampled_from(texts) | st.text(max_size=5), max_size=MAX_LOOKED_UP))
    expected = {
        value: [slug for slug, name in seen.items() if name.lower() == value.lower() or name == value]
        for value in values
        if value not in seen
    }
    suggested = {
        hint["value"]: hint["suggestions"] for hint in hints(examples, {"topic": {"any": values}}, audience)
    }
    for value in values:
        if value in texts:
            assert suggested.get(value, []) == expected.get(value, [])
        assert set(suggested.get(value, [])) <= set(seen)


def test_few_values_are_looked_up(product: Product) -> None:
    values = [f"no topic {number}" for number in range(MAX_LOOKED_UP)]
    assert hints(product, {"topic": {"any": [*values, "Machine Learning"]}}) == []
    assert len(hints(product, {"topic": {"any": [*values[1:], "Machine Learning"]}})) == 1


def test_several_objects_of_a_name_are_all_suggested(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "content")
    for number in range(MAX_SUGGESTIONS + 2):
        domain = f"{number}.example"
        folder.article(f"{number}.md", f"https://{domain}/", provider=provider("Daily", domain))
    run_ingest(folder.root, tmp_path / "store.db")
    with Product(tmp_path / "store.db") as product:
        (hint,) = hints(product, {"provider": {"eq": "Daily"}})
    assert hint["suggestions"] == [f"{number}.example" for number in range(MAX_SUGGESTIONS)]
    assert "`0.example` or `1.example`" in hint["message"]


def statements_of(product: Product, asked: GraphQLRequest) -> list[str]:
    ran = len(product.statements)
    product.answer(asked, Audience.PUBLIC)
    return [text for text in product.statements[ran:] if text.startswith(("SELECT", "WITH"))]


def test_hints_take_one_statement_and_only_where_they_are_wanted(product: Product) -> None:
    where = {"topic": {"any": ["C++"]}, "author": {"any": ["x"]}, "provider": {"eq": "y"}}
    plain = statements_of(product, GraphQLRequest(COUNT, {"w": where}))
    wanted = statements_of(product, GraphQLRequest(COUNT, {"w": where}, include_hints=True))
    assert len(plain) == 1
    assert wanted[:1] == plain
    assert len(wanted) == 2
    assert len(statements_of(product, GraphQLRequest(COUNT, {"w": {}}, include_hints=True))) == 1


def test_the_executor_gives_the_same_hints(product: Product) -> None:
    where, _ = NAMED["topic"]
    asked = GraphQLRequest(
        f"{COUNT[:-1]} __schema {{ queryType {{ name }} }} }}", {"w": where}, include_hints=True
    )
    found = json.loads(product.answer(asked, Audience.PUBLIC).body)
    assert found["data"]["__schema"]
    assert found["extensions"]["hints"] == hints(product, where)


def test_a_rejected_request_has_no_hints(product: Product) -> None:
    assert "extensions" not in answer(
        product, '{ articles(first: 999, where: {topic: {any: ["C++"]}}) { totalCount } }'
    )


def test_cost_and_hints_are_sent_together(product: Product) -> None:
    where, _ = NAMED["topic"]
    asked = GraphQLRequest(COUNT, {"w": where}, include_cost=True, include_hints=True)
    extensions = json.loads(product.answer(asked, Audience.PUBLIC).body)["extensions"]
    assert list(extensions) == ["cost", "hints"]
    assert len(extensions["hints"]) == 1
