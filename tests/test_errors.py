"""A shortage of open files is not reported as a problem of the file that was being opened."""

import resource
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest

from gqlnews.content.models import ParseOptions, SourceFile
from gqlnews.content.parse_file import parse_file
from gqlnews.content.safe_open import OpenFolder
from gqlnews.discovery.fs_events import FolderWatcher, StopEvent, WatchTree, _walk, is_folder
from gqlnews.discovery.scan import _AncestorCheck, _scan_path, scan_subfolders
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


def test_a_shortage_makes_no_file_unreadable(folder: Path) -> None:
    parse_file(folder, SourceFile("below/a.md", 0, 0, 0), ParseOptions())  # imports what it needs
    with no_more_open_files(), pytest.raises(ExhaustedError, match="Too many open files"):
        parse_file(folder, SourceFile("below/a.md", 0, 0, 0), ParseOptions())


def test_a_shortage_makes_no_folder_unlistable(folder: Path) -> None:
    with OpenFolder.open(folder) as inside:
        found = scan_subfolders(inside, [""])
        with no_more_open_files(), pytest.raises(ExhaustedError, match="Too many open files"):
            list(found)


def test_a_shortage_skips_no_path(folder: Path) -> None:
    with OpenFolder.open(folder) as inside:
        above, at = _AncestorCheck(inside), partial(_scan_path, inside)
        with no_more_open_files():
            with pytest.raises(ExhaustedError, match="Too many open files"):
                list(above.problems("below/a.md"))
            with pytest.raises(ExhaustedError, match="Too many open files"):
                list(at("below/a.md"))


def test_a_shortage_omits_no_folder_from_a_watch_tree(folder: Path) -> None:
    tree = WatchTree(folder)
    with no_more_open_files():
        with pytest.raises(ExhaustedError, match="Too many open files"):
            tree.add("")
        with pytest.raises(ExhaustedError, match="Too many open files"):
            is_folder(folder, "below")


def test_a_shortage_omits_no_subfolder_from_a_watch_tree(folder: Path) -> None:
    with OpenFolder.open(folder) as inside, no_more_open_files():
        with pytest.raises(ExhaustedError, match="Too many open files"):
            list(_walk(inside, ""))


def test_a_change_during_a_shortage_causes_a_full_scan(folder: Path) -> None:
    with closing(FolderWatcher(folder)) as changes:
        (folder / "new").mkdir()
        (folder / "new" / "b.md").write_bytes(fenced(NEEDED))
        with no_more_open_files():
            assert changes.wait_for_paths(StopEvent(lambda: False)) is None
