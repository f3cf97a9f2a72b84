"""A sample resembles the real folder: counts over its files are close to the real figures."""

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from gqlnews.content.models import ParseOptions, ProblemSeverity, SourceFile
from gqlnews.discovery.scan import scan_folder
from gqlnews.sample import write_sample
from tests.content.parsing import parse_all

ARTICLES = 2_500
Matter = dict[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, ARTICLES, seed=2)
    return folder


@pytest.fixture(scope="module")
def matters(folder: Path) -> list[Matter]:
    """Return the front matter of every file, as PyYAML reads it."""
    texts = (path.read_text("utf-8") for path in sorted(folder.glob("20??/??/*.md")))
    return [yaml.load(text.split("\n---\n")[0], yaml.CSafeLoader) for text in texts]


@pytest.fixture(scope="module")
def owners(matters: list[Matter]) -> dict[str, Matter]:
    """URL → the article that owns it: a published one first, then the newest."""
    return {
        url_of(matter): matter
        for matter in sorted(matters, key=lambda matter: (matter["published"], matter["publishedDateTime"]))
    }


@pytest.fixture(scope="module")
def links(matters: list[Matter], owners: dict[str, Matter]) -> list[tuple[Matter, Matter, Matter]]:
    """Return (listing article, entry, listed article) for each entry that leads to an article."""
    return [
        (matter, entry, owners[url_of(entry)])
        for matter in matters
        for entry in matter.get("related", [])
        if url_of(entry) in owners
    ]


def url_of(matter: Matter) -> str:
    return str(matter["webUrl"]).replace("&amp;", "&")


def near(real: float, of: int = 8_682) -> Any:
    """Approximate a real count, scaled from `of` to `ARTICLES` files: within a quarter, or 12."""
    expected = real * ARTICLES / of
    return pytest.approx(expected, rel=0.25, abs=12)


def test_every_file_is_valid(folder: Path) -> None:
    files = [found for found in scan_folder(folder) if isinstance(found, SourceFile)]
    outcomes = list(parse_all(folder, files, ParseOptions(), processes=1))
    assert sum(outcome.article is not None for outcome in outcomes) == ARTICLES
    assert {problem.severity for outcome in outcomes for problem in outcome.problems} == {
        ProblemSeverity.WARNING
    }


def test_four_of_five_articles_are_unpublished(matters: list[Matter]) -> None:
    assert sum(matter["published"] for matter in matters) == near(1_841)


def test_related_lists_have_real_lengths(matters: list[Matter]) -> None:
    sizes = sorted(len(matter.get("related", [])) for matter in matters)
    assert sizes.count(0) == near(3_273)
    assert sum(sizes) == pytest.approx(7.73 * ARTICLES, rel=0.3)
    assert sizes[ARTICLES // 2] in (1, 2)
    assert 90 < sizes[-1] <= 133


def test_the_number_of_providers_is_real_and_some_have_several_names(matters: list[Matter]) -> None:
    names = defaultdict(set)
    for matter in matters:
        names[matter["provider"]["domain"]].add(matter["provider"]["name"])
    busiest = Counter(matter["provider"]["domain"] for matter in matters).most_common(3)
    assert [count for _, count in busiest] == [near(509), near(438), near(320)]
    assert 500 < len(names) < 900  # a random 2,500 of the real articles have about 700
    assert 15 < sum(len(several) > 1 for several in names.values()) < 45


def test_topics_are_as_skewed_as_the_real_ones(matters: list[Matter]) -> None:
    counts = Counter(topic for matter in matters for topic in matter["topics"]).most_common()
    assert len(counts) == 15
    assert [counts[0][1], counts[-1][1]] == [near(8_639), near(161)]


def test_files_share_urls_and_some_disagree(matters: list[Matter]) -> None:
    published = defaultdict(list)
    for matter in matters:
        published[url_of(matter)].append(matter["published"])
    several = [flags for flags in published.values() if len(flags) > 1]
    assert len(several) == near(170)
    assert 0 < sum(len(set(flags)) > 1 for flags in several) == near(32)


def test_published_articles_list_unpublished_ones(links: list[tuple[Matter, Matter, Matter]]) -> None:
    public = [target["published"] for lister, _, target in links if lister["published"]]
    assert public.count(False) / len(public) == pytest.approx(0.9, abs=0.06)


def test_some_articles_list_themselves_and_some_repeat_an_entry(matters: list[Matter]) -> None:
    lists = [(url_of(matter), [url_of(entry) for entry in matter.get("related", [])]) for matter in matters]
    assert sum(urls.count(own) for own, urls in lists) == near(138)
    assert sum(len(set(urls)) < len(urls) for _, urls in lists) == near(615)


def test_some_entries_have_no_article(matters: list[Matter], owners: dict[str, Matter]) -> None:
    strangers = [
        entry for matter in matters for entry in matter.get("related", []) if url_of(entry) not in owners
    ]
    assert len(strangers) == near(584)


@pytest.mark.parametrize(
    ("key", "share"),
    [("title", 0.0203), ("excerpt", 0.0484), ("quality", 0.0371), ("publishedDateTime", 0.0370)],
)
def test_summaries_drift(links: list[tuple[Matter, Matter, Matter]], key: str, share: float) -> None:
    drifted = sum(entry[key] != target[key] for _, entry, target in links)
    assert drifted / len(links) == pytest.approx(share, rel=0.2)


def test_mutual_links_make_stories(links: list[tuple[Matter, Matter, Matter]]) -> None:
    sizes = [
        len(story) for story in stories_of({(url_of(lister), url_of(target)) for lister, _, target in links})
    ]
    assert len(sizes) == near(844)
    assert sum(sizes) == near(3_107)
    assert 40 <= max(sizes) <= 70


def test_some_urls_are_escaped(folder: Path) -> None:
    lines = sum(path.read_text("utf-8").count("&amp;") for path in folder.glob("20??/??/*.md"))
    assert lines == pytest.approx(1_104 * ARTICLES / 8_682, rel=0.5)


def test_some_dates_are_equal(matters: list[Matter]) -> None:
    dates = Counter(matter["publishedDateTime"] for matter in matters)
    assert 0.02 < sum(count for count in dates.values() if count > 1) / ARTICLES < 0.25
    assert {date.year for date in dates} == {2023, 2024, 2025}


def test_one_in_five_has_a_body(folder: Path) -> None:
    bodies = [path.read_text("utf-8").split("\n---\n", 1)[1].strip() for path in folder.glob("20??/??/*.md")]
    assert sum(body != "" for body in bodies) == pytest.approx(ARTICLES / 5, rel=0.15)


def stories_of(pairs: set[tuple[str, str]]) -> list[set[str]]:
    """Return the connected components of mutual links."""
    neighbours = defaultdict(set)
    for one, other in pairs:
        if one != other and (other, one) in pairs:
            neighbours[one].add(other)
    stories = []
    while neighbours:
        story, waiting = set[str](), [next(iter(neighbours))]
        while waiting:
            url = waiting.pop()
            story.add(url)
            waiting.extend(neighbours.pop(url, set()) - story)
        stories.append(story)
    return stories
