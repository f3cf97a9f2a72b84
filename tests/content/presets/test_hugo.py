"""Sites of Hugo: content folders, languages and addresses."""

from typing import Any

import pytest

from tests.content.sites import codes, parse, read, site, urls, yaml

DATED = {"title": "The Launch", "date": "2021-04-15T23:30:00-07:00"}


def address(config: dict[str, Any], path: str = "content/post/My File.md", **keys: Any) -> str | None:
    return read(yaml(**DATED, **keys), site("hugo", config), path).web_url


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, "/post/my-file/"),
        ({"disablePathToLower": True}, "/post/My-File/"),
        ({"permalinks": {"post": "/:year/:month/:day/:slug/"}}, "/2021/04/15/the-launch/"),
        ({"Permalinks": {"Post": "/:year/:title/"}}, "/2021/the-launch/"),
        ({"permalinks": {"page": {"post": "/p/:filename/"}}}, "/p/my-file/"),
        ({"permalinks": {"section": {"post": "/s/"}}}, "/post/my-file/"),
        ({"permalinks": {"other": "/:year/"}}, "/post/my-file/"),
        ({"permalinks": {"/": "/:year/:filename/"}}, "/2021/my-file/"),
        ({"uglyURLs": True}, "/post/my-file.html"),
        ({"uglyURLs": {"post": True}}, "/post/my-file.html"),
        ({"uglyURLs": {"post": False}}, "/post/my-file/"),
        ({"uglyURLs": {"post": True}, "permalinks": {"post": "/:year/:slug/"}}, "/2021/the-launch.html"),
        ({"permalinks": {"post": "/:nothing/"}}, "/post/my-file/"),
    ],
)
def test_the_address_follows_the_configuration(config: dict[str, Any], expected: str) -> None:
    assert address(config) == expected


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"slug": "Own Slug"}, "/post/own-slug/"),
        ({"url": "/own/path/"}, "/own/path/"),
        ({"url": "/own/path"}, "/own/path/"),
        ({"url": "/own/path.html"}, "/own/path.html"),
        ({"url": "/:year/own/"}, "/2021/own/"),
        ({"url": "/own/?a=1#b"}, "/own/?a=1#b"),
        ({"URL": "own"}, "/own/"),
        ({"url": "https://elsewhere.org/x"}, "https://elsewhere.org/x"),
    ],
)
def test_the_address_follows_the_front_matter(keys: dict[str, str], expected: str) -> None:
    assert address({}, **keys) == expected


@pytest.mark.parametrize(
    ("path", "expected", "slug"),
    [
        ("content/post/launch/index.md", "/post/launch/", "post/launch"),
        ("content/launch.md", "/launch/", "launch"),
        ("content/a/b/c.md", "/a/b/c/", "a/b/c"),
        ("content/a/Ä ö.md", "/a/%C3%A4-%C3%B6/", "a/Ä ö"),
    ],
)
def test_a_file_has_an_address_and_a_slug_by_its_path(path: str, expected: str, slug: str) -> None:
    article = read(yaml(**DATED), "hugo", path)
    assert (article.web_url, article.slug) == (expected, slug)


def test_a_nested_section_may_have_a_pattern_of_its_own() -> None:
    config = {"permalinks": {"page": {"/a/b": "/deep/:filename/", "a": "/:filename/"}}}
    assert address(config, "content/a/b/c.md") == "/deep/c/"
    assert address(config, "content/a/x/c.md") == "/c/"


def test_the_base_url_contains_a_path() -> None:
    assert address({"baseURL": "https://example.org/news/"}) == "https://example.org/news/post/my-file/"


def test_a_date_in_the_file_name_is_part_of_the_address_unless_the_site_splits_names() -> None:
    path = "content/post/2021-04-15-launch.md"
    assert read(yaml(title="A"), "hugo", path).web_url == "/post/2021-04-15-launch/"
    splitting = site("hugo", {"frontmatter": {"date": [":filename", ":default"]}})
    assert read(yaml(title="A"), splitting, path).web_url == "/post/launch/"


# Languages.

BY_FOLDER = {
    "defaultContentLanguage": "en",
    "languages": {
        "en": {"contentDir": "content/en", "title": "News", "baseURL": "https://en.example.org/"},
        "fr": {"contentDir": "content/fr"},
        "de": {"contentDir": "content/de", "disabled": True},
    },
}
BY_SUFFIX: dict[str, Any] = {"languages": {"en": {}, "fr": {}, "pt-br": {}}}


@pytest.mark.parametrize(
    ("config", "path", "expected"),
    [
        (BY_FOLDER, "content/en/post/a.md", ("https://en.example.org/post/a/", "en/post/a", "en")),
        (BY_FOLDER, "content/fr/post/a.md", ("https://en.example.org/fr/post/a/", "fr/post/a", "fr")),
        (BY_SUFFIX, "content/post/a.md", ("/post/a/", "post/a", "en")),
        (BY_SUFFIX, "content/post/a.fr.md", ("/fr/post/a/", "post/a.fr", "fr")),
        (BY_SUFFIX, "content/post/a/index.fr.md", ("/fr/post/a/", "post/a.fr", "fr")),
        (BY_SUFFIX, "content/post/a.pt-BR.md", ("/pt-br/post/a/", "post/a.pt-BR", "pt-br")),
        (BY_SUFFIX, "content/post/a.xx.md", ("/post/a.xx/", "post/a.xx", "en")),
        (BY_SUFFIX | {"defaultContentLanguageInSubdir": True}, "content/a.md", ("/en/a/", "a", "en")),
    ],
)
def test_languages_have_their_own_addresses_and_slugs(
    config: dict[str, Any], path: str, expected: tuple[str, str, str]
) -> None:
    article = read(yaml(**DATED), site("hugo", config), path)
    assert (article.web_url, article.slug, article.language) == expected


def test_a_relative_url_is_below_the_language() -> None:
    own = site("hugo", BY_SUFFIX)
    assert read(yaml(**DATED, url="x"), own, "content/a.fr.md").web_url == "/fr/x/"
    assert read(yaml(**DATED, url="/x"), own, "content/a.fr.md").web_url == "/x/"


def test_a_disabled_language_is_not_served() -> None:
    assert parse(yaml(**DATED), site("hugo", BY_FOLDER), "content/de/post/a.md") == (None, ())
    by_suffix = site("hugo", {"languages": {"en": {}, "fr": {"disabled": True}}})
    assert not read(yaml(**DATED), by_suffix, "content/a.fr.md").published
    listed = site("hugo", {"disableLanguages": ["fr"], "languages": {"en": {}, "fr": {}}})
    assert not read(yaml(**DATED), listed, "content/a.fr.md").published


def test_the_content_folder_may_be_elsewhere() -> None:
    own = site("hugo", {"contentDir": "articles"})
    assert read(yaml(**DATED), own, "articles/post/a.md").slug == "post/a"
    assert parse(yaml(**DATED), own, "content/post/a.md") == (None, ())


def test_the_provider_is_the_site() -> None:
    config = {"baseURL": "https://News.example.org:8443/", "title": "Example News"}
    provider = read(yaml(**DATED), site("hugo", config), "content/a.md").provider
    assert provider is not None
    assert (provider.name, provider.domain) == ("Example News", "news.example.org")


# Keys in any case, future and expiry.


def test_keys_have_any_case() -> None:
    article = read(
        yaml(Title="A", DATE="2021-04-15", Tags=["x"], Params={"Image": "/a.png"}), "hugo", "content/a.md"
    )
    assert (article.title, [topic.name for topic in article.topics]) == ("A", ["x"])
    assert urls(article) == ["/a.png"]
    assert article.extra == "{}"


@pytest.mark.parametrize(
    ("keys", "now", "published", "due"),
    [
        ({"date": "2030-01-01"}, "2021-04-16T00:00:00", False, "2030-01-01T00:00:00"),
        ({"date": "2021-04-15"}, "2021-04-16T00:00:00", True, None),
        (
            {"date": "2021-04-15", "publishDate": "2030-01-01"},
            "2021-04-16T00:00:00",
            False,
            "2030-01-01T00:00:00",
        ),
        ({"date": "2030-01-01", "publishDate": "2021-04-15"}, "2021-04-16T00:00:00", True, None),
        (
            {"date": "2021-04-15", "expirydate": "2021-05-01"},
            "2021-04-16T00:00:00",
            True,
            "2021-05-01T00:00:00",
        ),
        ({"date": "2021-04-15", "expiryDate": "2021-05-01"}, "2021-05-01T00:00:00", False, None),
        ({"date": "2021-04-15", "unpublishdate": "2021-04-01"}, "2021-04-16T00:00:00", False, None),
        (
            {"date": "2021-05-01", "expiryDate": "2021-06-01"},
            "2021-04-16T00:00:00",
            False,
            "2021-05-01T00:00:00",
        ),
        ({"date": "2030-01-01", "draft": True}, "2021-04-16T00:00:00", False, None),
        ({"date": "2030-01-01", "expiryDate": "2029-01-01"}, "2021-04-16T00:00:00", False, None),
    ],
)
def test_an_article_is_public_from_its_date_until_it_expires(
    keys: dict[str, Any], now: str, published: bool, due: str | None
) -> None:
    article = read(yaml(title="A", **keys), "hugo", "content/a.md", now)
    assert (article.published, article.due) == (published, due)


def test_the_configuration_may_show_future_and_expired_articles() -> None:
    own = site("hugo", {"buildFuture": True, "buildExpired": True})
    text = yaml(title="A", date="2030-01-01", expiryDate="2000-01-01")
    assert read(text, own, "content/a.md", "2021-04-16T00:00:00").published


@pytest.mark.parametrize("key", ["publishDate", "pubdate"])
def test_a_publication_date_that_is_no_date_is_an_error(key: str) -> None:
    text = yaml(title="A", date="2021-04-15", **{key: "soon"})
    assert codes(text, "hugo", "content/a.md") == [("bad-date", 4)]


def test_an_unreadable_date_is_reported_once() -> None:
    assert codes(yaml(title="A", publishDate="soon"), "hugo", "content/a.md") == [("bad-date", 3)]


def test_the_publication_date_is_no_unknown_key() -> None:
    text = yaml(title="A", date="2021-04-15", publishDate="2021-04-14", published=True)
    assert read(text, "hugo", "content/a.md").extra == "{}"


def test_an_expiry_that_is_no_date_is_an_error() -> None:
    assert codes(yaml(title="A", date="2021-04-15", expiryDate="soon"), "hugo", "content/a.md") == [
        ("bad-date", 4)
    ]
