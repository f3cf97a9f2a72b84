"""A scan of some paths finds the same as a scan of the whole folder finds there."""

import os
from pathlib import Path

import pytest

from gqlnews.content.models import ContentProblem
from gqlnews.content.safe_open import OpenFolder
from gqlnews.discovery.scan import is_visible, parent_folders, scan_folder, scan_paths
from gqlnews.errors import ContentFolderError


def make(folder: Path, *paths: str) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)


def found(folder: Path, *paths: str) -> list[str]:
    return sorted(each.path for each in scan_paths(folder, paths))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    content = tmp_path / "content"
    make(content, "a.md", "b.txt", "sub/c.md", "sub/.h/d.md", "sub/deep/e.markdown", "x.md/f.md", ".g/h.md")
    (content / "link.md").symlink_to("a.md")
    (content / "linked").symlink_to("sub")
    os.mkfifo(content / "pipe.md")
    return content


def test_the_empty_path_scans_the_whole_folder(folder: Path) -> None:
    names = [entry.name for entry in folder.iterdir()]
    assert sorted(scan_paths(folder, names), key=repr) == sorted(scan_folder(folder), key=repr)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.md", ["a.md"]),
        ("b.txt", []),
        ("missing.md", []),
        ("sub", ["sub/c.md", "sub/deep/e.markdown"]),
        ("sub/deep", ["sub/deep/e.markdown"]),
        ("x.md", ["x.md/f.md"]),
        ("sub/.h/d.md", []),
        (".g", []),
        ("linked", []),
        ("linked/c.md", []),
        ("a.md/below.md", []),
        ("missing/below.md", []),
        ("../content/a.md", []),
        ("link.md", ["link.md"]),
        ("pipe.md", ["pipe.md"]),
    ],
)
def test_scanning_a_path_follows_the_rules_of_the_full_scan(
    folder: Path, path: str, expected: list[str]
) -> None:
    assert found(folder, path) == expected


def test_below_an_unlistable_folder_only_the_folder_is_reported(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deny(monkeypatch, "open_folder", "sub")
    assert found(folder, "sub/c.md", "sub/deep/e.markdown") == ["sub/", "sub/"]


@pytest.mark.parametrize(("path", "expected"), [("a.md", "a.md"), ("sub", "sub/")])
def test_a_path_that_cannot_be_stat_is_a_problem(
    folder: Path, monkeypatch: pytest.MonkeyPatch, path: str, expected: str
) -> None:
    deny(monkeypatch, "lstat", path)
    (problem,) = scan_paths(folder, [path])
    assert isinstance(problem, ContentProblem)
    assert problem.path == expected


def deny(monkeypatch: pytest.MonkeyPatch, call: str, denied: str) -> None:
    """Deny access to a path, as for a user other than root."""
    real = getattr(OpenFolder, call)

    def refuse(self: OpenFolder, path: str, *others: int) -> object:
        if path == denied:
            raise PermissionError(13, "Permission denied")
        return real(self, path, *others)

    monkeypatch.setattr(OpenFolder, call, refuse)


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ContentFolderError, match="There is no folder"):
        list(scan_paths(tmp_path / "missing", ["a.md"]))


def test_a_folder_replaced_during_the_scan_is_an_error(folder: Path) -> None:
    walk = scan_folder(folder)
    next(walk)
    folder.rename(folder.with_name("before"))
    make(folder, "a.md")
    with pytest.raises(ContentFolderError, match="was replaced by another"):
        list(walk)


def test_a_folder_deleted_during_the_scan_is_an_error(folder: Path) -> None:
    walk = scan_paths(folder, ["a.md", "sub"])
    next(walk)
    folder.rename(folder.with_name("before"))
    with pytest.raises(ContentFolderError, match="There is no folder"):
        list(walk)


def test_parent_folders_of_a_path() -> None:
    assert parent_folders("a/b/c.md") == ["a", "a/b"]
    assert parent_folders("c.md") == []
    assert [is_visible(path) for path in ("a/b.md", ".a/b.md", "a/.b.md", "..", "a.b")] == [
        True,
        False,
        False,
        False,
        True,
    ]
