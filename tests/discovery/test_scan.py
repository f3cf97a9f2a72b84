"""Which files of a folder are articles, on a real file system."""

import errno
import os
import socket
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gqlnews.content.models import ContentProblem, SourceFile
from gqlnews.content.safe_open import scan_entries
from gqlnews.discovery import scan
from gqlnews.discovery.scan import scan_folder
from gqlnews.errors import ContentFolderError


def files(folder: Path) -> list[str]:
    return sorted(found.path for found in scan_folder(folder) if isinstance(found, SourceFile))


def refused(folder: Path) -> list[str]:
    problems = [found for found in scan_folder(folder) if isinstance(found, ContentProblem)]
    assert all((each.code, each.line, each.severity) == ("unreadable", None, "ERROR") for each in problems)
    return sorted(problem.path for problem in problems)


def make(folder: Path, *paths: str) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)


def test_markdown_files_below_the_folder_are_found(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "b.markdown", "deep/er/c.md", "x.md/y.md")
    make(tmp_path, "d.MD", "e.Markdown", "index.html", "f.md.txt", "md")
    assert files(tmp_path) == ["a.md", "b.markdown", "deep/er/c.md", "x.md/y.md"]
    assert refused(tmp_path) == []


def test_hidden_entries_are_skipped(tmp_path: Path) -> None:
    make(tmp_path, ".a.md", ".git/b.md", "c/.d/e.md", ".md")
    assert files(tmp_path) == refused(tmp_path) == []


def test_a_file_has_the_size_and_times_of_the_file_system(tmp_path: Path) -> None:
    make(tmp_path, "a.md")
    status = (tmp_path / "a.md").stat()
    source = SourceFile("a.md", status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    assert list(scan_folder(tmp_path)) == [source]


def test_a_link_inside_the_folder_is_followed(tmp_path: Path) -> None:
    folder = tmp_path / "content"
    make(folder, "target/a.txt")
    (folder / "link.md").symlink_to("target/a.txt")
    (folder / "twice.md").symlink_to("link.md")
    (tmp_path / "other").symlink_to(folder)
    assert files(folder) == files(tmp_path / "other") == ["link.md", "twice.md"]
    assert refused(folder) == []


def test_a_broken_or_escaping_link_is_unreadable(tmp_path: Path) -> None:
    folder = tmp_path / "content"
    make(tmp_path, "secret.md", "content-too/a.md")
    folder.mkdir()
    (folder / "out.md").symlink_to("../secret.md")
    (folder / "beside.md").symlink_to(tmp_path / "content-too" / "a.md")
    (folder / "host.md").symlink_to("/etc/passwd")
    (folder / "nowhere.md").symlink_to("gone.md")
    (folder / "circle.md").symlink_to("circle.md")
    assert files(folder) == []
    assert refused(folder) == ["beside.md", "circle.md", "host.md", "nowhere.md", "out.md"]


def test_a_chain_of_very_many_links_is_unreadable(tmp_path: Path) -> None:
    make(tmp_path, "target.txt")
    for number in range(2000):
        (tmp_path / f"link{number}").symlink_to(f"link{number - 1}" if number else "target.txt")
    (tmp_path / "few.md").symlink_to("link30")
    (tmp_path / "many.md").symlink_to("link1999")
    assert files(tmp_path) == ["few.md"]
    assert refused(tmp_path) == ["many.md"]


def test_a_linked_folder_is_not_entered(tmp_path: Path) -> None:
    make(tmp_path, "real/a.md")
    (tmp_path / "linked").symlink_to("real")
    (tmp_path / "up").symlink_to("..")
    (tmp_path / "folder.md").symlink_to("real")
    assert files(tmp_path) == ["real/a.md"]
    assert refused(tmp_path) == []


def test_a_special_file_is_unreadable(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "link.md").symlink_to("pipe.md")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket.md"))
        assert refused(tmp_path) == ["link.md", "pipe.md", "socket.md"]


def test_a_name_that_is_not_utf_8_is_unreadable(tmp_path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.md"))).write_text("")
    make(tmp_path, "café.md")
    assert files(tmp_path) == ["café.md"]
    assert refused(tmp_path) == ["caf\\xe9.md"]


def test_a_folder_too_deep_to_list_is_unreadable(tmp_path: Path) -> None:
    make(tmp_path, "a.md")
    home = os.open(tmp_path, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=home)
        deeper = os.open("d" * 250, os.O_RDONLY, dir_fd=home)
        os.close(home)
        home = deeper
    os.close(home)
    assert files(tmp_path) == ["a.md"]
    assert len(refused(tmp_path)) == 1


def test_entries_deleted_during_the_scan_are_skipped(tmp_path: Path) -> None:
    make(tmp_path, "one/a.md", "two/b.md")
    found = scan_folder(tmp_path)
    first = next(found)
    for other in ("one/a.md", "two/b.md"):
        if other != first.path:
            (tmp_path / other).unlink()
            (tmp_path / other).parent.rmdir()
    assert list(found) == []


class FailingListing:
    """The entries of a folder, of which the second one cannot be read."""

    def __init__(self, entries: Iterator[os.DirEntry[str]]) -> None:
        self._entries = entries

    def __iter__(self) -> Iterator[os.DirEntry[str]]:
        yield next(self._entries)
        raise OSError(errno.EIO, "Input/output error")


def fail_in(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let the listing of the folder of this name fail in the middle, as on a failing disk."""

    @contextmanager
    def failing(descriptor: int) -> Iterator[Any]:
        is_it = os.readlink(f"/proc/self/fd/{descriptor}").endswith(name)
        with scan_entries(descriptor) as entries:
            yield FailingListing(entries) if is_it else entries

    monkeypatch.setattr(scan, "scan_entries", failing)


def test_a_listing_that_fails_is_the_problem_of_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "a.md", "bad/b.md", "bad/c.md", "good/d.md")
    fail_in(monkeypatch, "/bad")
    assert {"a.md", "good/d.md"} < set(files(tmp_path))
    assert refused(tmp_path) == ["bad/"]


def test_a_content_folder_whose_listing_fails_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "a.md", "b.md")
    fail_in(monkeypatch, tmp_path.name)
    with pytest.raises(ContentFolderError, match=r"cannot be listed: Input/output error"):
        files(tmp_path)


@pytest.mark.parametrize("name", ["missing", "a.md"])
def test_a_path_that_is_no_folder_is_an_error_that_names_it(tmp_path: Path, name: str) -> None:
    make(tmp_path, "a.md")
    with pytest.raises(ContentFolderError, match=name):
        scan_folder(tmp_path / name)


def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ContentFolderError, match="cannot be read"):
        scan_folder(tmp_path / ("d" * 300))


def test_twenty_thousand_files_are_found_in_constant_memory(tmp_path: Path) -> None:
    for number in range(20_000):
        (tmp_path / f"{number}.md").touch()
    tracemalloc.start()
    try:
        assert sum(1 for _ in scan_folder(tmp_path)) == 20_000
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
