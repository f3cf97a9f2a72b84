"""Each invalid file yields its problems with positions, quickly, and affects no other file."""

import time
from itertools import chain
from pathlib import Path

import pytest

from gqlnews.content.diagnostics import WARNINGS
from gqlnews.content.models import ParseOptions, ParseResult, SourceFile
from gqlnews.content.parse_file import MAX_BYTES, parse_article, parse_file
from gqlnews.discovery.scan import scan_folder
from tests.content.bad_files import NEEDED, Bad, bad_files, fenced
from tests.content.parsing import parse_all

BAD_FILES = {bad.name: bad for bad in bad_files()}
GOOD = fenced("title: Good\npublishedDateTime: 2021-04-15\nwebUrl: https://good.org/1\n")
PARAGRAPH = "Some *words* and a [link](https://example.org/)" + " that stand among many others" * 10 + ".\n\n"
LONG = fenced(NEEDED, PARAGRAPH * (MAX_BYTES // len(PARAGRAPH) - 1))
"""The longest valid file that is allowed."""

MOST_TIMES = 15
ATTEMPTS = 5


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ParseResult]:
    """The results of all invalid files and as many valid ones, parsed in one run by two workers."""
    folder = tmp_path_factory.mktemp("bad")
    for name, bad in BAD_FILES.items():
        (folder / f"{name}.md").write_bytes(bad.data)
        (folder / f"{name}-good.md").write_bytes(GOOD)
    return read_folder(folder)


def read_folder(folder: Path) -> dict[str, ParseResult]:
    files = [file for file in scan_folder(folder) if isinstance(file, SourceFile)]
    read = parse_all(folder, files, ParseOptions(), processes=2)
    return {outcome.source.path.removesuffix(".md"): outcome for outcome in read}


def test_there_are_two_hundred_files_with_unique_names() -> None:
    assert len(BAD_FILES) == len(list(bad_files())) >= 200


@pytest.mark.parametrize("bad", BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_bad_file_has_the_expected_problems(bad: Bad, outcomes: dict[str, ParseResult]) -> None:
    problems = outcomes[bad.name].problems
    assert tuple(problem.code for problem in problems) == bad.codes
    assert (problems[0].line, problems[0].column) == (bad.line, bad.column)


@pytest.mark.parametrize("bad", BAD_FILES.values(), ids=BAD_FILES.keys())
def test_only_an_error_prevents_the_article_from_being_served(
    bad: Bad, outcomes: dict[str, ParseResult]
) -> None:
    has_error = not set(bad.codes) <= WARNINGS
    assert (outcomes[bad.name].article is None) == has_error


def test_valid_files_among_bad_ones_are_parsed(outcomes: dict[str, ParseResult]) -> None:
    good = [outcomes[f"{name}-good"] for name in BAD_FILES]
    assert all(
        outcome.article and outcome.article.title == "Good" and not outcome.problems for outcome in good
    )


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> float:
    """The processor time of the longest valid file."""
    assert parse_article("long.md", LONG, ParseOptions())[1] == ()
    return seconds(tmp_path_factory.mktemp("usual"), LONG)


@pytest.mark.parametrize("bad", BAD_FILES.values(), ids=BAD_FILES.keys())
def test_no_file_is_slow_to_parse(bad: Bad, usual: float, tmp_path: Path) -> None:
    """If a file seems slow, both are measured again, because the machine may have been slow."""
    again = (seconds(tmp_path, LONG) for _ in range(ATTEMPTS))
    assert any(seconds(tmp_path, bad.data) < MOST_TIMES * long for long in chain([usual], again))


def seconds(folder: Path, data: bytes) -> float:
    """Return the processor time of parsing a file with these bytes."""
    (folder / "it.md").write_bytes(data)
    started = time.thread_time()
    parse_file(folder, SourceFile("it.md", 0, 0, 0), ParseOptions())
    return time.thread_time() - started
