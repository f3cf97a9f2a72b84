"""Sites of the other generators: addresses and slugs by the conventions of each."""

from typing import Any

import msgspec
import pytest

from gqlnews.content.presets.generators import DEFAULT_SITES, PRESETS
from tests.content.sites import parse, read, site, yaml


@pytest.mark.parametrize(
    ("preset", "path", "keys", "expected", "slug"),
    [
        (
            "zola",
            "content/blog/2021-04-15-the launch.md",
            {},
            "/blog/the-launch/",
            "blog/2021-04-15-the launch",
        ),
        ("zola", "content/My Blog/post/index.md", {"slug": "own"}, "/my-blog/own/", "My Blog/post"),
        ("zola", "content/a.md", {"path": "2021/04/15/a"}, "/2021/04/15/a/", "a"),
        ("zola", "content/2021-04-15.md", {}, "/2021-04-15/", "2021-04-15"),
        ("eleventy", "src/posts/2021-04-15-launch.md", {}, "/posts/launch/", "src/posts/2021-04-15-launch"),
        (
            "eleventy",
            "posts/2021-04-15-launch/index.md",
            {},
            "/posts/2021-04-15-launch/",
            "posts/2021-04-15-launch",
        ),
        ("eleventy", "content/launch/index.md", {}, "/launch/", "content/launch"),
        ("eleventy", "posts/launch.md", {"permalink": "/own/index.html"}, "/own/", "posts/launch"),
        ("eleventy", "posts/launch.md", {"permalink": "/{{ page.x }}/"}, "/posts/launch/", "posts/launch"),
        ("astro", "src/content/blog/My Post.mdx", {}, "/blog/my-post/", "content/blog/My Post"),
        ("astro", "src/content/blog/2021/a/index.md", {}, "/blog/2021/a/", "content/blog/2021/a"),
        ("astro", "src/content/blog/a.md", {"slug": "x/y"}, "/blog/x/y/", "content/blog/a"),
        ("astro", "src/data/post/a.md", {}, "/post/a/", "data/post/a"),
        ("astro", "src/pages/news/a.md", {}, "/news/a/", "pages/news/a"),
        ("docusaurus", "blog/2021-04-15-launch.md", {}, "/blog/2021/04/15/launch", "blog/2021-04-15-launch"),
        (
            "docusaurus",
            "blog/2021-04-15-launch/index.mdx",
            {},
            "/blog/2021/04/15/launch",
            "blog/2021-04-15-launch",
        ),
        ("docusaurus", "blog/2021/4/5/launch.md", {}, "/blog/2021/4/5/launch", "blog/2021/4/5/launch"),
        ("docusaurus", "website/blog/x/launch.md", {}, "/blog/x/launch", "website/blog/x/launch"),
        ("docusaurus", "blog/2021-04-15-launch.md", {"slug": "/own"}, "/blog/own", "blog/2021-04-15-launch"),
        ("nuxt", "content/2.blog/37.My Post.md", {}, "/blog/my-post", "blog/My Post"),
        ("nuxt", "content/blog/1.index.md", {}, "/blog", "blog"),
        ("next", "pages/en/blog/a.md", {}, "/en/blog/a", "pages/en/blog/a"),
        ("next", "app/blog/a/page.mdx", {}, "/blog/a", "app/blog/a/page"),
        ("next", "src/content/a/index.md", {}, "/a", "src/content/a"),
        ("next", "posts/a.md", {}, "/posts/a", "posts/a"),
        ("next", "public/news/a.md", {}, "/news/a", "public/news/a"),
        ("pelican", "content/news/a.md", {}, "/the-launch-a-success.html", "news/a"),
        ("pelican", "content/a.md", {"title": "Version 2.0: now"}, "/version-20-now.html", "a"),
        ("pelican", "content/news/a.md", {"Slug": "own"}, "/own.html", "news/a"),
        ("generic", "news/a.md", {}, "/news/a/", "news/a"),
        ("generic", "news/a/index.md", {}, "/news/a/", "news/a"),
        ("generic", "index.md", {}, "/", "index"),
    ],
)
def test_an_article_has_the_address_and_slug_of_its_generator(
    preset: str, path: str, keys: dict[str, Any], expected: str, slug: str
) -> None:
    article = read(yaml(**{"title": "The Launch: a Success", "date": "2021-04-15", **keys}), preset, path)
    assert (article.web_url, article.slug) == (expected, slug)


@pytest.mark.parametrize(
    ("preset", "path"),
    [
        *(
            ("hugo", "static/a.md"),
            ("jekyll", "posts/a.md"),
            ("zola", "templates/a.md"),
            ("nuxt", "docs/a.md"),
        ),
        *(
            ("astro", "src/a.md"),
            ("astro", "src/content/a.md"),
            ("docusaurus", "docs/a.md"),
            ("next", "a.md"),
        ),
        *(("pelican", "a.md"), ("hugo", "contents/a.md")),
    ],
)
def test_a_file_outside_the_content_roots_is_passed_over(preset: str, path: str) -> None:
    assert parse(yaml(title="A", date="2021-04-15"), preset, path) == (None, ())


ASTROWIND = {
    "site": {"name": "Example", "site": "https://example.org", "base": "/", "trailingSlash": False},
    "apps": {"blog": {"post": {"permalink": "/%year%/%category%/%slug%"}}},
    "i18n": {"language": "fr"},
}


def test_astrowind_names_the_addresses_of_its_posts() -> None:
    own = site("astro", ASTROWIND)
    article = read(yaml(title="A", publishDate="2021-04-15", category="Big News"), own, "src/data/post/A.md")
    assert article.web_url == "https://example.org/2021/big-news/a"
    assert article.provider is not None
    assert (article.provider.name, article.provider.domain) == ("Example", "example.org")
    other = read(yaml(title="A", publishDate="2021-04-15"), own, "src/content/notes/A.md")
    assert other.web_url == "https://example.org/notes/a"


def test_astrowind_may_have_a_base_and_a_trailing_slash() -> None:
    config = {"site": {"site": "https://example.org/", "base": "/b/", "trailingSlash": True}}
    article = read(yaml(title="A", date="2021-04-15"), site("astro", config), "src/content/post/a.md")
    assert article.web_url == "https://example.org/b/post/a/"


def test_zola_names_its_languages() -> None:
    own = site("zola", {"base_url": "https://example.org", "default_language": "en", "languages": {"fr": {}}})
    article = read(yaml(title="A", date="2021-04-15"), own, "content/blog/a.fr.md")
    assert (article.web_url, article.slug, article.language) == (
        "https://example.org/fr/blog/a/",
        "blog/a.fr",
        "fr",
    )
    assert read(yaml(title="A", date="2021-04-15", path="x"), own, "content/a.fr.md").web_url == (
        "https://example.org/fr/x/"
    )


@pytest.mark.parametrize("preset", PRESETS)
def test_the_pattern_of_the_caller_holds_for_every_preset(preset: str) -> None:
    roots = {
        "jekyll": "_posts",
        "docusaurus": "blog",
        "astro": "src/content/post",
        "next": "pages",
        "generic": "x",
    }
    own = msgspec.structs.replace(DEFAULT_SITES[preset], permalink="/p/:year/:month/")
    article = read(yaml(title="A", date="2021-04-15"), own, f"{roots.get(preset, 'content')}/a.md")
    assert article.web_url == "/p/2021/04/"


def test_only_hugo_and_jekyll_hide_the_future() -> None:
    assert {name for name, own in DEFAULT_SITES.items() if own.hides_future} == {"hugo", "jekyll"}
    assert {name for name, own in DEFAULT_SITES.items() if own.hides_expired} == {"hugo"}
