"""Permalink patterns: the value of every placeholder, by hand."""

from datetime import UTC, datetime

import pytest

from gqlnews.content.presets.permalinks import (
    PLACEHOLDERS,
    expand,
    hugo_path,
    jekyll_title,
    unknown_placeholders,
)
from gqlnews.content.presets.site import AddressFacts, Place
from tests.content.sites import site

HUGO, JEKYLL = site("hugo"), site("jekyll")
POST = Place("content/News/2021/launch day", "content", "News/2021/launch day")
FACTS = AddressFacts(POST, "The Launch: a Success!", datetime(2021, 4, 5, 9, 7, 3, tzinfo=UTC), "My Slug")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (":year/:month/:day", "2021/04/05"),
        (":short_year/:i_month/:i_day", "21/4/5"),
        (":monthname/:long_month/:short_month", "April/April/APR"),
        (":weekdayname/:long_day/:short_day", "Monday/Monday/MON"),
        (":weekday/:w_day", "1/1"),
        (":yearday/:y_day", "95/095"),
        (":w_year/:week", "2021/14"),
        (":hour:minute:second", "090703"),
        (":title", "the-launch-a-success"),
        (":slug", "my-slug"),
        (":slugorfilename/:slugorcontentbasename", "my-slug/my-slug"),
        (":filename/:contentbasename", "launch-day/launch-day"),
        (":section", "news"),
        (":sections/:sectionslugs", "news/2021/news/2021"),
        (":sections[0]", "news"),
        (":sections[last]", "2021"),
        (":sections[1:]", "2021"),
        (":sections[:1]", "news"),
        (":sections[0:last]", "news"),
        (":sections[9]", ""),
        (":sectionslug", "news"),
        (r"a\:b/:year", "a:b/2021"),
        ("no placeholder", "no placeholder"),
        (":year[0]", "2021[0]"),
    ],
)
def test_a_placeholder_of_hugo_has_its_value(pattern: str, expected: str) -> None:
    assert expand(pattern, HUGO, FACTS) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (":title", "Ruby-3.4_is-Out"),
        (":slug", "ruby-3-4-is-out"),
        (":name", "ruby-3-4-is-out"),
        (":basename", "2021-04-05-Ruby 3.4_is Out"),
        (":path", "sub/2021-04-05-Ruby 3.4_is Out"),
        (":collection", "posts"),
        (":categories", "en/old news"),
        (":slugified_categories", "en/old-news"),
        (":category", "en"),
        (":output_ext", ".html"),
        ("/:year-:month/:title:output_ext", "/2021-04/Ruby-3.4_is-Out.html"),
    ],
)
def test_a_placeholder_of_jekyll_has_its_value(pattern: str, expected: str) -> None:
    place = Place("en/_posts/sub/x", "en/_posts", "sub/2021-04-05-Ruby 3.4_is Out")
    facts = AddressFacts(place, "Title", FACTS.date, None, ("EN", "Old News", "en"))
    assert expand(pattern, JEKYLL, facts) == expected


def test_without_a_slug_jekyll_takes_the_file_name_and_hugo_the_title() -> None:
    facts = AddressFacts(Place("x", "", "2021-04-05-launch"), "The Title", FACTS.date)
    assert expand(":title/:slug", JEKYLL, facts) == "launch/launch"
    assert expand(":title/:slug/:slugorfilename", HUGO, facts) == "the-title/the-title/2021-04-05-launch"


def test_every_placeholder_that_is_known_can_be_expanded() -> None:
    assert [name for name in PLACEHOLDERS if not isinstance(expand(f":{name}", HUGO, FACTS), str)] == []
    assert unknown_placeholders("".join(f"/:{name}" for name in PLACEHOLDERS)) == []


@pytest.mark.parametrize(
    ("pattern", "unknown"),
    [("/:year/:nothing/", [":nothing"]), ("/:Year/:2006", [":Year", ":2006"]), (r"/\:x/", []), ("/a/", [])],
)
def test_unknown_placeholders_are_found(pattern: str, unknown: list[str]) -> None:
    assert unknown_placeholders(pattern) == unknown


def test_a_long_pattern_takes_no_long_time() -> None:
    assert unknown_placeholders(":year[" + "a" * 500_000) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A Title", "a-title"),
        ("Let's Encrypt: 10 years", "lets-encrypt-10-years"),
        ("a - b", "a-b"),
        ("C++ & C#", "c++-c#"),
        ("naïve café", "naïve-café"),
        ("हिन्दी समाचार", "हिन्दी-समाचार"),
        ("  x  ", "x"),
    ],
)
def test_a_path_is_sanitized_as_hugo_does(text: str, expected: str) -> None:
    assert hugo_path(HUGO, text) == expected


def test_hugo_may_keep_the_case() -> None:
    assert hugo_path(site("hugo", {"disablePathToLower": True}), "A Title") == "A-Title"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a b", "a-b"), ("What?", "What"), ("-a-", "a"), ("v1.2_x", "v1.2_x"), ("Über", "Über")],
)
def test_a_title_is_slugified_as_jekyll_does(text: str, expected: str) -> None:
    assert jekyll_title(text) == expected
