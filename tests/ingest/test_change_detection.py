"""Ingest of some paths only: the store equals that of a full ingest of the same files."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from gqlnews.content.models import ParseOptions
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.errors import ContentFolderError
from gqlnews.ingest.change_detection import relevant_paths
from gqlnews.ingest.pipeline import ingest
from tests.ingest import dump
from tests.ingest.conftest import RunIngest
from tests.ingest.folder import BROKEN, Folder, later_ns

Edit = Callable[[Path], object]


def fill(folder: Folder) -> None:
    for path in ("a.md", "b.md", "b.markdown", "sub/c.md", "sub/deep/d.md", "sub2/e.md", "sub.md"):
        folder.article(path, f"https://example.com/{path}", title=path)
    folder.write("sub/broken.md", BROKEN)


def write(path: str) -> Edit:
    def edit(root: Path) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / "sub2/e.md", root / path)

    return edit


def remove(path: str) -> Edit:
    return lambda root: (root / path).unlink()


def rename(path: str, to: str) -> Edit:
    return lambda root: (root / path).rename(root / to)


def remove_folder(path: str) -> Edit:
    return lambda root: shutil.rmtree(root / path)


def link(path: str, to: str) -> Edit:
    return lambda root: (root / path).symlink_to(to)


def one_after_the_other(*edits: Edit) -> Edit:
    def edit(root: Path) -> None:
        for each in edits:
            each(root)

    return edit


CASES: dict[str, tuple[Edit, list[str]]] = {
    "a file is written": (write("a.md"), ["a.md"]),
    "a file comes": (write("new.md"), ["new.md"]),
    "a file comes into a new folder": (write("new/deep/x.md"), ["new"]),
    "a file goes": (remove("a.md"), ["a.md"]),
    "a file is renamed": (rename("a.md", "z.md"), ["a.md", "z.md"]),
    "the first file of a slug goes": (remove("b.markdown"), ["b.markdown"]),
    "the later file of a slug goes": (remove("b.md"), ["b.md"]),
    "a first file of a slug comes": (write("a.markdown"), ["a.markdown"]),
    "a folder is renamed": (rename("sub", "sub3"), ["sub", "sub3"]),
    "a folder is renamed over an empty one": (
        one_after_the_other(lambda root: (root / "to").mkdir(), rename("sub", "to")),
        ["sub", "to"],
    ),
    "a folder goes": (remove_folder("sub"), ["sub"]),
    "a folder within a folder goes": (remove_folder("sub/deep"), ["sub/deep"]),
    "a folder is reported with a slash": (remove_folder("sub"), ["sub/"]),
    "a folder goes, and only its files are reported": (
        remove_folder("sub"),
        ["sub/c.md", "sub/deep/d.md", "sub/broken.md"],
    ),
    "a file is replaced by a folder": (
        one_after_the_other(remove("a.md"), write("a.md/x.md")),
        ["a.md"],
    ),
    "a file is replaced by a folder, and only what is in it is reported": (
        one_after_the_other(remove("a.md"), write("a.md/x.md")),
        ["a.md/x.md"],
    ),
    "a folder is replaced by a file": (
        one_after_the_other(remove_folder("sub2"), lambda root: (root / "sub2").write_text("x")),
        ["sub2"],
    ),
    "a folder is replaced by a link to another": (
        one_after_the_other(rename("sub2", "real"), link("sub2", "real")),
        ["sub2", "real"],
    ),
    "a folder is replaced by a link, and a file below it is reported": (
        one_after_the_other(rename("sub2", "real"), link("sub2", "real")),
        ["sub2/e.md", "real"],
    ),
    "a link comes": (link("l.md", "a.md"), ["l.md"]),
    "a link that leads nowhere comes": (link("l.md", "gone.md"), ["l.md"]),
    "a link that leads out comes": (link("l.md", "/etc/passwd"), ["l.md"]),
    "a link to a folder has an article's name": (link("l.md", "sub2"), ["l.md"]),
    "a file is replaced by a link": (
        one_after_the_other(remove("a.md"), link("a.md", "sub2/e.md")),
        ["a.md"],
    ),
    "a file becomes a pipe": (
        one_after_the_other(remove("a.md"), lambda root: os.mkfifo(root / "a.md")),
        ["a.md"],
    ),
    "a hidden file comes": (write(".h.md"), [".h.md"]),
    "a file comes into a hidden folder": (write("sub/.h/x.md"), ["sub/.h/x.md", "sub/.h"]),
    "a folder is hidden": (rename("sub", ".sub"), ["sub", ".sub"]),
    "a path leads out": (write("a.md"), ["a.md", "../content/b.md", "sub/../sub2"]),
    "what is no article comes": (
        lambda root: (root / "notes.txt").write_text("x"),
        ["notes.txt"],
    ),
    "a name is no UTF-8": (
        lambda root: shutil.copy(root / "a.md", root / os.fsdecode(b"\xff.md")),
        [os.fsdecode(b"\xff.md")],
    ),
    "a folder's name is no UTF-8": (
        lambda root: shutil.copytree(root / "sub", root / os.fsdecode(b"\xff")),
        [os.fsdecode(b"\xff")],
    ),
    "nothing is reported": (lambda root: None, []),
    "all is reported": (one_after_the_other(remove("a.md"), write("new.md")), [""]),
}


@pytest.mark.parametrize("case", CASES)
def test_the_store_equals_that_of_a_full_ingest(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, tmp_path: Path, case: str
) -> None:
    fill(folder)
    run_ingest()
    other = copy(db, tmp_path / "other.db")
    edit, paths = CASES[case]
    edit(folder.root)
    run_ingest(paths=paths)
    ingest(other, folder.root, ParseOptions(), processes=1, now_ns=later_ns)
    assert dump.everything(db) == dump.everything(other)
    run_ingest()
    assert dump.everything(db) == dump.everything(other)
    other.close()


def copy(db: sqlite3.Connection, to: Path) -> sqlite3.Connection:
    db.execute("VACUUM INTO ?", (str(to),))
    return open_writer(to)


def test_unreported_changes_are_not_ingested(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    fill(folder)
    run_ingest()
    folder.remove("a.md")
    folder.remove("sub/c.md")
    assert run_ingest(paths=["sub"]).removed == 1
    assert db.execute("SELECT count(*) FROM article WHERE slug IN ('a', 'sub/c')").fetchone() == (1,)


@pytest.mark.parametrize("removed", [False, True])
def test_a_previously_unlistable_folder_is_scanned_completely(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, removed: bool
) -> None:
    fill(folder)
    run_ingest()
    db.execute("INSERT INTO source VALUES ('sub/', 'sub/', -1, 0, 0, 0, NULL, NULL, NULL, NULL)")
    if removed:
        shutil.rmtree(folder.root / "sub")
    run_ingest(paths=["sub/c.md"])
    paths = [path for (path,) in db.execute("SELECT path FROM source WHERE path LIKE 'sub/%' ORDER BY path")]
    assert paths == ([] if removed else ["sub/broken.md", "sub/c.md", "sub/deep/d.md"])


def test_a_missing_folder_leaves_the_store_unchanged(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    fill(folder)
    run_ingest()
    before = dump.everything(db)
    shutil.rmtree(folder.root)
    with pytest.raises(ContentFolderError, match="There is no folder"):
        run_ingest(paths=["a.md"])
    assert dump.everything(db) == before


def test_an_empty_store_is_filled_completely(folder: Folder, run_ingest: RunIngest) -> None:
    fill(folder)
    assert run_ingest(paths=["a.md"]).added == 6


def test_changed_options_cause_a_full_ingest(folder: Folder, run_ingest: RunIngest) -> None:
    folder.article("a.md", "/a")
    folder.article("b.md", "/b")
    run_ingest(ParseOptions(base_url="https://one.example/"))
    assert run_ingest(ParseOptions(base_url="https://two.example/"), paths=["a.md"]).changed == 2


def test_deleted_unknown_paths_are_irrelevant(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    fill(folder)
    run_ingest()
    shutil.rmtree(folder.root / "sub")
    (folder.root / "here.txt").touch()
    paths = ["gone.md", "a.md", "sub", "sub/deep", "sub2", "here.txt", "notes.txt", "a.md~", "su"]
    assert relevant_paths(db, folder.root, paths) == [
        "gone.md",
        "a.md",
        "sub",
        "sub/deep",
        "sub2",
        "here.txt",
    ]
