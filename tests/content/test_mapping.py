"""The table of sources: order of precedence, and which files are native."""

from typing import Any

import pytest

from gqlnews.content.mapping import (
    EXCERPT,
    FIELDS,
    IMAGES,
    ORIGINAL_URL,
    TITLE,
    WEB_URL,
    is_native,
    seems_native,
)
from tests.content.sites import parse, read, urls, yaml

_IMAGES = "images image cover featured_image featuredImage heroImage hero thumbnail coverImage"
SPECIFIED = {
    "title": "title newstitle headline name",
    "publishedDateTime": (
        "date pubDate publishDate publish_date publishedAt published_at datePublished dateReleased published"
    ),
    "modifiedDateTime": (
        "modifiedDateTime lastmod updated updatedDate updated_at modified last_modified_at last_edited"
    ),
    "excerpt": "excerpt summary description deck blurb spoiler seo.description",
    "originalUrl": "originalUrl external_url externalUrl source_url link",
    "webUrl": "webUrl permalink url path",
    "images": " ".join(
        [_IMAGES, *(f"{table}.{key}" for table in ("params", "extra") for key in _IMAGES.split())]
    ),
    "topics": "topics tags categories category keywords taxonomies.*",
    "authors": "authors author params.author extra.author",
    "language": "lang language locale",
    "published": "draft published status",
}


def test_the_table_is_the_specified_one() -> None:
    assert {sources.field: " ".join(sources.keys) for sources in FIELDS} == SPECIFIED


def nested(key: str, value: object) -> dict[str, Any]:
    first, _, rest = key.partition(".")
    return {first: nested(rest, value) if rest else value}


def merged(*tables: dict[str, Any]) -> dict[str, Any]:
    together: dict[str, Any] = {}
    for table in tables:
        for key, value in table.items():
            old = together.get(key)
            together[key] = {**old, **value} if isinstance(old, dict) else value
    return together


@pytest.mark.parametrize("position", range(len(TITLE.keys)))
def test_the_first_title_that_is_not_empty_counts(position: int) -> None:
    keys = {key: "" if number < position else key for number, key in enumerate(TITLE.keys)}
    assert read(yaml(date="2021-04-15", **keys)).title == TITLE.keys[position]


@pytest.mark.parametrize("position", range(len(EXCERPT.keys)))
def test_the_first_excerpt_that_is_not_empty_counts(position: int) -> None:
    keys = merged(*(nested(key, f"from {key}") for key in EXCERPT.keys[position:]))
    assert read(yaml("Body.", title="A", **keys)).excerpt == f"from {EXCERPT.keys[position]}"


@pytest.mark.parametrize("position", range(len(IMAGES.keys)))
def test_the_first_image_that_is_not_empty_counts(position: int) -> None:
    keys = merged(*(nested(key, f"/{key}.png") for key in IMAGES.keys[position:]))
    assert urls(read(yaml("![](/body.png)", title="A", **keys))) == [f"/{IMAGES.keys[position]}.png"]


@pytest.mark.parametrize("position", range(len(ORIGINAL_URL.keys)))
def test_the_first_link_elsewhere_counts(position: int) -> None:
    keys = {key: f"https://elsewhere.org/{key}" for key in ORIGINAL_URL.keys[position:]}
    article = read(yaml(title="A", date="2021-04-15", **keys))
    assert article.original_url == f"https://elsewhere.org/{ORIGINAL_URL.keys[position]}"
    assert article.web_url == "/2021-04-15-launch/"


@pytest.mark.parametrize("position", range(len(WEB_URL.keys)))
def test_the_first_address_of_its_own_counts(position: int) -> None:
    keys = {key: f"/{key}/" for key in WEB_URL.keys[position:]}
    assert read(yaml(title="A", date="2021-04-15", **keys)).web_url == f"/{WEB_URL.keys[position]}/"


DATE_KEYS = SPECIFIED["publishedDateTime"].split()


@pytest.mark.parametrize("position", range(len(DATE_KEYS)))
def test_the_first_date_that_is_not_empty_counts(position: int) -> None:
    keys = {key: f"2021-01-{number + 1:02}" for number, key in enumerate(DATE_KEYS) if number >= position}
    article = read(yaml(title="A", **dict(reversed(keys.items()))))
    assert article.published_date_time == f"2021-01-{position + 1:02}T00:00:00Z"


@pytest.mark.parametrize("key", SPECIFIED["modifiedDateTime"].split())
def test_every_key_for_the_last_change_is_read(key: str) -> None:
    article = read(yaml(title="A", date="2021-04-15", **{key: "2021-5-6"}))
    assert article.modified_date_time == "2021-05-06T00:00:00Z"


@pytest.mark.parametrize(
    ("keys", "native"),
    [
        ({"publishedDateTime": "2021"}, True),
        ({"publishedDateTime": None, "date": "2021-04-15"}, True),
        ({"webUrl": "x"}, True),
        ({"originalUrl": "x"}, True),
        ({"sourceUrl": "x"}, True),
        ({"webUrl": "x", "date": "2021-04-15"}, False),
        ({"webUrl": "x", "pubDate": None}, False),
        ({"webUrl": "x", "published": "no"}, True),
        ({"webUrl": "x", "published": True}, True),
        ({"webUrl": "x", "published": "2021-04-15"}, False),
        ({"webUrl": "x", "published": "April 15, 2021"}, False),
        ({"title": "x"}, False),
        ({"ampUrl": "x"}, False),
        ({}, False),
    ],
)
def test_a_file_is_native_by_its_keys(keys: dict[str, object], native: bool) -> None:
    assert is_native(keys) is native


@pytest.mark.parametrize(
    ("front", "native"),
    [
        ("\ntitle: [\nwebUrl: x\n", True),
        ('\n"publishedDateTime" : x\n', True),
        ("\ntitle: webUrl: x\n", False),
    ],
)
def test_broken_front_matter_seems_native_by_its_lines(front: str, native: bool) -> None:
    assert seems_native(front) is native


def test_a_native_file_is_read_anywhere_and_is_never_mapped() -> None:
    text = yaml(title="A", publishedDateTime="2021-04-15", webUrl="https://a.org/1", tags=["x"], author="B")
    article = read(text, "hugo", "static/README.md")
    assert (article.slug, article.is_mapped, article.topics) == ("static/README", False, ())
    assert article.extra == '{"tags":["x"],"author":"B"}'


@pytest.mark.parametrize(
    ("keys", "published", "codes"),
    [
        ({"draft": True}, False, ["draft"]),
        ({"draft": "yes"}, False, ["draft", "repaired-type"]),
        ({"draft": False}, True, []),
        ({"draft": True, "published": True}, True, []),
        ({"draft": True, "published": False}, False, []),
        ({"draft": None}, True, []),
    ],
)
def test_a_native_draft_is_hidden(keys: dict[str, Any], published: bool, codes: list[str]) -> None:
    text = yaml(title="A", publishedDateTime="2021-04-15", webUrl="https://a.org/1", **keys)
    article, problems = parse(text)
    assert article is not None
    assert (article.published, article.extra) == (published, "{}")
    assert sorted(problem.code for problem in problems) == codes


def test_a_native_draft_that_is_neither_true_nor_false_is_an_error() -> None:
    text = yaml(title="A", publishedDateTime="2021-04-15", webUrl="https://a.org/1", draft="maybe")
    assert [problem.code for problem in parse(text)[1]] == ["wrong-type"]
