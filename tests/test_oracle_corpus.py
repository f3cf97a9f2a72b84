"""The figures of the real articles, computed by the oracle alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.oracle.content import read_folder
from tests.oracle.drift import drift
from tests.oracle.facets import by_count, intervals
from tests.oracle.world import World, make_world


@pytest.fixture(scope="module")
def whole(corpus: Path) -> World:
    """Everything in `ai2020`, as an editor sees it."""
    return make_world(read_folder(corpus / "ai2020"), "open")


def test_stories_and_the_largest(whole: World) -> None:
    sizes = [len(story.articles) for story in whole.stories]
    assert (len(sizes), max(sizes), min(sizes)) == (844, 70, 2)


def test_summaries_that_no_longer_say_what_their_article_says(whole: World) -> None:
    entries = [entry for article in whole.articles for entry in article.related]
    found = [one.field for entry in entries for one in drift(entry, whole.by_url.get(entry.url))]
    assert Counter(found) == {"title": 1_353, "excerpt": 3_219, "quality": 2_467, "publishedDateTime": 2_465}


def test_backlinks_are_the_links_reversed(whole: World) -> None:
    links = {
        (article.slug, whole.by_url[entry.url].slug)
        for article in whole.articles
        for entry in article.related
        if entry.url in whole.by_url
    }
    assert links == {(one.slug, target) for target, each in whole.referenced_by.items() for one in each}


def test_facets_add_up_to_the_articles(whole: World) -> None:
    by_month = intervals(whole.articles, "MONTH")
    assert sum(count for _, count in by_month) == len(whole.articles)
    assert (by_month[0][0], by_month[-1][0]) == ("2012-03-01T00:00:00Z", "2020-01-01T00:00:00Z")
    assert by_count(article.type for article in whole.articles) == [("article", 8_682)]


def test_a_search_finds_what_holds_its_words(whole: World) -> None:
    found = whole.text.matching('title:"facial recognition" -china')
    titles = [whole.by_slug[slug].title.lower() for slug in found]
    assert len(titles) > 50
    assert all("facial" in title and "recognition" in title and "china" not in title for title in titles)
