"""How the oracle reads content files: dates, slugs, values, errors, links."""

from __future__ import annotations

from pathlib import Path

import pytest

from .content import read_folder
from .engine import Oracle
from .folders import write_folder
from .instants import read_instant
from .names import topic_slug
from .own_fields import Declared, read_declared
from .records import Article
from .small import article, ask, contract
from .world import encoded, make_world

INSTANTS = [
    ("2021-04-15T13:00:00Z", "2021-04-15T13:00:00Z"),
    ("2021-04-15", "2021-04-15T00:00:00Z"),
    ("2021-04-15 13:00", "2021-04-15T13:00:00Z"),
    ("2021-04-15T13:00:00.120+02:00", "2021-04-15T11:00:00.120Z"),
    ("2021-01-01T00:30:00+01:00", "2020-12-31T23:30:00Z"),
    ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
]


@pytest.mark.parametrize(("written", "served"), INSTANTS)
def test_a_date_is_served_in_utc_with_its_own_digits(written: str, served: str) -> None:
    assert read_instant(written).text == served


@pytest.mark.parametrize(
    "written",
    ["", "2021-02-30", "2021-04-15T13", "0001-01-01T00:00:00+01:00", "2021-04-15T13:00:00.1234567890Z"],
)
def test_invalid_dates_raise_value_error(written: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_instant(written)


TOPIC_SLUGS = [
    ("Computer Vision", "computer-vision"),
    ("C++ & C#", "c-plus-plus-c-sharp"),
    ("+1 #x", "1-x"),
    ("Łódź", "lodz"),
    ("हिन्दी समाचार", "हिन्दी-समाचार"),
    ("Café", "cafe"),
    ("日本", "日本"),
    ("Å Ä!", "a-a"),
]


@pytest.mark.parametrize(("name", "slug"), TOPIC_SLUGS)
def test_a_topic_has_the_slug_of_its_name(name: str, slug: str) -> None:
    assert topic_slug(name) == slug


FILE = """\ufeff---
title: 1.10
publishedDateTime: 2021-04-15
sourceUrl: "https://x.example/?a=1&amp;amp;b"
webUrl: /page
quality: "36"
published: Off
provider: {domain: x.example}
topics: [AI, null]
more: {n: 1, t: "1", f: 1.5, no: [yes, ~]}
related:
  - {title: No address}
  - {title: "", webUrl: /empty}
  - title: Valid
    ampUrl: /amp
    webUrl: /valid
    images: [{width: 1}, {url: /i, isCached: yes, alt: " A&amp;B ", caption: C}]
---

  first line

last line

"""


def test_a_file_is_parsed_as_specified(tmp_path: Path) -> None:
    (tmp_path / "a.b").mkdir()
    (tmp_path / "a.b" / "c.d.md").write_text(FILE, encoding="utf-8")
    (article,) = read_folder(tmp_path, base_url="https://base.example/x/")
    (entry,) = article.related
    assert (article.slug, article.title, article.is_published) == ("a.b/c.d", "1.10", False)
    assert (article.original_url, article.url) == (
        "https://x.example/?a=1&amp;b",
        "https://base.example/page",
    )
    assert (article.quality, article.topics) == (36, ("AI",))
    assert article.provider is not None
    assert article.provider.name == "x.example"
    assert article.extra == {"more": {"n": 1, "t": "1", "f": 1.5, "no": [True, None]}}
    assert article.body == "  first line\n\nlast line"
    assert (entry.position, entry.amp_web_url) == (0, "https://base.example/amp")
    (image,) = entry.images
    assert (image.url, image.is_cached) == ("https://base.example/i", True)
    assert (image.alt, image.caption) == ("A&B", "C")


LANGUAGES = [
    ("en", "en"),
    ("zh_Hans-CN", "zh-hans-cn"),
    ("no", "no"),
    ('" De_AT "', "de-at"),
    ('"  "', None),
    ("~", None),
]


@pytest.mark.parametrize(("written", "expected"), LANGUAGES)
def test_a_language_is_a_lower_case_tag(tmp_path: Path, written: str, expected: str | None) -> None:
    assert one_article(tmp_path, f"language: {written}").language == expected


MODIFIED = [
    ("2021-04-15 13:00", "2021-04-15T13:00:00Z"),
    ('"2021-04-15T13:00:00.50+02:00"', "2021-04-15T11:00:00.50Z"),
    ("2021-02-30", None),
    ('""', None),
    ("[2021-04-15]", None),
    ("~", None),
]


@pytest.mark.parametrize(("written", "expected"), MODIFIED)
def test_a_modified_date_that_is_no_date_is_left_out(
    tmp_path: Path, written: str, expected: str | None
) -> None:
    found = one_article(tmp_path, f"modifiedDateTime: {written}")
    assert (found.modified and found.modified.text, found.extra) == (expected, {})


def one_article(folder: Path, line: str) -> Article:
    """Return the article of a file with this line in its front matter."""
    text = f"---\ntitle: a\npublishedDateTime: 2020-01-01\nwebUrl: /a\n{line}\n---\n"
    (folder / "a.md").write_text(text, encoding="utf-8")
    (article,) = read_folder(folder)
    return article


PATHS = [
    ("https://x.example/a/b?c=/d#/e", "/a/b?c=/d#/e"),
    ("https://x.example/", "/"),
    ("https://x.example", None),
    ("https://x.example?a=/b", None),
    ("https://x.example#/b", None),
    ("//x.example/é", "/é"),
    ("/a//b", "/a//b"),
    (None, None),
]


@pytest.mark.parametrize(("web_url", "path"), PATHS)
def test_a_path_is_that_of_the_web_url(web_url: str | None, path: str | None) -> None:
    one = article("a", web_url=web_url, original_url="https://y.example/z")
    assert ask([one], '{ article(slug: "a") { path } }') == {"article": {"path": path}}


SITES = [
    ("", (None, None, None)),
    ('base-url = "https://x.example/a/"', (None, "https://x.example/a/", None)),
    (
        'provider = { name = "X", domain = "x.example" }\nbase-url = "https://x.example/"\nlanguage = "en"',
        ("X", "https://x.example/", "en"),
    ),
]


@pytest.mark.parametrize(("config", "expected"), SITES)
def test_the_configuration_describes_the_site(
    tmp_path: Path, config: str, expected: tuple[str | None, ...]
) -> None:
    (tmp_path / "gqlnews.toml").write_text(config, encoding="utf-8")
    declared = read_declared(tmp_path)
    answer = Oracle(contract()).execute(
        make_world([], "public", declared), "{ site { id title url language } }"
    )
    id_, *site = answer["data"]["site"].values()
    assert (id_, tuple(site)) == (encoded("Site", ""), expected)


RELATIVE = [
    ("/page", True),
    ("/x/page", False),
    ("page", False),
    ("//base.example/page", False),
    ("https://base.example/page", True),
]


@pytest.mark.parametrize(("url", "is_found"), RELATIVE)
def test_an_article_is_found_by_a_path_of_the_site(url: str, is_found: bool) -> None:
    declared = Declared(base_url="https://base.example/x/")
    seen = make_world([article("a", web_url="https://base.example/page")], "public", declared)
    query = "query ($url: URL!) { articleByUrl(url: $url) { slug } }"
    answer = Oracle(contract()).execute(seen, query, {"url": url})
    assert answer["data"]["articleByUrl"] == ({"slug": "a"} if is_found else None)


ERRORS = {
    "twice.md": "---\ntitle: a\ntitle: b\n---\n",
    "alias.md": "---\ntitle: &a a\nexcerpt: *a\npublishedDateTime: 2020-01-01\nwebUrl: /a\n---\n",
    "no-url.md": "---\ntitle: a\npublishedDateTime: 2020-01-01\n---\n",
    "wrong.md": "---\ntitle: a\npublishedDateTime: 2020-01-01\nwebUrl: /a\nquality: 36.5\n---\n",
    "list.md": "---\n- a\n---\n",
    "broken.md": "---\ntitle: [a\n---\n",
    "no-fence.md": "title: a\n",
}


@pytest.mark.parametrize("name", ERRORS)
def test_a_file_with_an_error_is_skipped(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(ERRORS[name], encoding="utf-8")
    assert read_folder(tmp_path) == ()


def test_only_symlinks_within_the_folder_are_followed(tmp_path: Path) -> None:
    folder = tmp_path / "content"
    write_folder(folder, seed=3, articles=1)
    (article,) = read_folder(folder)
    file = next(path for path in folder.rglob(f"{Path(article.slug).name}.m*"))
    (tmp_path / "outside.md").write_bytes(file.read_bytes())
    (folder / "out.md").symlink_to(tmp_path / "outside.md")
    (folder / "in.md").symlink_to(file)
    assert {one.slug for one in read_folder(folder)} == {article.slug, "in"}


def test_a_written_folder_is_read_completely_and_deterministically(tmp_path: Path) -> None:
    one = read_folder(write_folder(tmp_path / "one", seed=7, articles=60))
    assert len(one) == 60
    assert one == read_folder(write_folder(tmp_path / "two", seed=7, articles=60))
