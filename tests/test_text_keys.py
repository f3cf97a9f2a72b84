"""Slugs of articles and topics."""

import pytest

from gqlnews.text_keys import slug_from_path, topic_slug


@pytest.mark.parametrize(
    ("path", "slug"),
    [("a.md", "a"), ("2021/a.b.markdown", "2021/a.b"), ("x y/é.md", "x y/é"), ("a.md/b.md", "a.md/b")],
)
def test_the_slug_of_an_article_is_its_path_without_extension(path: str, slug: str) -> None:
    assert slug_from_path(path) == slug


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Computer Vision", "computer-vision"),
        ("  AI / ML  ", "ai-ml"),
        ("C++", "c"),
        ("Économie", "e-conomie"),
        ("ﬁnance", "finance"),
        ("日本", "日本"),
        ("Ж", "ж"),
        ("5G", "5g"),
    ],
)
def test_the_slug_of_a_topic(name: str, slug: str) -> None:
    assert topic_slug(name) == slug
