"""Authors: how bylines are read, and what several articles say about one author."""

from pathlib import Path
from typing import Any

import pytest

from .content import read_folder
from .small import article, ask, author, world
from .world import encoded

BYLINES = [
    ("Ann Lee", [("ann-lee", "Ann Lee")]),
    ('"Smith, Jones &amp; Co"', [("smith-jones-co", "Smith, Jones & Co")]),
    ('[Ann Lee, ~, "", " ", "Jos&eacute; N "]', [("ann-lee", "Ann Lee"), ("jose-n", "José N")]),
    ("[Bo, Ann Lee, ann-lee, Bo]", [("bo", "Bo"), ("ann-lee", "Ann Lee")]),
    ("2024", [("2024", "2024")]),
    ("[{name: A. Lee, slug: Ann_Lee}, Bo]", [("ann-lee", "A. Lee"), ("bo", "Bo")]),
    ("{name: Ann Lee}", [("ann-lee", "Ann Lee")]),
    ("[{bio: nobody}, {name: '', url: /x}]", []),
    ("[]", []),
    ("~", []),
]


@pytest.mark.parametrize(("written", "expected"), BYLINES)
def test_a_byline_names_each_author_once(
    tmp_path: Path, written: str, expected: list[tuple[str, str]]
) -> None:
    assert [(one.slug, one.name) for one in bylines(tmp_path, written)] == expected


def test_a_mapping_has_data_about_the_author(tmp_path: Path) -> None:
    written = (
        '[Bo, {name: Ann, url: "/ann?a&amp;b", image: "ann.jpg", bio: Writes.}, {name: C, image: {url: /c}}]'
    )
    bo, ann, other = bylines(tmp_path, written)
    assert bo.data is None
    assert ann.data is not None
    assert ann.data.image is not None
    assert (ann.data.url, ann.data.image.url, ann.data.bio) == (
        "https://x.example/ann?a&b",
        "https://x.example/a/ann.jpg",
        "Writes.",
    )
    assert other.data is not None
    assert other.data.image is not None
    assert other.data.image.url == "https://x.example/c"


def test_an_unsafe_url_of_an_author_is_left_out(tmp_path: Path) -> None:
    (ann,) = bylines(tmp_path, '[{name: Ann, url: "javascript:x", image: "data:x"}]')
    assert ann.data is not None
    assert (ann.data.url, ann.data.image) == (None, None)


def bylines(folder: Path, written: str) -> Any:
    """Return the authors of a file with this byline."""
    keys = f"title: a\npublishedDateTime: 2020-01-01\nwebUrl: https://x.example/a/b\nauthors: {written}\n"
    (folder / "a.md").write_text(f"---\n{keys}---\n", encoding="utf-8")
    (article,) = read_folder(folder)
    return article.authors


USES = [
    article("a", authors=("Ann Lee", "Bo"), published="2020-01-01"),
    article("b", authors=("ann lee",), published="2020-01-02"),
    article("c", authors=("ANN LEE", "Bo"), published="2020-01-03", is_published=False),
    article("d", authors=("ANN LEE", "Cy", "Cy"), published="2020-01-04", is_published=False),
    article("e", authors=("Zoë",), published="2020-01-05"),
]
NAMES = [("public", "Ann Lee"), ("open", "ANN LEE")]


@pytest.mark.parametrize(("audience", "expected"), NAMES)
def test_the_name_that_most_visible_articles_use(audience: Any, expected: str) -> None:
    assert ask(USES, '{ author(slug: "ann-lee") { name } }', audience)["author"]["name"] == expected


def test_the_newest_visible_data_wins_field_by_field() -> None:
    articles = [
        *USES,
        article(
            "old", authors=(author("A. Lee", "ann-lee", url="/old", bio="Old."),), published="2019-01-01"
        ),
        article("new", authors=(author("Ann L.", "ann-lee", bio="New."),), published="2020-02-01"),
        article("hidden", authors=(author("X", "ann-lee", bio="X"),), is_published=False),
    ]
    found = ask(articles, '{ author(slug: "ann-lee") { name url bio image { url } articleCount } }')["author"]
    assert found == {"name": "Ann L.", "url": "/old", "bio": "New.", "image": None, "articleCount": 4}


def test_an_author_exists_for_callers_who_may_see_an_article() -> None:
    query = 'query ($id: ID!) { author(slug: "cy") { slug } node(id: $id) { id } }'
    id_ = encoded("Author", "cy")
    assert ask(USES, query, id=id_) == {"author": None, "node": None}
    assert ask(USES, query, "open", id=id_) == {"author": {"slug": "cy"}, "node": {"id": id_}}


LISTS = [
    ("first: null", "ann-lee bo zoe"),
    ("orderBy: {field: NAME, direction: DESC}", "zoe bo ann-lee"),
    ("orderBy: {field: COUNT}", "bo zoe ann-lee"),
    ("orderBy: {field: COUNT, direction: DESC}", "ann-lee bo zoe"),
    ("first: 1, orderBy: {field: COUNT, direction: DESC}", "ann-lee"),
    ('name: {contains: "O"}', "bo zoe"),
    ('name: {startsWith: "Z"}', "zoe"),
    ('name: {in: ["Ann Lee", "ann lee"]}', "ann-lee"),
    ("name: {isNull: true}", ""),
    ("name: {}", "ann-lee bo zoe"),
    ("first: 101", "BAD_PAGE"),
]


@pytest.mark.parametrize(("arguments", "expected"), LISTS)
def test_authors_in_order(arguments: str, expected: str) -> None:
    found = ask(USES, f"{{ authors({arguments}) {{ nodes {{ slug }} }} }}")
    slugs = found if isinstance(found, str) else " ".join(one["slug"] for one in found["authors"]["nodes"])
    assert slugs == expected


def test_authors_with_one_name_are_by_slug() -> None:
    articles = [
        article("a", authors=(author("Ann", "b"), author("Ann", "a"), "Bo")),
        article("b", authors=("Bo",)),
    ]
    orders = ("NAME", "NAME, direction: DESC", "COUNT", "COUNT, direction: DESC")
    lists = " ".join(
        f"o{number}: authors(orderBy: {{field: {order}}}) {{ nodes {{ slug }} }}"
        for number, order in enumerate(orders)
    )
    found = ask(articles, f"{{ {lists} }}").values()
    assert [" ".join(one["slug"] for one in each["nodes"]) for each in found] == [
        "a b bo",
        "bo a b",
        "a b bo",
        "bo a b",
    ]


def test_the_articles_of_an_author_are_newest_first_and_counted_by_facet() -> None:
    query = """{ author(slug: "ann-lee") { articles { nodes { slug authors { slug } } } }
      articles { facets { authors(first: 2) { author { name } count } } } }"""
    assert ask(USES, query) == {
        "author": {
            "articles": {
                "nodes": [
                    {"slug": "b", "authors": [{"slug": "ann-lee"}]},
                    {"slug": "a", "authors": [{"slug": "ann-lee"}, {"slug": "bo"}]},
                ]
            }
        },
        "articles": {
            "facets": {
                "authors": [
                    {"author": {"name": "Ann Lee"}, "count": 2},
                    {"author": {"name": "Bo"}, "count": 1},
                ]
            }
        },
    }


def test_hidden_articles_leave_no_author_behind() -> None:
    assert set(world(USES).authors) == {"ann-lee", "bo", "zoe"}
    assert set(world(USES, "editor").authors) == {"ann-lee", "bo", "cy", "zoe"}
