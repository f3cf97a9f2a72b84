"""The examples have no problems, and stories that lead from one article to the next."""

from collections import Counter

import pytest

from gqlnews.content.models import ParsedArticle, ParseOptions, ParseResult, SourceFile
from gqlnews.discovery.scan import scan_folder
from tests.conftest import EXAMPLES
from tests.content.parsing import parse_all

LEAD = "2026/harbour-tunnel-opens"


@pytest.fixture(scope="module")
def outcomes() -> list[ParseResult]:
    files = [found for found in scan_folder(EXAMPLES) if isinstance(found, SourceFile)]
    return list(parse_all(EXAMPLES, files, ParseOptions()))


@pytest.fixture(scope="module")
def articles(outcomes: list[ParseResult]) -> dict[str, ParsedArticle]:
    """URL → article."""
    return {outcome.article.url: outcome.article for outcome in outcomes if outcome.article}


OF_SITES = {
    "due",
    "due_after",
    "root_relative_url",
    "modified_at",
    "modified_date_time",
    "authors",
    "language",
    "field_values",
    "image_files",
    "relative_images",
}
DERIVED = {"url_position", "published_position", "base_url", "prose", "linked_slugs", "is_mapped", *OF_SITES}
"""Fields that are no keys."""


def test_the_example_has_no_problems(outcomes: list[ParseResult]) -> None:
    assert [problem for outcome in outcomes for problem in outcome.problems] == []


def test_most_articles_are_published(articles: dict[str, ParsedArticle]) -> None:
    assert Counter(article.published for article in articles.values()) == {True: 15, False: 5}


def test_the_lead_has_public_links_three_levels_deep(articles: dict[str, ParsedArticle]) -> None:
    level = [article for article in articles.values() if article.slug == LEAD]
    for _ in range(3):
        level = [
            articles[entry.url] for article in level for entry in article.related[:3] if entry.url in articles
        ]
        assert len([article for article in level if article.published and article.related]) >= 3


def test_published_articles_list_unpublished_ones(articles: dict[str, ParsedArticle]) -> None:
    listed = [entry.url for article in articles.values() if article.published for entry in article.related]
    assert sum(url in articles and not articles[url].published for url in listed) >= 5


def test_there_are_several_stories(articles: dict[str, ParsedArticle]) -> None:
    lists = {url: {entry.url for entry in article.related} for url, article in articles.items()}
    mutual = [url for url in lists if any(url in lists.get(other, ()) for other in lists[url])]
    assert len(mutual) >= 12


def test_every_key_of_the_format_occurs(articles: dict[str, ParsedArticle]) -> None:
    keys = set(ParsedArticle.__struct_fields__) - DERIVED
    unused = {
        key
        for key in keys
        if all(getattr(article, key) in (None, (), "[]", "{}") for article in articles.values())
    }
    assert unused == set()
