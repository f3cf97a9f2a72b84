"""Hostile requests and unusual files: each is answered or rejected with a code, and never fails."""

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.product import Product, run_ingest


def write(folder: Path, slug: str, title: str, **more: object) -> None:
    """Write an article. JSON is valid YAML, so it can contain any character."""
    keys = {"title": title, "publishedDateTime": "2021-01-01", "webUrl": f"https://x.example/{slug}", **more}
    lines = "".join(f"{key}: {json.dumps(value)}\n" for key, value in keys.items())
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{slug}.md").write_text(f"---\n{lines}---\n", encoding="utf-8")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    place = tmp_path_factory.mktemp("hostile")
    folder = place / "content"
    write(folder, "a", "a", heat=5)
    write(folder, "b", "b", topics=["X", "Y"])
    write(folder, "mark", "<script>alert('one')</script> & </mark> zebra \u0002zebra\u0003 \"two\"")
    for number, day in enumerate(("2021-01-01", "2021-01-02", "2021-01-03")):
        domain = {"name": "P", "domain": f"d{number}.example"}
        write(folder, f"k{number}", "quagga quokka lemur", publishedDateTime=day, provider=domain)
    write(
        folder, "old", "old", publishedDateTime="1990-01-01", provider={"name": "P", "domain": "d0.example"}
    )
    run_ingest(folder, place / "store.db")
    with Product(place / "store.db") as product:
        yield product


def code(answer: dict[str, Any]) -> str:
    assert "data" not in answer
    return str(answer["errors"][0]["extensions"]["code"])


def slugs(answer: dict[str, Any], root: str) -> list[str]:
    return [node["slug"] for node in answer[root]["nodes"]]


def test_a_variable_decides_in_the_operation_that_is_asked_for_alone(hostile: Product) -> None:
    document = (
        "query A($x: Boolean!) { site { articleCount @skip(if: $x) } }"
        " query B($x: [Int!]) { articles(where: { heat: { in: $x } }) { nodes { slug } } }"
    )
    assert slugs(hostile.ask(document, {"x": [5]}, "B")["data"], "articles") == ["a"]


@pytest.mark.parametrize(
    "date",
    ["2021-04-01T00:00:00Z", "2021-04-01T00:00:00+05:00", "2021-04-01T00:00:00.5Z", "2021-04-01", "", "x"],
)
def test_a_forged_date_in_a_cursor_is_refused(hostile: Product, date: str) -> None:
    cursor = json.dumps(["Query.trending 86400", 5, date, "a"]).encode().hex()
    answer = hostile.ask("query ($c: String) { trending(after: $c) { totalCount } }", {"c": cursor})
    assert code(answer) == "BAD_CURSOR"


def test_objects_wider_than_a_function_of_sqlite_nest(hostile: Product) -> None:
    wide = {letter: " ".join(f"{letter}{number}: __typename" for number in range(118)) for letter in "cdef"}
    related = f"related {{ images {{ url {wide['c']} }} {wide['c']} }}"
    query = f"{{ articles {{ edges {{ node {{ {related} {wide['d']} }} {wide['e']} }} {wide['f']} }} }}"
    articles = hostile.data(query)["articles"]
    assert list(articles) == ["edges", *(f"f{number}" for number in range(118))]
    assert set(articles["edges"][0]["node"]) >= {"d0", "d117"}


@pytest.mark.parametrize(
    ("operator", "found"),
    [("in", []), ("notIn", ["a", "b"]), ("eq", []), ("startsWith", []), ("contains", [])],
)
def test_a_text_goes_on_behind_a_nul(hostile: Product, operator: str, found: list[str]) -> None:
    value = ["a\0zzz"] if operator.endswith(("in", "In")) else "a\0zzz"
    query = "query ($where: ArticleFilter) { articles(where: $where) { nodes { slug } } }"
    where = {"slug": {"in": ["a", "b"]}, "title": {operator: value}}
    assert slugs(hostile.data(query, {"where": where}), "articles") == found


def test_an_id_goes_on_behind_a_nul(hostile: Product) -> None:
    id_ = b64encode(b"Article:a\0zzz").decode()
    assert hostile.data("query ($id: ID!) { node(id: $id) { id } }", {"id": id_}) == {"node": None}


@pytest.mark.parametrize("query", ["\ue000", "X \ue000 Y \ue000"])
def test_what_parts_topics_in_the_index_is_no_word(hostile: Product, query: str) -> None:
    answer = hostile.data("query ($q: String!) { search(query: $q) { nodes { slug } } }", {"q": query})
    assert slugs(answer, "search") == (["b"] if "X" in query else [])


def test_a_snippet_is_safe_and_balanced_whatever_the_title_says(hostile: Product) -> None:
    (edge,) = hostile.data('{ search(query: "zebra") { edges { snippet } } }')["search"]["edges"]
    assert edge["snippet"] == (
        "&lt;script&gt;alert(&#39;one&#39;)&lt;/script&gt; &amp; &lt;/mark&gt; <mark>zebra</mark>"
        "  <mark>zebra</mark>  &quot;two&quot;"
    )


def test_what_is_just_as_alike_but_comes_later_costs_nothing(hostile: Product) -> None:
    """The equally similar article that is not shown has a provider with articles over too many days."""
    query = (
        '{ article(slug: "k1") { similar(first: 1) { slug'
        " provider { articles { facets { published(by: DAY) { count } } } } } } }"
    )
    assert hostile.data(query)["article"]["similar"][0]["slug"] == "k2"


PARTS = (
    "{ totalCount facets { topics { count } types { count } quality { min } } pageInfo { hasNextPage }"
    " nodes { slug } }"
)
LISTS = " ".join(f"a{number}: articles(where: $w) {PARTS}" for number in range(15))
INFO = " ".join(f"a{number}: hasPreviousPage" for number in range(50))
LINKS = " ".join(f"a{number}: articles(first: 1) {{ totalCount }}" for number in range(40))
BELOW = f"{{ topic {{ {LINKS} }} }}"
FIELDS = " ".join(f"a{number}: title" for number in range(121))
IDS = ", ".join(['"QXJ0aWNsZTph"'] * 251)
NESTED = " ".join(f"a{number}: referencedBy(where: $w) {PARTS}" for number in range(15))


@pytest.mark.parametrize(
    "query",
    [
        f"query ($w: ArticleFilter) {{ {LISTS} }}",
        f"query ($w: ArticleFilter) {{ articles {{ nodes {{ {NESTED} }} }} }}",
        f"query ($w: ArticleFilter) {{ articles(where: $w) {{ pageInfo {{ {INFO} }} }} }}",
        f"query ($w: ArticleFilter) {{ articles(where: $w) {{ facets {{ topics {BELOW} }} }} }}",
        f"{{ articles {{ nodes {{ {FIELDS} }} }} }}",
        f"{{ nodes(ids: [{IDS}]) {{ ... on Article {{ similar {{ slug }} }} }} }}",
        "{ articles(first: 100) { nodes { similar(first: 100) { similar(first: 1) { slug } } } } }",
        "{ topics { articles(first: 100) { nodes { similar { slug } } } } }",
        "{ articles(first: 100) { nodes { a: similar { slug } b: similar { slug } c: similar { slug } } } }",
    ],
)
def test_what_would_hold_up_everyone_is_refused_before_it_runs(hostile: Product, query: str) -> None:
    where = {"or": [{"title": {"contains": f"x{number}"}} for number in range(99)]}
    hostile.store.dispatches = 0
    answer = hostile.ask(query, {"w": where} if "$w" in query else None)
    assert code(answer) == "TOO_WIDE"
    assert hostile.store.dispatches == 0


@pytest.mark.parametrize(
    "query",
    [
        f"query ($w: ArticleFilter) {{ articles(where: $w) {PARTS} }}",
        "{ articles(first: 50) { nodes { similar { slug } } } }",
        "{ articles(first: 10) { nodes { similar(first: 5) { similar { slug } } } } }",
    ],
)
def test_what_a_front_end_asks_for_is_not(hostile: Product, query: str) -> None:
    where = {"or": [{"title": {"contains": f"x{number}"}} for number in range(60)]}
    hostile.data(query, {"w": where} if "$w" in query else None)
