"""The real articles, parsed. The expected figures were counted with plain Python over the files."""

import re
from collections import Counter
from pathlib import Path

import pytest

from gqlnews.content.models import ParsedArticle, ParseOptions, ParseResult, SourceFile
from gqlnews.discovery.scan import scan_folder
from tests.content.parsing import parse_all

ESCAPED_URL_LINES = 1_207  # 1,104 with `&amp;`, 103 with `&#038;`
ENTITY_LINES = 149  # titles and excerpts with an entity, such as `&ldquo;`
ENTITY = re.compile("&(?:[a-z]+|#[0-9]+);")


def read_folder(folder: Path) -> list[ParseResult]:
    files = (found for found in scan_folder(folder) if isinstance(found, SourceFile))
    return list(parse_all(folder, files, ParseOptions()))


@pytest.fixture(scope="module")
def ai2020_outcomes(corpus: Path) -> list[ParseResult]:
    return read_folder(corpus / "ai2020")


@pytest.fixture(scope="module")
def articles(ai2020_outcomes: list[ParseResult]) -> list[ParsedArticle]:
    return [outcome.article for outcome in ai2020_outcomes if outcome.article]


def test_every_article_is_parsed_and_the_other_page_is_not(
    corpus: Path, ai2020_outcomes: list[ParseResult], articles: list[ParsedArticle]
) -> None:
    assert (corpus / "ai2020" / "index.html").exists()
    assert len(ai2020_outcomes) == len(articles) == 8_682


def test_most_articles_are_unpublished(articles: list[ParsedArticle]) -> None:
    assert Counter(article.published for article in articles) == {True: 1_841, False: 6_841}


def test_every_related_entry_is_parsed(articles: list[ParsedArticle]) -> None:
    assert sum(len(article.related) for article in articles) == 67_117
    assert max(len(article.related) for article in articles) == 132
    assert len({entry.url for article in articles for entry in article.related}) == 5_524


def test_providers_and_topics(articles: list[ParsedArticle]) -> None:
    own = {article.provider.domain for article in articles if article.provider}
    listed = {entry.provider.domain for article in articles for entry in article.related if entry.provider}
    assert (len(own), len(own | listed)) == (1_353, 1_354)
    assert len({topic.slug for article in articles for topic in article.topics}) == 15


def test_the_numbers_of_warnings_match_the_files(ai2020_outcomes: list[ParseResult]) -> None:
    codes = Counter(problem.code for outcome in ai2020_outcomes for problem in outcome.problems)
    assert codes.keys() == {"escaped-url", "html-entity", "self-related", "related-twice"}
    assert (codes["escaped-url"], codes["html-entity"]) == (ESCAPED_URL_LINES, ENTITY_LINES)
    assert codes["self-related"] == 138


def test_articles_that_list_a_url_twice_have_warnings(ai2020_outcomes: list[ParseResult]) -> None:
    twice = [
        each for each in ai2020_outcomes if any(problem.code == "related-twice" for problem in each.problems)
    ]
    assert len(twice) == 615


def test_a_warning_has_the_line_of_its_value(corpus: Path, ai2020_outcomes: list[ParseResult]) -> None:
    escaped = entities = 0
    for outcome in ai2020_outcomes:
        for problem in outcome.problems:
            line = (corpus / "ai2020" / problem.path).read_text().splitlines()[(problem.line or 0) - 1]
            value = line[(problem.column or 0) - 1 :]
            if problem.code == "html-entity":
                assert line.endswith(f"excerpt: {value}")
                assert ENTITY.search(value)
                entities += 1
                continue
            assert line.endswith((f"Url: {value}", f"url: {value}"))
            assert bool(ENTITY.search(value)) >= (problem.code == "escaped-url")
            escaped += problem.code == "escaped-url"
    assert (escaped, entities) == (ESCAPED_URL_LINES, ENTITY_LINES)


def test_positions_point_to_their_values(corpus: Path, articles: list[ParsedArticle]) -> None:
    for article in articles[::20]:
        lines = (corpus / "ai2020" / f"{article.slug}.md").read_text().splitlines()
        assert article.url_position is not None
        assert article.published_position is not None
        assert article.url[:20] in lines[article.url_position.line - 1][article.url_position.column - 1 :]
        assert (
            lines[article.published_position.line - 1][article.published_position.column - 1 :]
            == str(article.published).lower()
        )


def test_portals_are_parsed_without_an_error(corpus: Path) -> None:
    outcomes = read_folder(corpus / "portals")
    assert len([outcome for outcome in outcomes if outcome.article]) == len(outcomes) == 192
    videos = [outcome.article for outcome in outcomes if outcome.article and outcome.article.featured_content]
    assert videos
    assert all("<iframe" in (video.featured_content or "") for video in videos)
