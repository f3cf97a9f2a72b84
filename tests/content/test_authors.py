"""Authors of native and mapped files, and what the author data of a site adds."""

import json

import msgspec
import pytest

from gqlnews.content.authors import read_author_data
from gqlnews.content.models import ParsedArticle, ParsedAuthor, ParseOptions
from gqlnews.content.parse_file import parse_article
from gqlnews.content.presets.site import GENERIC, ContentSite, SiteAuthor
from tests.content import sites
from tests.content.bad_files import NEEDED, fenced
from tests.content.sites import yaml

DATA = {
    "jdoe": SiteAuthor("Jane Doe", "/jane", "/jane.png", "Reporter."),
    "bob": SiteAuthor(bio="Editor."),
}
WITH_DATA = msgspec.structs.replace(GENERIC, authors=DATA)


def native(value: object, site: ContentSite = GENERIC) -> ParsedArticle:
    article, problems = parse(value, site)
    assert article is not None
    assert problems == []
    return article


def parse(value: object, site: ContentSite = GENERIC) -> tuple[ParsedArticle | None, list[tuple[str, str]]]:
    front = f"{NEEDED}authors: {json.dumps(value)}\n"
    article, problems = parse_article("a.md", fenced(front), ParseOptions(sites=(site,)))
    return article, [(problem.code, problem.message) for problem in problems]


def names(article: ParsedArticle) -> list[tuple[str, str]]:
    return [(author.slug, author.name) for author in article.authors]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Jane Doe", [("jane-doe", "Jane Doe")]),
        ("Jane Doe and Bob Roe", [("jane-doe-and-bob-roe", "Jane Doe and Bob Roe")]),
        (["Jane Doe", "Łukasz"], [("jane-doe", "Jane Doe"), ("lukasz", "Łukasz")]),
        (["Jane Doe", "JANE DOE"], [("jane-doe", "Jane Doe")]),
        ({"name": "Jane Doe"}, [("jane-doe", "Jane Doe")]),
        ([{"name": "Jane Doe", "slug": "JD"}], [("jd", "Jane Doe")]),
        ([{"slug": "jane"}, None], [("jane", "jane")]),
        ([2021, True], [("2021", "2021"), ("true", "true")]),
        ([], []),
        ("", []),
        (None, []),
    ],
)
def test_a_native_file_names_its_authors(value: object, expected: list[tuple[str, str]]) -> None:
    assert names(native(value)) == expected


def test_a_mapping_says_more_about_an_author() -> None:
    (author,) = native({"name": " Ann ", "url": "/ann", "image": "ann.png", "bio": "Writes."}).authors
    assert (author.name, author.url, author.bio) == ("Ann", "https://a.org/ann", "Writes.")
    assert [image["url"] for image in json.loads(author.image)] == ["https://a.org/ann.png"]
    assert author.is_described


def test_the_image_of_an_author_may_be_a_mapping() -> None:
    (author,) = native([{"name": "Ann", "image": {"url": "https://b.org/a.png"}}]).authors
    assert [image["url"] for image in json.loads(author.image)] == ["https://b.org/a.png"]


@pytest.mark.parametrize(
    ("value", "code", "expected"),
    [
        (["Ann", {"url": "/x"}], "left-out", [("ann", "Ann")]),
        (["Ann", " "], "left-out", [("ann", "Ann")]),
        (["Ann", ["Bob"]], "left-out", [("ann", "Ann")]),
        ({"name": "Ann", "url": "javascript:x"}, "unsafe-url", [("ann", "Ann")]),
        ({"name": "Ann", "image": {"url": "data:x"}}, "unsafe-url", [("ann", "Ann")]),
        (["A &amp; B"], "html-entity", [("a-b", "A & B")]),
        ({"name": "Ann", "bio": "A &amp; B"}, "html-entity", [("ann", "Ann")]),
        (["Ann", "x\0y"], "left-out", [("ann", "Ann")]),
    ],
)
def test_what_is_wrong_with_an_author_is_a_warning(
    value: object, code: str, expected: list[tuple[str, str]]
) -> None:
    article, problems = parse(value)
    assert article is not None
    assert [each[0] for each in problems] == [code]
    assert names(article) == expected


@pytest.mark.parametrize("value", ["jdoe", ["JDoe"], {"slug": "jdoe", "name": "J. D.", "bio": "Own."}])
def test_author_data_of_the_site_wins(value: object) -> None:
    (author,) = native(value, WITH_DATA).authors
    assert (author.slug, author.name, author.url) == ("jdoe", "Jane Doe", "/jane")
    assert author.bio == "Reporter."
    assert '"url":"/jane.png"' in author.image
    assert author.is_described


def test_author_data_may_say_little() -> None:
    (author,) = native({"name": "Bob", "url": "/b"}, WITH_DATA).authors
    assert author == ParsedAuthor("bob", "Bob", "https://a.org/b", "[]", "Editor.", is_described=True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("jdoe, bob", [("jdoe", "Jane Doe"), ("bob", "bob")]),
        ("jdoe and carl", [("jdoe-and-carl", "jdoe and carl")]),
        ("Ann Smith & Bob Jones", [("ann-smith", "Ann Smith"), ("bob-jones", "Bob Jones")]),
        (
            "Ann Smith, jdoe and Bob Jones",
            [("ann-smith", "Ann Smith"), ("jdoe", "Jane Doe"), ("bob-jones", "Bob Jones")],
        ),
        ([{"display_name": "Ann", "avatar": "/a.png"}], [("ann", "Ann")]),
        ([{"key": "bob", "title": "Guest"}], [("bob", "Guest")]),
    ],
)
def test_a_mapped_file_names_its_authors(value: object, expected: list[tuple[str, str]]) -> None:
    assert names(sites.read(yaml(title="A", author=value), WITH_DATA)) == expected


def test_a_text_is_divided_as_if_its_entities_were_decoded() -> None:
    article, problems = sites.parse(yaml(title="A", author="Tom O&#39;Neill &amp; Ann Lee"))
    assert article is not None
    assert names(article) == [("tom-o-neill", "Tom O'Neill"), ("ann-lee", "Ann Lee")]
    assert [problem.code for problem in problems] == ["html-entity"]


def test_a_mapped_mapping_has_the_keys_of_generators() -> None:
    value = {"name": "Ann", "to": "/ann", "avatar": {"src": "/a.png"}, "description": "Writes.", "x": "y"}
    (author,) = sites.read(
        yaml(title="A", webUrl="https://b.org/p", date="2021-04-15", authors=[value])
    ).authors
    assert (author.url, author.bio) == ("https://b.org/ann", "Writes.")
    assert [image["url"] for image in json.loads(author.image)] == ["https://b.org/a.png"]


@pytest.mark.parametrize("preset", ["hugo", "pelican"])
def test_keys_of_an_author_have_any_case_where_the_generator_ignores_it(preset: str) -> None:
    value = {"Name": "Ann", "imageurl": "https://b.org/a.png", "About": "Writes."}
    (author,) = sites.read(yaml(title="A", author=value), preset, "content/2021-04-15-a.md").authors
    assert (author.name, author.bio) == ("Ann", "Writes.")
    assert [image["url"] for image in json.loads(author.image)] == ["https://b.org/a.png"]


def test_author_data_have_entities_and_pictures_as_mappings() -> None:
    values = {"ann": {"name": "Ann &amp; Co ", "avatar": {"src": "/a.png"}}, "bob": "Bob &amp; Co"}
    assert read_author_data(values, []) == {
        "ann": SiteAuthor("Ann & Co", image="/a.png"),
        "bob": SiteAuthor("Bob & Co"),
    }


def test_the_first_key_that_is_not_empty_counts() -> None:
    article = sites.read(yaml(title="A", authors=[], author="Ann", params={"author": "Bob"}))
    assert names(article) == [("ann", "Ann")]
