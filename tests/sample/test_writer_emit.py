"""The text of a file, compared with what PyYAML reads from it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gqlnews.sample.fields import SampleArticle, SampleProvider
from gqlnews.sample.writer import article_text, entry_text

words = st.text(st.characters(blacklist_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=60)
providers = st.builds(
    SampleProvider, st.just("one-post.example"), st.just(("One Post",)), st.none() | st.just("/badge.png")
)
articles = st.builds(
    SampleArticle,
    number=st.integers(0, 10**6),
    title=words,
    excerpt=words,
    minute=st.integers(0, 1_000_000),
    url=st.sampled_from(["https://www.one-post.example/1", "https://www.one-post.example/1?a=1&amp;b=2"]),
    provider=providers,
    provider_name=words,
    image=st.none() | st.just("https://images.example/1.jpg"),
    topics=st.sampled_from([("News",), ("News", "Rail and Roads")]),
)


def read(text: str) -> Any:
    return yaml.load(text, yaml.CSafeLoader)


def instant(minute: int) -> datetime:
    return datetime(2023, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)


@given(articles)
def test_an_article_is_parsed_to_its_values(article: SampleArticle) -> None:
    text = article_text(article, [entry_text(article)], "c2VhbGVk;dmVjdG9y", "## Body\n")
    _, matter, body = text.split("---\n", 2)
    front = read(matter)
    assert body == "\n## Body\n"
    assert [front[key] for key in ("title", "excerpt", "webUrl", "originalUrl", "publishedDateTime")] == [
        article.title, article.excerpt, article.url, article.url, instant(article.minute)
    ]  # fmt: skip
    assert [front[key] for key in ("quality", "heat", "published", "topics", "secured")] == [
        article.quality, article.heat, article.published, list(article.topics), "c2VhbGVk;dmVjdG9y"
    ]  # fmt: skip
    assert ("featuredContent" in front) == (front["type"] == "video") == article.is_video
    assert ("images" in front["provider"]) == (article.provider.badge is not None)


@given(articles)
def test_an_entry_has_the_values_of_its_article(article: SampleArticle) -> None:
    front = read(article_text(article, [], "", "").split("---\n")[1])
    (entry,) = read(entry_text(article))
    assert entry.keys() <= front.keys() - {"related", "originalUrl"}
    for key in entry.keys() - {"provider", "images"}:
        assert entry[key] == front[key]
    assert entry["provider"] == {"name": article.provider_name, "domain": "one-post.example"}


@pytest.mark.parametrize(
    ("image", "sizes"), [(None, None), ("https://images.example/9.jpg", {"width": 700, "height": 393})]
)
def test_images_have_a_size(image: str | None, sizes: dict[str, int] | None) -> None:
    article = SampleArticle(
        20, "T", "E", 0, "https://www.one-post.example/1", True, False, 5,
        SampleProvider("one-post.example", ("One Post",), None), "One Post", image, 700, 393, True, 9,
        ("News",),
    )  # fmt: skip
    for images in (
        read(article_text(article, [], "", "").split("---\n")[1]).get("images"),
        read(entry_text(article))[0].get("images"),
    ):
        assert (images and {key: images[0][key] for key in ("width", "height")}) == sizes
