"""Sections, neighbours and translations."""

from typing import Any

import pytest

from .small import article, ask, slugs, world
from .world import encoded

ARTICLES = [
    article("top", published="2020-01-01", language="en", topics=("AI",), authors=("Ann",)),
    article("a/one", published="2020-01-02", language="en", topics=("ai", "B"), authors=("Bo", "Ann")),
    article("a/b-c/two", published="2020-01-03", topics=("B", "AI")),
    article("a/b-c/three", published="2020-01-04", language="de", authors=("Bo",)),
    article("ab/d_e/four", published="2020-01-05", topics=("AI",)),
    article("hidden/deep/five", published="2020-01-06", language="en", is_published=False),
    article("a/six", published="2020-01-07", language="en", is_published=False),
]


def test_every_folder_above_an_article_is_a_section() -> None:
    query = """{ sections { id path title articleCount parent { path } children { path }
      articles { nodes { slug } } } }"""
    assert [list(one.values()) for one in ask(ARTICLES, query)["sections"]] == [
        section("a", "A", 3, None, ["a/b-c"], "a/b-c/three a/b-c/two a/one"),
        section("a/b-c", "B c", 2, "a", [], "a/b-c/three a/b-c/two"),
        section("ab", "Ab", 1, None, ["ab/d_e"], "ab/d_e/four"),
        section("ab/d_e", "D e", 1, "ab", [], "ab/d_e/four"),
    ]
    assert [*world(ARTICLES, "open").sections][-2:] == ["hidden", "hidden/deep"]


def section(
    path: str, title: str, count: int, parent: str | None, children: list[str], articles: str
) -> list[Any]:
    above = None if parent is None else {"path": parent}
    nodes = {"nodes": [{"slug": slug} for slug in articles.split()]}
    return [encoded("Section", path), path, title, count, above, [{"path": one} for one in children], nodes]


FOUND = [
    ("public", '{ section(path: "a/b-c") { path } }', {"section": {"path": "a/b-c"}}),
    ("public", '{ section(path: "") { path } }', {"section": None}),
    ("public", '{ section(path: "a/") { path } }', {"section": None}),
    ("public", '{ section(path: "hidden") { path } }', {"section": None}),
    ("open", '{ section(path: "hidden") { path } }', {"section": {"path": "hidden"}}),
    ("public", '{ article(slug: "top") { section { path } } }', {"article": {"section": None}}),
    ("public", '{ article(slug: "a/one") { section { path } } }', {"article": {"section": {"path": "a"}}}),
]


@pytest.mark.parametrize(("audience", "query", "expected"), FOUND)
def test_a_section_is_found_by_its_path(audience: Any, query: str, expected: Any) -> None:
    assert ask(ARTICLES, query, audience) == expected


FILTERS = [
    ('{section: {eq: "a"}}', "a/one"),
    ('{section: {in: ["a", "ab/d_e", "x"]}}', "ab/d_e/four a/one"),
    ('{section: {under: "a"}}', "a/b-c/three a/b-c/two a/one"),
    ('{section: {under: "a/"}}', ""),
    ('{section: {under: ""}}', ""),
    ('{section: {under: "a", in: ["a/b-c", "ab"]}}', "a/b-c/three a/b-c/two"),
    ('{section: {under: "a/b-c", eq: "a"}}', ""),
    ("{section: {}}", "ab/d_e/four a/b-c/three a/b-c/two a/one top"),
    ("{section: {eq: null, under: null}}", "ab/d_e/four a/b-c/three a/b-c/two a/one top"),
    ("{section: {in: []}}", ""),
    ('{not: {section: {under: "a"}}}', "ab/d_e/four top"),
    ('{author: {any: ["bo"]}}', "a/b-c/three a/one"),
    ('{author: {all: ["bo", "ann"]}}', "a/one"),
    ('{author: {none: ["bo"]}}', "ab/d_e/four a/b-c/two top"),
    ('{author: {any: ["Bo"]}}', ""),
]


@pytest.mark.parametrize(("where", "expected"), FILTERS)
def test_articles_of_sections_and_authors(where: str, expected: str) -> None:
    assert slugs(ARTICLES, f"articles(where: {where})") == expected


def test_a_facet_counts_each_article_in_its_own_section_only() -> None:
    query = "{ articles { facets { sections { section { path } count } } } }"
    found = ask(ARTICLES, query)["articles"]["facets"]["sections"]
    assert [(one["section"]["path"], one["count"]) for one in found] == [
        ("a/b-c", 2),
        ("a", 1),
        ("ab/d_e", 1),
    ]


NEIGHBOURS = [
    ("public", "top", "", "a/one", None),
    ("public", "ab/d_e/four", "", None, "a/b-c/three"),
    ("open", "ab/d_e/four", "within: ALL", "hidden/deep/five", "a/b-c/three"),
    ("public", "a/one", "within: null", "a/b-c/two", "top"),
    ("public", "a/one", "within: SECTION", None, None),
    ("open", "a/one", "within: SECTION", "a/six", None),
    ("public", "top", "within: SECTION", None, None),
    ("public", "a/b-c/two", "within: SECTION", "a/b-c/three", None),
    ("public", "a/one", "within: TOPIC", "a/b-c/two", "top"),
    ("public", "a/b-c/two", "within: TOPIC", None, "a/one"),
    ("public", "a/b-c/three", "within: TOPIC", None, None),
    ("public", "a/one", "within: AUTHOR", "a/b-c/three", None),
    ("public", "top", "within: AUTHOR", "a/one", None),
    ("public", "ab/d_e/four", "within: AUTHOR", None, None),
    ("public", "a/one", "within: LANGUAGE", None, "top"),
    ("open", "a/one", "within: LANGUAGE", "hidden/deep/five", "top"),
    ("public", "a/b-c/two", "within: LANGUAGE", None, None),
]


@pytest.mark.parametrize(("audience", "slug", "arguments", "newer", "older"), NEIGHBOURS)
def test_the_next_newer_and_older_article(
    audience: Any, slug: str, arguments: str, newer: str | None, older: str | None
) -> None:
    given = f"({arguments})" if arguments else ""
    query = f'{{ article(slug: "{slug}") {{ next{given} {{ slug }} previous{given} {{ slug }} }} }}'
    found = ask(ARTICLES, query, audience)["article"]
    assert [one and one["slug"] for one in found.values()] == [newer, older]


def test_articles_of_one_instant_are_neighbours_by_slug() -> None:
    query = '{ article(slug: "b") { next { slug } previous { slug } } }'
    found = ask([article("c"), article("a"), article("b")], query)
    assert found["article"] == {"next": {"slug": "a"}, "previous": {"slug": "c"}}


TRANSLATED = [
    article("b", translation_key="k", language="fr"),
    article("a", translation_key="k", language="fr"),
    article("c", translation_key="k", language="en"),
    article("d", translation_key="k"),
    article("e", translation_key="k", language="de", is_published=False),
    article("f", translation_key="l", language="de"),
    article("g", language="de"),
    article("h", language="en"),
]
TRANSLATIONS = [
    ("public", "a", "c d"),
    ("open", "a", "e c d"),
    ("public", "d", "c a b"),
    ("public", "f", ""),
    ("public", "g", ""),
]


@pytest.mark.parametrize(("audience", "slug", "expected"), TRANSLATIONS)
def test_translations_are_by_language_and_slug(audience: Any, slug: str, expected: str) -> None:
    found = ask(TRANSLATED, f'{{ article(slug: "{slug}") {{ translations {{ slug }} }} }}', audience)
    assert " ".join(one["slug"] for one in found["article"]["translations"]) == expected
