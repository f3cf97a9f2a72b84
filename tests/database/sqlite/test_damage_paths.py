"""The location of a content folder's database."""

from pathlib import Path

import pytest

from gqlnews.database.sqlite.damage import default_database


def test_it_lies_in_the_cache_folder(tmp_path: Path) -> None:
    found = default_database(Path("examples/news"), tmp_path)
    assert found.parent == tmp_path / "gqlnews"
    assert found.name.startswith("news-")


def test_two_folders_of_one_name_have_two_databases(tmp_path: Path) -> None:
    one, other = (default_database(tmp_path / name / "news", tmp_path) for name in "ab")
    assert one != other


def test_a_folder_has_one_database_by_whatever_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "news").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "news")
    monkeypatch.chdir(tmp_path)
    places = (Path("news"), Path("link"), tmp_path / "x" / ".." / "news")
    assert len({default_database(place, tmp_path) for place in places}) == 1


def test_the_root_has_one_too(tmp_path: Path) -> None:
    assert default_database(Path("/"), tmp_path).name.startswith("root-")
