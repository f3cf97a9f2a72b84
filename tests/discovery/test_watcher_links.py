"""A link is reported when what it leads to changes, wherever on the way that happens."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gqlnews.discovery.watcher import Batch, watch
from tests.discovery.test_watcher import CALM, make

Edit = Callable[[Path], object]


def switch(link: Path, target: str) -> None:
    """Point a link to another target, as Kubernetes does: by renaming a new link over it."""
    temporary = link.with_name(f"{link.name}_tmp")
    temporary.symlink_to(target)
    temporary.rename(link)


def config_map(root: Path) -> None:
    make(root, "..1/k.md", "..2/k.md")
    (root / "..data").symlink_to("..1")
    (root / "k.md").symlink_to("..data/k.md")


def update_config_map(root: Path) -> None:
    switch(root / "..data", "..2")
    shutil.rmtree(root / "..1")


def annex(*existing: str) -> Edit:
    def prepare(root: Path) -> None:
        for folder in existing:
            (root / folder).mkdir(parents=True)
        (root / "k.md").symlink_to(".git/annex/objects/x/k.md")

    return prepare


def get(root: Path) -> None:
    """Fetch the target into a new folder, then write-protect it as git-annex does."""
    make(root, ".git/annex/objects/x/k.md")
    (root / ".git/annex/objects/x").chmod(0o555)


def drop(root: Path) -> None:
    shutil.rmtree(root / ".git/annex/objects")


def fetched(root: Path) -> None:
    annex()(root)
    make(root, ".git/annex/objects/x/k.md")


def linked(target: str, *files: str) -> Edit:
    def prepare(root: Path) -> None:
        make(root, *files)
        (root / "k.md").symlink_to(target)

    return prepare


def chain(root: Path) -> None:
    make(root, ".one/k.md", ".two/k.md")
    (root / ".links").mkdir()
    (root / ".links/current").symlink_to("../.one")
    (root / ".links/alias").symlink_to(root / ".links/current")
    (root / "k.md").symlink_to(".links/alias/k.md")


def swap_folders(root: Path) -> None:
    (root / ".live").rename(root / ".old")
    (root / ".next").rename(root / ".live")


def recreate(root: Path) -> None:
    shutil.rmtree(root / ".live")
    make(root, ".live/k.md")


CASES: dict[str, tuple[Edit, Edit]] = {
    "an intermediate link is switched": (config_map, update_config_map),
    "a link in a hidden folder is switched": (chain, lambda root: switch(root / ".links/current", "../.two")),
    "the link itself is switched": (config_map, lambda root: switch(root / "k.md", "..2/k.md")),
    "the target appears below a new folder": (annex(), get),
    "the target appears in an existing folder": (annex(".git/annex/objects/x"), get),
    "the target appears below an existing folder": (annex(".git/annex"), get),
    "the target disappears with its folder": (fetched, drop),
    "the folder of the target is replaced": (linked(".live/k.md", ".live/k.md", ".next/k.md"), swap_folders),
    "a folder on the way is replaced": (linked(".live/x/k.md", ".live/x/k.md", ".next/x/k.md"), swap_folders),
    "the folder of the target is created again": (linked(".live/k.md", ".live/k.md"), recreate),
    "a visible target is written": (linked("sub/b.txt", "sub/b.txt"), lambda root: make(root, "sub/b.txt")),
    "a visible target appears in a new folder": (linked("new/b.txt"), lambda root: make(root, "new/b.txt")),
}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    content = tmp_path / "content"
    make(content, "other.md")
    yield content
    for path in content.rglob("*"):
        if path.is_dir():
            path.chmod(0o755)  # so that pytest can delete it


def wait_for_link(batches: Iterator[Batch]) -> None:
    """Wait until the link is reported, without a full scan."""
    seen: frozenset[str] = frozenset()
    while "k.md" not in seen:
        batch = next(batches)
        assert batch is not None
        seen |= batch
    assert "other.md" not in seen


@pytest.mark.parametrize("case", CASES)
def test_a_link_is_reported_if(folder: Path, case: str) -> None:
    prepare, change = CASES[case]
    prepare(folder)
    batches = watch(folder, CALM)
    assert next(batches) is None
    change(folder)
    wait_for_link(batches)
    before = os.path.realpath(folder / "k.md")
    if os.path.exists(before):  # its new target is watched too
        Path(before).write_text("again")
        wait_for_link(batches)


@pytest.mark.parametrize("case", CASES)
def test_a_link_created_later_is_reported_if(folder: Path, case: str) -> None:
    prepare, change = CASES[case]
    batches = watch(folder, CALM)
    assert next(batches) is None
    prepare(folder)
    wait_for_link(batches)
    change(folder)
    wait_for_link(batches)


def test_a_link_that_becomes_a_file_is_no_longer_followed(folder: Path) -> None:
    config_map(folder)
    batches = watch(folder, CALM)
    assert next(batches) is None
    (folder / "k.md").unlink()
    make(folder, "k.md")
    wait_for_link(batches)
    make(folder, "..1/k.md")
    make(folder, "other.md")
    assert next(batches) == frozenset({"other.md"})


def test_a_link_of_a_removed_folder_is_forgotten(folder: Path) -> None:
    make(folder, ".target/k.md", "sub/x.md")
    (folder / "sub/k.md").symlink_to("../.target/k.md")
    batches = watch(folder, CALM)
    assert next(batches) is None
    shutil.rmtree(folder / "sub")
    seen: frozenset[str] = frozenset()
    while "sub" not in seen:
        seen |= frozenset(next(batches) or ())
    make(folder, ".target/k.md")
    make(folder, "other.md")
    while not (batch := next(batches)) or batch <= frozenset({"sub", "sub/k.md", "sub/x.md"}):
        assert batch is not None
    assert batch == frozenset({"other.md"})


def test_a_target_folder_that_cannot_be_listed_does_not_end_the_watch(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its entries can be opened, but not watched; a full scan finds their changes."""
    linked(".secret/k.md", ".secret/k.md")(folder)
    real = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: not str(path).endswith(".secret") and real(path, mode)
    )
    batches = watch(folder, CALM)
    assert next(batches) is None
    make(folder, ".secret/k.md", "other.md")
    assert next(batches) == frozenset({"other.md"})
