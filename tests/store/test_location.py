"""Where a content folder's database lies."""

from pathlib import Path

import pytest

from gqlnews.store.location import default_database


def test_it_lies_in_the_users_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = default_database(Path("examples/news"))
    assert found.parent == tmp_path / "gqlnews"
    assert found.name.startswith("news-")


@pytest.mark.parametrize("named", [None, "", "relative/cache"])
def test_without_a_usable_name_it_is_dot_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str | None
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if named is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", named)
    assert default_database(Path("news")).parent == tmp_path / ".cache" / "gqlnews"


def test_two_folders_of_one_name_have_two_databases(tmp_path: Path) -> None:
    assert default_database(tmp_path / "a" / "news") != default_database(tmp_path / "b" / "news")


def test_a_folder_has_one_database_by_whatever_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "news").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "news")
    monkeypatch.chdir(tmp_path)
    places = (Path("news"), Path("link"), tmp_path / "x" / ".." / "news")
    assert len({default_database(place) for place in places}) == 1


def test_the_root_has_one_too() -> None:
    assert default_database(Path("/")).name.startswith("root-")
