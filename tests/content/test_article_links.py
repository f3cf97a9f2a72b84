"""Which URLs are links to files, and which articles they may mean. The ingest tests show the results."""

import pytest

from gqlnews.content.article_links import ArticleLink, find_article_link, resolve_placeholders
from gqlnews.text_keys import slug_from_path

BASE = "https://example.org/a/"


def native_slugs(path: str) -> tuple[str, ...]:
    return (slug_from_path(path),)


@pytest.mark.parametrize(
    "url", ["other", "other.md.txt", "//[/other.md", "x:other.md", "other.md?a", "../../other.md"]
)
def test_other_urls_are_no_links_to_files(url: str) -> None:
    assert find_article_link(url, "a/one.md", BASE, native_slugs) is None


def test_a_link_may_mean_a_file_relative_to_each_folder_above() -> None:
    link = find_article_link("d e.md#x", "a/b/c.md", BASE, native_slugs)
    assert link == ArticleLink(
        ("a/b/d e", "a/d e", "d e"), "article:a/b/d%20e|a/d%20e|d%20e https://example.org/a/d%20e.md#x"
    )


def test_of_deep_folders_only_the_nearest_are_tried() -> None:
    link = find_article_link("other.md", "a/" * 30 + "one.md", BASE, native_slugs)
    assert link is not None
    assert link.slugs == tuple("a/" * depth + "other" for depth in range(30, 14, -1))


def test_the_first_article_that_exists_is_used() -> None:
    link = find_article_link("d.md", "a/b/c.md", BASE, native_slugs)
    assert link is not None
    html = f'<a title="t" href="{link.placeholder}">x</a> href="{link.placeholder}"'
    text = f' href="{link.placeholder}"'
    for urls, url in (
        ({"a/d": "/1?a&b", "d": "/2"}, "/1?a&amp;b"),
        ({"d": "/2"}, "/2"),
        ({}, "https://example.org/a/d.md"),
    ):
        assert resolve_placeholders(html, urls.get) == f'<a title="t" href="{url}">x</a>{text}'
