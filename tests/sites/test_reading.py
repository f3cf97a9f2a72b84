"""The independent reading itself, against what was worked out by hand."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from .author_tables import AUTHORS, MODIFIED, WHOLE
from .authors import divided
from .conftest import every_folder, site_folder
from .dates import DateError, read_date
from .places import without_language
from .reading import read_site
from .tables import FIXTURES, PRESETS, REAL
from .topics import topic_slug

PARIS = ZoneInfo("Europe/Paris")
read = cache(read_site)


@pytest.mark.parametrize("site", PRESETS)
def test_preset_and_number_of_articles(copies: Path, site: str) -> None:
    found = read(site_folder(copies, site))
    assert (found.preset, found.found_by, len(found.articles)) == PRESETS[site]


@pytest.mark.parametrize("site", PRESETS)
def test_addresses_and_instants(copies: Path, site: str) -> None:
    table = {**REAL, **FIXTURES}[site]
    articles = read(site_folder(copies, site)).articles
    assert len(table) >= 10
    assert {path: (articles[path].web_url, articles[path].published_at) for path in table} == table


@pytest.mark.parametrize("site", AUTHORS)
def test_authors(copies: Path, site: str) -> None:
    articles = read(site_folder(copies, site)).articles
    found = {path: [author.row for author in articles[path].authors] for path in AUTHORS[site]}
    assert found == AUTHORS[site]


@pytest.mark.parametrize("site", WHOLE)
def test_authors_over_the_whole_site(copies: Path, site: str) -> None:
    authors = read(site_folder(copies, site)).authors(public=True)
    assert {slug: authors[slug].row for slug in WHOLE[site]} == WHOLE[site]


@pytest.mark.parametrize("site", MODIFIED)
def test_last_changes(copies: Path, site: str) -> None:
    articles = read(site_folder(copies, site)).articles
    assert {path: articles[path].modified_at for path in MODIFIED[site]} == MODIFIED[site]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("A B, C D and E F", ["A B", "C D", "E F"]),
        ("A B, C D, and E F", ["A B", "C D", "E F"]),
        ("A B & key", ["A B", "key"]),
        ("A B & other", ["A B & other"]),
        ("Smith, John", ["Smith, John"]),
        ("Yosuke F (@yosuke-f) & Steven S (@s)", ["Yosuke F (@yosuke-f) & Steven S (@s)"]),
        ("Anders Andrew and Sandy Land", ["Anders Andrew", "Sandy Land"]),
        ("A B and C D E F G", ["A B and C D E F G"]),
    ],
)
def test_several_authors_in_one_text(text: str, parts: list[str]) -> None:
    assert divided(text, {"key": {}}) == parts


@pytest.mark.parametrize(("site", "folder"), every_folder())
def test_a_part_of_a_site_is_read_as_in_the_whole(copies: Path, site: str, folder: str) -> None:
    top = site_folder(copies, site)
    whole, part = read(top).articles, read(top / folder).articles
    named = {(top / folder / path).relative_to(top).as_posix(): article for path, article in part.items()}
    native = {"content/desk/native.md"}  # its slug is relative to the folder that is given
    assert named
    for path in named.keys() - native:
        assert replace(named[path], path=whole[path].path) == whole[path]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2021-04-15", "2021-04-14T22:00:00Z"),
        ("2021-4-5", "2021-04-04T22:00:00Z"),
        ("2021-01-05T10:00:00.50", "2021-01-05T09:00:00.50Z"),
        ("2021-04-15 13:00:00 +0200", "2021-04-15T11:00:00Z"),
        ("2021-04-15T13:00:00+0200", "2021-04-15T11:00:00Z"),
        ("2021-04-15 9:05", "2021-04-15T07:05:00Z"),
        ("2021/04/15 13:00:00 GMT", "2021-04-15T13:00:00Z"),
        ("April 15, 2021", "2021-04-14T22:00:00Z"),
        ("15 Apr 2021 08:00 UTC", "2021-04-15T08:00:00Z"),
        ("Thu, 15 Apr 2021 08:00:00 GMT", "2021-04-15T08:00:00Z"),
    ],
)
def test_dates(text: str, instant: str) -> None:
    assert read_date(text, PARIS).text == instant


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("04/05/2021", "ambiguous-date"),
        ("4.5.2021 10:00", "ambiguous-date"),
        ("25/12/2021", "bad-date"),
        ("2021-02-30", "bad-date"),
        ("yesterday", "bad-date"),
        ("2021-04", "bad-date"),
        ("0001-01-01T00:00:00+01:00", "bad-date"),
    ],
)
def test_what_is_no_date(text: str, code: str) -> None:
    with pytest.raises(DateError, match=code):
        read_date(text, PARIS)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("C++17", "c-plus-plus-17"),
        ("C#", "c-sharp"),
        ("Straße & Øl", "strasse-ol"),
        ("Élan vital", "elan-vital"),
        ("новости", "новости"),
        ("+1", "1"),
        ("!!!", "!!!"),
    ],
)
def test_slugs_of_topics(name: str, slug: str) -> None:
    assert topic_slug(name) == slug


@pytest.mark.parametrize(
    ("slug", "language", "group"),
    [
        ("news/post.fr", "fr", "news/post"),
        ("fr/news/post", "fr", "news/post"),
        ("news/pt-BR/post", "pt-br", "news/post"),
        ("fr/post", None, "fr/post"),
        ("fr/post", "de", "fr/post"),
    ],
)
def test_translations_share_the_slug_without_language(slug: str, language: str | None, group: str) -> None:
    assert without_language(slug, language) == group
