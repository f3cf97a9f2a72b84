"""Pages: a walk in either direction visits every article once, even while articles are added."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gqlnews.query.entities import Audience
from tests.oracle.folders import write_folder
from tests.product import Product, run_ingest

LISTS = {
    "Query.articles": "{ list: articles(%s) { %s } }",
    "Query.providers": "{ list: providers(%s) { %s } }",
    "Topic.articles": '{ topic(slug: "%%s") { list: articles(%s) { %s } } }',
    "Provider.articles": '{ provider(domain: "%%s") { list: articles(%s) { %s } } }',
}
PAGE = (
    "edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount"
)


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("content"), seed=11, articles=60)


@pytest.fixture(scope="module")
def product(content: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    database = tmp_path_factory.mktemp("store") / "store.db"
    run_ingest(content, database)
    with Product(database) as product:
        yield product


def page(product: Product, kind: str, arguments: str) -> dict[str, object]:
    query = LISTS[kind] % (arguments, PAGE)
    if "%s" in query:
        query %= most_used(product, kind.partition(".")[0])
    answer = product.data(query, audience=Audience.OPEN)
    return answer.get("list") or next(iter(answer.values()))["list"]  # type: ignore[no-any-return]


def most_used(product: Product, kind: str) -> str:
    """Return the topic or provider with the most articles."""
    key = {"Topic": "slug", "Provider": "domain"}[kind]
    lists = {"Topic": "topics", "Provider": "providers(first: 100) { nodes"}[kind]
    query = f"{{ all: {lists} {{ key: {key} articles {{ totalCount }} }} }}" + " }" * (kind == "Provider")
    found = product.data(query, audience=Audience.OPEN)["all"]
    nodes = found["nodes"] if kind == "Provider" else found
    chosen = max(nodes, key=lambda node: node["articles"]["totalCount"])
    return str(chosen["key"])


def walk(product: Product, kind: str, size: int, *, backward: bool) -> list[str]:
    """Return the ids of all pages in list order."""
    count, bound, end, more = (
        ("last", "before", "startCursor", "hasPreviousPage")
        if backward
        else ("first", "after", "endCursor", "hasNextPage")
    )
    ids: list[str] = []
    arguments = f"{count}: {size}"
    while True:
        found = page(product, kind, arguments)
        these = [edge["node"]["id"] for edge in found["edges"]]  # type: ignore[attr-defined]
        ids = these + ids if backward else ids + these
        info: dict[str, object] = found["pageInfo"]  # type: ignore[assignment]
        assert info["hasPreviousPage" if not backward else "hasNextPage"] is (len(ids) > len(these))
        if not info[more]:
            assert found["totalCount"] == len(ids)
            return ids
        arguments = f'{count}: {size}, {bound}: "{info[end]}"'


@settings(max_examples=40)
@given(kind=st.sampled_from(sorted(LISTS)), size=st.integers(1, 30), backward=st.booleans())
def test_a_walk_visits_everything_once_and_in_order(
    product: Product, kind: str, size: int, backward: bool
) -> None:
    walked = walk(product, kind, size, backward=backward)
    assert walked == walk(product, kind, 100, backward=False)
    assert len(walked) == len(set(walked)) > 0


@pytest.mark.parametrize("backward", [False, True])
def test_a_walk_while_articles_are_added_misses_none(content: Path, tmp_path: Path, backward: bool) -> None:
    folder = shutil.copytree(content, tmp_path / "content")
    database = tmp_path / "store.db"
    run_ingest(folder, database)
    with Product(database) as product:
        before = walk(product, "Query.articles", 100, backward=False)
        walked: list[str] = []
        count, bound, end = ("last", "before", "startCursor") if backward else ("first", "after", "endCursor")
        arguments = f"{count}: 7"
        for number in range(100):
            found = page(product, "Query.articles", arguments)
            walked += [edge["node"]["id"] for edge in found["edges"]]  # type: ignore[attr-defined]
            info: dict[str, object] = found["pageInfo"]  # type: ignore[assignment]
            if not info["hasPreviousPage" if backward else "hasNextPage"]:
                break
            arguments = f'{count}: 7, {bound}: "{info[end]}"'
            add_article(folder, number)
            run_ingest(folder, database)
    assert len(walked) == len(set(walked))
    assert set(before) <= set(walked)


def add_article(folder: Path, number: int) -> None:
    """Add an article before or after the walk's position, or with the date of existing articles."""
    year = (2000, 2020, 2999)[number % 3]
    (folder / f"added-{number}.md").write_text(
        f"---\ntitle: Added {number}\npublishedDateTime: {year}-05-01\nwebUrl: https://added.example/{number}\n---\n"
    )


def test_an_empty_page_says_what_lies_around_it(product: Product) -> None:
    first = page(product, "Query.articles", "first: 1")
    cursor = first["pageInfo"]["endCursor"]  # type: ignore[index]
    around = {
        "first: 0": (True, False),
        "last: 0": (False, True),
        f'first: 0, after: "{cursor}"': (True, True),
        f'last: 0, before: "{cursor}"': (True, False),
        f'first: 5, after: "{cursor}", before: "{cursor}"': (True, True),
    }
    for arguments, expected in around.items():
        found = page(product, "Query.articles", arguments)
        info: dict[str, object] = found["pageInfo"]  # type: ignore[assignment]
        assert found["edges"] == []
        assert (info["hasNextPage"], info["hasPreviousPage"]) == expected, arguments
        assert info["startCursor"] is info["endCursor"] is None
