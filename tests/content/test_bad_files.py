"""Each bad file gives its problems, at their place, soon, and stops no other file."""

import time
from pathlib import Path

import pytest

from gqlnews.content.codes import WARNINGS
from gqlnews.content.discover import discover
from gqlnews.content.parallel import read_all
from gqlnews.content.read import parse_article
from gqlnews.content.records import Outcome, ReadOptions, SourceFile
from tests.content.bad_files import Bad, bad_files, fenced

BAD_FILES = {bad.name: bad for bad in bad_files()}
GOOD = fenced("title: Good\npublishedDateTime: 2021-04-15\nwebUrl: https://good.org/1\n")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """All of them read in one go by two workers, with as many good files between them."""
    folder = tmp_path_factory.mktemp("bad")
    for name, bad in BAD_FILES.items():
        (folder / f"{name}.md").write_bytes(bad.data)
        (folder / f"{name}-good.md").write_bytes(GOOD)
    return read_folder(folder)


def read_folder(folder: Path) -> dict[str, Outcome]:
    files = [file for file in discover(folder) if isinstance(file, SourceFile)]
    read = read_all(folder, files, ReadOptions(), processes=2)
    return {outcome.source.path.removesuffix(".md"): outcome for outcome in read}


def test_there_are_two_hundred_and_no_name_is_used_twice() -> None:
    assert len(BAD_FILES) == len(list(bad_files())) >= 200


@pytest.mark.parametrize("bad", BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_bad_file_gives_its_problems(bad: Bad, outcomes: dict[str, Outcome]) -> None:
    problems = outcomes[bad.name].problems
    assert tuple(problem.code for problem in problems) == bad.codes
    assert (problems[0].line, problems[0].column) == (bad.line, bad.column)


@pytest.mark.parametrize("bad", BAD_FILES.values(), ids=BAD_FILES.keys())
def test_only_an_error_keeps_the_article_back(bad: Bad, outcomes: dict[str, Outcome]) -> None:
    has_error = not set(bad.codes) <= WARNINGS
    assert (outcomes[bad.name].article is None) == has_error


def test_the_good_files_between_them_are_read(outcomes: dict[str, Outcome]) -> None:
    good = [outcomes[f"{name}-good"] for name in BAD_FILES]
    assert all(
        outcome.article and outcome.article.title == "Good" and not outcome.problems for outcome in good
    )


@pytest.mark.parametrize("bad", BAD_FILES.values(), ids=BAD_FILES.keys())
def test_no_file_takes_a_second(bad: Bad) -> None:
    started = time.process_time()
    parse_article("bad.md", bad.data, ReadOptions())
    assert time.process_time() - started < 1
