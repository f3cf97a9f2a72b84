"""The location of a content folder's database."""

from pathlib import Path

import pytest

from gqlnews.database.sqlite.damage import default_database


def test_the_default_database_is_in_the_cache_folder(tmp_path: Path) -> None:
    found = default_database(Path("examples/news"), tmp_path)
    assert found.parent == tmp_path / "gqlnews"
    assert found.name.startswith("news-")


def test_two_folders_of_the_same_name_have_different_databases(tmp_path: Path) -> None:
    one, other = (default_database(tmp_path / name / "news", tmp_path) for name in "ab")
    assert one != other


def test_all_paths_of_a_folder_lead_to_one_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "news").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "news")
    monkeypatch.chdir(tmp_path)
    places = (Path("news"), Path("link"), tmp_path / "x" / ".." / "news")
    assert len({default_database(place, tmp_path) for place in places}) == 1


def test_the_root_folder_has_a_database(tmp_path: Path) -> None:
    assert default_database(Path("/"), tmp_path).name.startswith("root-")
