"""Pages: a walk in either direction visits everything once, even while articles are edited."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gqlnews.query.entities import Audience
from tests.effort import examples
from tests.oracle.folders import DATES, write_folder
from tests.product import Product, run_ingest

LISTS = {
    "Query.articles": "{ list: articles(%s) { %s } }",
    "Query.authors": "{ list: authors(%s) { %s } }",
    "Query.providers": "{ list: providers(%s) { %s } }",
    "Author.articles": '{ author(slug: "%%s") { list: articles(%s) { %s } } }',
    "Section.articles": '{ section(path: "%%s") { list: articles(%s) { %s } } }',
    "Topic.articles": '{ topic(slug: "%%s") { list: articles(%s) { %s } } }',
    "Provider.articles": '{ provider(domain: "%%s") { list: articles(%s) { %s } } }',
}
PAGE = (
    "edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount"
)
KEYS = {
    "Author": ("slug", "authors(first: 100) { nodes"),
    "Provider": ("domain", "providers(first: 100) { nodes"),
    "Section": ("path", "sections"),
    "Topic": ("slug", "topics"),
}


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("content"), seed=11, articles=60)


@pytest.fixture(scope="module")
def product(content: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    database = tmp_path_factory.mktemp("store") / "store.db"
    run_ingest(content, database)
    with Product(database) as product:
        yield product


def page(product: Product, kind: str, arguments: str, key: str = "") -> dict[str, object]:
    query = LISTS[kind] % (arguments, PAGE)
    if "%s" in query:
        query %= key or most_used(product, kind.partition(".")[0])
    answer = product.data(query, audience=Audience.OPEN)
    return answer.get("list") or next(iter(answer.values()))["list"]  # type: ignore[no-any-return]


def most_used(product: Product, kind: str) -> str:
    """Return the key of the topic, provider, author or section with the most articles."""
    key, items = KEYS[kind]
    query = f"{{ all: {items} {{ key: {key} articles {{ totalCount }} }} }}" + " }" * ("nodes" in items)
    found = product.data(query, audience=Audience.OPEN)["all"]
    nodes = found["nodes"] if "nodes" in items else found
    chosen = max(nodes, key=lambda node: node["articles"]["totalCount"])
    return str(chosen["key"])


def walk(product: Product, kind: str, size: int, key: str = "", *, backward: bool) -> list[str]:
    """Return the ids of all pages in list order."""
    count, bound, end, more = (
        ("last", "before", "startCursor", "hasPreviousPage")
        if backward
        else ("first", "after", "endCursor", "hasNextPage")
    )
    ids: list[str] = []
    arguments = f"{count}: {size}"
    while True:
        found = page(product, kind, arguments, key)
        these = [edge["node"]["id"] for edge in found["edges"]]  # type: ignore[attr-defined]
        ids = these + ids if backward else ids + these
        info: dict[str, object] = found["pageInfo"]  # type: ignore[assignment]
        assert info["hasPreviousPage" if not backward else "hasNextPage"] is (len(ids) > len(these))
        if not info[more]:
            assert found["totalCount"] == len(ids)
            return ids
        arguments = f'{count}: {size}, {bound}: "{info[end]}"'


@examples(40)
@given(kind=st.sampled_from(sorted(LISTS)), size=st.integers(1, 30), backward=st.booleans())
def test_a_walk_visits_everything_once_and_in_order(
    product: Product, kind: str, size: int, backward: bool
) -> None:
    walked = walk(product, kind, size, backward=backward)
    assert walked == walk(product, kind, 100, backward=False)
    assert len(walked) == len(set(walked)) > 0


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize(
    ("kind", "key", "size"),
    [
        ("Query.articles", "", 5),
        ("Query.authors", "", 1),
        ("Author.articles", "ann-lee", 2),
        ("Section.articles", "world", 2),
    ],
)
def test_a_walk_while_articles_are_edited_misses_and_repeats_none(
    tmp_path: Path, kind: str, key: str, size: int, backward: bool
) -> None:
    """What was listed all the time is visited once, whatever becomes of the article that the cursor names."""
    folder, database = tmp_path / "content", tmp_path / "store.db"
    for number in range(36):
        write_article(folder, SECTIONS[number % 4], number, DATES[number % len(DATES)])
    run_ingest(folder, database)
    with Product(database) as product:
        listed = set(walk(product, kind, 100, key, backward=False))
        walked: list[str] = []
        count, bound, end = ("last", "before", "startCursor") if backward else ("first", "after", "endCursor")
        arguments = f"{count}: {size}"
        for number in range(100):
            found = page(product, kind, arguments, key)
            these = [edge["node"]["id"] for edge in found["edges"]]  # type: ignore[attr-defined]
            walked += these
            info: dict[str, object] = found["pageInfo"]  # type: ignore[assignment]
            if not info["hasPreviousPage" if backward else "hasNextPage"]:
                break
            arguments = f'{count}: {size}, {bound}: "{info[end]}"'
            at_cursor = file_of(product, folder, these[0 if backward else -1])
            files = sorted(folder.rglob("*.md"))
            write_article(
                folder, "world", 100 + number, ("2000-05-01", "2020-05-03", "2999-05-01")[number % 3]
            )
            edit(folder, at_cursor, number)
            edit(folder, files[number * 7 % len(files)], number + 1)
            run_ingest(folder, database)
            listed &= set(walk(product, kind, 100, key, backward=False))
    assert number >= 4
    assert len(walked) == len(set(walked))
    assert set() < listed <= set(walked)


ADDED_DATES = ("2000-05-01", "2020-05-05T05:05:05Z", "2999-05-01")
SECTIONS = ("world", "world/asia", "sport", ".")


def write_article(folder: Path, section: str, number: int, date: str) -> None:
    """Write an article by Ann Lee, or by one of ten others and her."""
    others = [f"Author {number % 10}"] * (number % 3)
    file = folder / section / f"story-{number}.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        f"---\ntitle: Story {number}\npublishedDateTime: {date}\nwebUrl: https://added.example/{number}\n"
        f"authors: {[*others, 'Ann Lee']}\n---\n"
    )


def file_of(product: Product, folder: Path, node: str) -> Path:
    """Return the file of an article, or the newest of an author."""
    query = """query ($id: ID!) { node(id: $id) {
        ... on Article { slug } ... on Author { articles(first: 1) { nodes { slug } } } } }"""
    found = product.data(query, {"id": node}, Audience.OPEN)["node"]
    slug = found["slug"] if "slug" in found else found["articles"]["nodes"][0]["slug"]
    return folder / f"{slug}.md"


def edit(folder: Path, file: Path, number: int) -> None:
    """Remove the file, move it to another section, or give it another author."""
    if not file.exists():
        return
    if number % 3 == 0:
        file.unlink()
    elif number % 3 == 1:
        file.rename(folder / ("sport", "world/asia")[number // 3 % 2] / f"moved-{number}-{file.name}")
    else:
        file.write_text(re.sub("authors: .*", "authors: [Someone Else]", file.read_text()))


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
