"""`gqlnews init`: the file that it writes, and what it prints."""

from pathlib import Path

import pytest

from gqlnews.cli.app import run

ARTICLE = "---\ntitle: A\ndate: 2021-04-15\nsponsor: ACME\nfront-page: true\n---\n"
EXPECTED = """\
## What gqlnews serves of this folder, and how. Written by `gqlnews init` from 1 article.
## A change takes effect at once, also in a running server. Every key is optional.

preset = "hugo"
base-url = "https://a.example/"
provider = { domain = "a.example" }

## Keys of the front matter that can be fields of `Article`. To add one, remove the `# ` of its lines.

## In 1 of 1 (100 %).
# [fields.frontPage]
# type = "Boolean"
# key = "front-page"
# filter = true

## In 1 of 1 (100 %).
# [fields.sponsor]
# type = "String"
# filter = true
# order = true
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "content").mkdir()
    (tmp_path / "content/a.md").write_text(ARTICLE)
    (tmp_path / "hugo.toml").write_text("baseURL = 'https://a.example/'\n")
    return tmp_path


def test_the_file_is_written_and_summarized(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", str(folder)]) == 0
    assert (folder / "gqlnews.toml").read_text() == EXPECTED
    assert capsys.readouterr().out.splitlines() == [
        f"wrote {folder}/gqlnews.toml, by looking at 1 article",
        '  preset = "hugo"',
        '  base-url = "https://a.example/"',
        '  provider = { domain = "a.example" }',
        "  suggested fields, commented out:",
        '    frontPage from front-page: "Boolean", 100 %',
        '    sponsor: "String", 100 %',
    ]


def test_a_file_is_overwritten_only_if_forced(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "gqlnews.toml"
    file.write_text("# mine\n")
    assert run(["init", str(folder)]) == 2
    assert (
        capsys.readouterr().err == f"gqlnews: {file} applies to {folder} already: edit it, or pass --force\n"
    )
    assert file.read_text() == "# mine\n"
    assert run(["init", "--force", str(folder)]) == 0
    assert file.read_text() == EXPECTED
    assert [path.name for path in folder.glob(".*")] == []


def test_a_file_above_in_the_repository_counts_too(folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / "gqlnews.toml").write_text("")
    assert run(["init", str(folder / "content")]) == 2
    assert not (folder / "content/gqlnews.toml").exists()
    assert run(["init", str(folder / "content"), "--force"]) == 0
    assert (folder / "content/gqlnews.toml").exists()


def test_a_link_to_nowhere_is_not_followed(folder: Path) -> None:
    (folder / "gqlnews.toml").symlink_to(folder / "elsewhere.toml")
    assert run(["init", str(folder)]) == 2
    assert not (folder / "elsewhere.toml").exists()


def test_a_missing_folder_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", str(tmp_path / "missing")]) == 2
    assert "There is no folder" in capsys.readouterr().err
