"""A shortage of open files is no fault of the file that meets it."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gqlnews.content.discover import discover
from gqlnews.content.look import look
from gqlnews.content.read import read_outcome
from gqlnews.content.records import ReadOptions, SourceFile
from gqlnews.errors import ExhaustedError
from tests.content.bad_files import NEEDED, fenced


@contextmanager
def no_more_open_files() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "a.md").write_bytes(fenced(NEEDED))
    return tmp_path


def test_no_file_is_unreadable_for_it(folder: Path) -> None:
    read_outcome(folder, SourceFile("below/a.md", 0, 0, 0), ReadOptions())  # what it imports is there
    with no_more_open_files(), pytest.raises(ExhaustedError, match="Too many open files"):
        read_outcome(folder, SourceFile("below/a.md", 0, 0, 0), ReadOptions())


def test_no_folder_is_unlistable_for_it(folder: Path) -> None:
    found = discover(folder)
    with no_more_open_files(), pytest.raises(ExhaustedError, match="Too many open files"):
        list(found)


def test_no_path_is_passed_over_for_it(folder: Path) -> None:
    found = look(folder, ["below/a.md"])
    with no_more_open_files(), pytest.raises(ExhaustedError, match="Too many open files"):
        list(found)
