"""Author data of a site: where it is found, its forms, and what is wrong with it."""

from pathlib import Path

import pytest

from gqlnews.content.presets.site import SiteAuthor
from gqlnews.discovery.config_files import is_config, outside_stamp
from tests.discovery.test_sites import HUGO, detect, only
from tests.server.support import write_articles

ANN = SiteAuthor("Ann")


@pytest.mark.parametrize(
    "files",
    [
        {"authors.yml": "ann: {name: Ann}\n"},
        {"authors.yaml": "ann: Ann\n"},
        {"authors.json": '[{"name": "Ann"}]'},
        {"authors.toml": '[ann]\nname = "Ann"\n'},
        {"_config.yml": "", "_data/authors.yml": "- {slug: ann, name: Ann}\n"},
        {"_config.yml": "", "_data/authors/ann.yml": "name: Ann\n"},
        {"hugo.toml": HUGO, "data/authors.yml": "ann: {display_name: Ann}\n"},
        {"hugo.toml": HUGO, "data/authors/ann.toml": 'name = "Ann"\n', "data/authors/notes.txt": "x"},
        {"docusaurus.config.js": "", "blog/authors.yml": "ann: {name: Ann}\n", "blog/a.md": ""},
        {"authors.yml": "ann: Ann\n", "_data/authors.yml": "ann: Another\n"},
    ],
)
def test_author_data_is_found(tmp_path: Path, files: dict[str, str]) -> None:
    write_articles(tmp_path, files)
    assert only(tmp_path).authors == {"ann": ANN}


def test_author_data_is_found_above_the_folder(tmp_path: Path) -> None:
    write_articles(tmp_path, {"_config.yml": "", "_data/authors.yml": "ann: Ann\n", "_posts/a.md": ""})
    assert only(tmp_path / "_posts").authors == {"ann": ANN}


def test_all_fields_are_read(tmp_path: Path) -> None:
    text = "ann:\n  name: Ann\n  title: Editor\n  url: /ann\n  image_url: /a.png\n  bio: Writes.\n"
    write_articles(tmp_path, {"authors.yml": text})
    assert only(tmp_path).authors == {"ann": SiteAuthor("Ann", "/ann", "/a.png", "Writes.")}


@pytest.mark.parametrize(
    ("text", "place", "authors"),
    [
        ("ann: {name: [\n", ("authors.yml", 2), {}),
        ("ann: {url: 'javascript:x'}\n", ("authors.yml", 1), {"ann": SiteAuthor()}),
        ("- 1\n- {url: /x}\n", None, {}),
        ("Ann\n", None, {}),
        ("", None, {}),
    ],
)
def test_what_is_wrong_is_one_problem(
    tmp_path: Path, text: str, place: tuple[str, int] | None, authors: dict[str, SiteAuthor]
) -> None:
    write_articles(tmp_path, {"authors.yml": text, "a.md": ""})
    detection = detect(tmp_path)
    assert [site.authors for site in detection.sites] == [authors]
    found = [(problem.path, problem.line, problem.code) for problem in detection.problems]
    assert found == ([] if place is None else [(*place, "bad-config")])


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("authors.yml", True),
        ("blog/authors.yaml", True),
        ("_data/authors.json", True),
        ("data/authors/ann.toml", True),
        ("data/authors/ann.md", False),
        ("authors/ann.yml", False),
        ("co-authors.yml", False),
    ],
)
def test_author_data_is_known_by_its_path(path: str, expected: bool) -> None:
    assert is_config(path) is expected


def test_the_stamp_of_the_folders_above_changes_with_author_data(tmp_path: Path) -> None:
    folder = tmp_path / "site/_posts"
    folder.mkdir(parents=True)
    stamps = [outside_stamp(folder, None)]
    for files in ({"_data/authors.yml": "a: A\n"}, {"data/authors/b.yml": "name: B\n"}):
        write_articles(tmp_path / "site", files)
        stamps.append(outside_stamp(folder, None))
    assert len(set(stamps)) == 3
