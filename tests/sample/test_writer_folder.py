"""Which folders a sample may be written to."""

import re
from pathlib import Path

import pytest

from gqlnews.errors import ContentFolderError
from gqlnews.sample import write_sample


def files_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_with_other_files_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "mine.md").write_text("mine")
    with pytest.raises(ContentFolderError, match=r"neither empty.*choose a new folder"):
        write_sample(tmp_path, 5, seed=1)
    assert files_of(tmp_path) == {"mine.md"}


def test_an_empty_folder_and_a_new_one_are_filled(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "deep" / "below"):
        write_sample(folder, 5, seed=1)
        assert len(list(folder.glob("20??/??/*.md"))) == 5


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_file_in_the_way_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ContentFolderError, match=re.escape(str(tmp_path / name))):
        write_sample(tmp_path / name, 5, seed=1)


def test_an_earlier_sample_is_replaced(tmp_path: Path) -> None:
    once, twice = tmp_path / "once", tmp_path / "twice"
    write_sample(once, 30, seed=2)
    write_sample(twice, 300, seed=1)
    write_sample(twice, 30, seed=2)
    assert files_of(twice) == files_of(once)


def test_other_files_in_a_sample_are_kept(tmp_path: Path) -> None:
    write_sample(tmp_path, 30, seed=2)
    month = next(tmp_path.glob("20??/??"))
    for name in ("notes.md", "2024-01-01-mine.txt"):
        (month / name).write_text("mine")
    (month / "2024-01-01-a-folder-1.md").mkdir()
    write_sample(tmp_path, 0, seed=2)
    assert {path.name for path in month.iterdir()} == {
        "notes.md",
        "2024-01-01-mine.txt",
        "2024-01-01-a-folder-1.md",
    }
