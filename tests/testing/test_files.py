"""Articles that a test writes: defaults, front matter, and what cannot be written."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from gqlnews.errors import ReadOnlyFolderError
from gqlnews.testing.files import ArticleFolder


@pytest.fixture
def folder(tmp_path: Path) -> ArticleFolder:
    return ArticleFolder(tmp_path, writable=True)


def front_matter(path: Path) -> Any:
    return next(yaml.safe_load_all(path.read_text()))


@pytest.mark.parametrize(
    ("path", "title", "url"),
    [
        ("a.md", "A", "https://news.example/a"),
        ("world/a-launch.mdx", "A launch", "https://news.example/world/a-launch"),
        ("world/index.md", "World", "https://news.example/world"),
    ],
)
def test_an_article_needs_only_its_path(folder: ArticleFolder, path: str, title: str, url: str) -> None:
    written = folder.write(path, "A *body*.", {})
    assert written == folder.path / path
    assert front_matter(written) == {
        "title": title,
        "publishedDateTime": "2024-01-01T12:00:00Z",
        "webUrl": url,
    }
    assert written.read_text().endswith("---\nA *body*.\n")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"title": "Ä: b"}, {"title": "Ä: b"}),
        ({"title": None}, {"title": ...}),
        ({"originalUrl": "https://e.example"}, {"originalUrl": "https://e.example", "webUrl": ...}),
        ({"date": date(2024, 1, 2)}, {"date": "2024-01-02", "webUrl": ..., "publishedDateTime": ...}),
        (
            {"publishedDateTime": datetime(2024, 1, 2, tzinfo=UTC)},
            {"publishedDateTime": "2024-01-02T00:00:00+00:00"},
        ),
        ({"topics": ("A", "B")}, {"topics": ["A", "B"]}),
        (
            {"provider": {"name": "N", "domain": "n.example"}},
            {"provider": {"name": "N", "domain": "n.example"}},
        ),
    ],
)
def test_front_matter_replaces_the_defaults(
    folder: ArticleFolder, given: dict[str, Any], expected: dict[str, Any]
) -> None:
    """The value `...` stands for a key that is left out."""
    found = front_matter(folder.write("a.md", "", given))
    assert {key: found.get(key, ...) for key in expected} == expected


def test_a_file_that_is_replaced_has_other_times(folder: ArticleFolder) -> None:
    times = {folder.write("a.md", str(number), {}).stat().st_mtime_ns for number in range(9)}
    assert len(times) == 9


def test_nothing_but_the_files_stays_in_the_folder(folder: ArticleFolder) -> None:
    folder.write("a/b.md", "", {})
    folder.write_text("gqlnews.toml", "")
    folder.remove("a")
    assert [path.name for path in folder.path.iterdir()] == ["gqlnews.toml"]
    folder.remove("gqlnews.toml")
    with pytest.raises(FileNotFoundError):
        folder.remove("gqlnews.toml")


@pytest.mark.parametrize("path", ["/a.md", "../a.md", "a/../../b.md", ""])
def test_a_path_outside_the_folder_is_an_error(folder: ArticleFolder, path: str) -> None:
    with pytest.raises(ValueError, match="is not a path below the content folder"):
        folder.write_text(path, "")


def test_a_file_that_cannot_be_written_leaves_nothing(folder: ArticleFolder) -> None:
    (folder.path / "a").mkdir()
    with pytest.raises(IsADirectoryError):
        folder.write_text("a", "")
    assert [path.name for path in folder.path.iterdir()] == ["a"]


def test_what_is_no_article_is_an_error(folder: ArticleFolder) -> None:
    with pytest.raises(ValueError, match=r"'a\.txt' is not the name of an article, which ends in \.md"):
        folder.write("a.txt", "", {})


def test_a_value_without_a_form_in_yaml_is_an_error(folder: ArticleFolder) -> None:
    with pytest.raises(TypeError, match=r"the front matter of 'a\.md' cannot be written, because <object"):
        folder.write("a.md", "", {"extra": object()})


def test_a_shared_folder_is_not_written(tmp_path: Path) -> None:
    shared = ArticleFolder(tmp_path, writable=False)
    for write in (lambda: shared.write("a.md", "", {}), lambda: shared.remove("a.md")):
        with pytest.raises(ReadOnlyFolderError, match="because they share it: use the fixture gqlnews_files"):
            write()
