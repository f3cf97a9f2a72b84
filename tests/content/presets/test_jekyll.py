"""Sites of Jekyll: posts, collections, categories of the address, and defaults."""

from typing import Any

import pytest

from tests.content.sites import codes, parse, read, site, yaml

POST = "_posts/2021-04-15-The Launch.md"


def address(config: dict[str, Any], path: str = POST, **keys: Any) -> str | None:
    return read(yaml(title="A", **keys), site("jekyll", config), path).web_url


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        (None, "/2021/04/15/The-Launch.html"),
        ("date", "/2021/04/15/The-Launch.html"),
        ("pretty", "/2021/04/15/The-Launch/"),
        ("ordinal", "/2021/105/The-Launch.html"),
        ("weekdate", "/2021/W15/THU/The-Launch.html"),
        ("none", "/The-Launch.html"),
        ("/:year/:slug/", "/2021/the-launch/"),
        ("/blog/:title", "/blog/The-Launch"),
        ("/:nothing/", "/2021/04/15/The-Launch.html"),
    ],
)
def test_the_address_follows_the_style(style: str | None, expected: str) -> None:
    assert address({} if style is None else {"permalink": style}) == expected


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"permalink": "/own/"}, "/own/"),
        ({"permalink": "own.html"}, "/own.html"),
        ({"permalink": "/own/index.html"}, "/own/"),
        ({"permalink": "/:categories/:title/", "categories": "x"}, "/x/The-Launch/"),
        ({"permalink": "/a/:b/"}, "/a/:b/"),
        ({"permalink": "/{{ page.x }}/"}, "/2021/04/15/The-Launch.html"),
        ({"permalink": False}, "/2021/04/15/The-Launch.html"),
        ({"slug": "own"}, "/2021/04/15/own.html"),
        ({"date": "2020-01-02"}, "/2020/01/02/The-Launch.html"),
        ({"categories": "News  Old"}, "/news/old/2021/04/15/The-Launch.html"),
        ({"categories": ["News", "Old Things"]}, "/news/old%20things/2021/04/15/The-Launch.html"),
        ({"category": "Big News"}, "/big%20news/2021/04/15/The-Launch.html"),
    ],
)
def test_the_address_follows_the_front_matter(keys: dict[str, Any], expected: str) -> None:
    assert address({}, **keys) == expected


def test_folders_above_the_posts_are_categories_of_the_address_but_no_topics() -> None:
    article = read(yaml(title="A", tags="x y"), site("jekyll", {"permalink": "pretty"}), f"en/news/{POST}")
    assert article.web_url == "/en/news/2021/04/15/The-Launch/"
    assert article.slug == "en/news/2021-04-15-The Launch"
    assert [topic.name for topic in article.topics] == ["x", "y"]


def test_the_address_has_the_date_in_the_zone_of_the_site() -> None:
    config = {"timezone": "Asia/Tokyo"}
    assert address(config, date="2021-04-15 23:00 +0000") == "/2021/04/16/The-Launch.html"
    article = read(yaml(title="A"), site("jekyll", config), POST)
    assert article.published_date_time == "2021-04-14T15:00:00Z"


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"url": "https://example.org"}, "https://example.org/2021/04/15/The-Launch.html"),
        (
            {"url": "https://example.org/", "baseurl": "/blog/"},
            "https://example.org/blog/2021/04/15/The-Launch.html",
        ),
        ({"baseurl": "blog"}, "/blog/2021/04/15/The-Launch.html"),
    ],
)
def test_the_base_url_is_host_and_path(config: dict[str, Any], expected: str) -> None:
    assert address(config) == expected


# Collections, folders and defaults.


@pytest.mark.parametrize(
    ("config", "path", "expected"),
    [
        ({"collections": {"news": {"output": True}}}, "_news/a.md", "/news/a.html"),
        ({"collections": {"news": {"output": True}}}, "_news/sub/a.md", "/news/sub/a.html"),
        ({"collections": {"news": {"output": True}}, "permalink": "pretty"}, "_news/a.md", "/news/a/"),
        ({"collections": {"news": {"output": True}}, "permalink": "/:title"}, "_news/a.md", "/news/a"),
        ({"collections": {"news": {"output": True}}, "permalink": "/:title/"}, "_news/a.md", "/news/a/"),
        (
            {"collections": {"news": {"output": True}}, "permalink": "/:title:output_ext"},
            "_news/a.md",
            "/news/a.html",
        ),
        ({"collections": {"news": {"output": True, "permalink": "/n/:name/"}}}, "_news/a.md", "/n/a/"),
        (
            {"collections": {"news": {"output": True}}, "collections_dir": "all"},
            "all/_news/a.md",
            "/news/a.html",
        ),
    ],
)
def test_a_collection_has_an_address_of_its_own(config: dict[str, Any], path: str, expected: str) -> None:
    assert address(config, path, date="2021-04-15") == expected


def test_a_collection_without_output_is_not_served() -> None:
    config = {"collections": {"news": {"output": False}, "posts": {"output": True}}}
    assert parse(yaml(title="A", date="2021-04-15"), site("jekyll", config), "_news/a.md") == (None, ())


def test_the_source_may_be_a_folder() -> None:
    article = read(yaml(title="A"), site("jekyll", {"source": "./docs/"}), f"docs/news/{POST}")
    assert (article.slug, article.web_url) == (
        "news/2021-04-15-The Launch",
        "/news/2021/04/15/The-Launch.html",
    )


def test_a_draft_is_an_article_that_is_not_published() -> None:
    article = read(yaml(title="A", date="2021-04-15"), "jekyll", "_drafts/launch.md")
    assert not article.published
    assert parse(yaml(title="A"), "jekyll", "_drafts/launch.md") == (None, ())


DEFAULTS = [
    {"scope": {"path": ""}, "values": {"lang": "en", "image": "/default.png", "seo": {"a": 1}}},
    {"scope": {"path": "", "type": "posts"}, "values": {"tags": "posts", "published": True}},
    {"scope": {"path": "fr"}, "values": {"lang": "fr"}},
    {"scope": {"path": "", "type": "pages"}, "values": {"tags": "pages"}},
    {"scope": {"path": "**/old"}, "values": {"published": False}},
    {"scope": {"path": "", "type": "post"}, "values": {"seo": {"b": 2}}},
    "not a table",
]


@pytest.mark.parametrize(
    ("path", "language", "published"),
    [(POST, "en", True), (f"fr/{POST}", "fr", True), (f"de/old/{POST}", "en", False)],
)
def test_defaults_apply_by_path_and_type(path: str, language: str, published: bool) -> None:
    article = read(yaml(title="A"), site("jekyll", {"defaults": DEFAULTS}), path)
    assert (article.language, article.published) == (language, published)
    assert [topic.name for topic in article.topics] == ["posts"]
    assert "/default.png" in article.images


def test_the_file_wins_over_the_defaults_unless_its_value_is_empty() -> None:
    own = site("jekyll", {"defaults": DEFAULTS})
    article = read(yaml(title="A", tags="mine", lang=None), own, POST)
    assert ([topic.name for topic in article.topics], article.language) == (["mine"], "en")


def test_a_wrong_default_is_reported_at_the_beginning_of_the_file() -> None:
    own = site("jekyll", {"defaults": [{"scope": {"path": ""}, "values": {"date": "soon"}}]})
    assert codes(yaml(title="A"), own, POST) == [("bad-date", 1)]


def test_future_posts_are_hidden_unless_the_configuration_shows_them() -> None:
    text = yaml(title="A", date="2030-01-01")
    assert not read(text, "jekyll", POST, "2021-04-16T00:00:00").published
    assert read(text, site("jekyll", {"future": True}), POST, "2021-04-16T00:00:00").published
