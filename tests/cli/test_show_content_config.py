"""`gqlnews config FOLDER`: values of `gqlnews.toml` and of the site's configuration, with their origin."""

import json
from pathlib import Path
from typing import Any

import pytest

from gqlnews.cli.app import run

SITE = "baseURL = 'https://site.example/'\ntitle = 'Site'\ntimeZone = 'Europe/Paris'\n"
WRITTEN = """\
preset = "hugo"
base-url = "https://toml.example"
permalink = "/:year/:slug/"
time-zone = "Europe/Berlin"
language = "de"
provider = { name = "Written", domain = "written.example" }
[keys]
title = ["headline", "title"]
[fields.sponsor]
[fields.rating]
type = "Float"
"""
ROWS = ("--base-url", "--preset", "--permalink", "--provider", "time-zone", "language", "keys", "fields")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "site"
    (folder / "content").mkdir(parents=True)
    (folder / "hugo.toml").write_text(SITE)
    return folder


def rows(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, tuple[Any, str]]:
    """Return value and origin of the rows that depend on the content."""
    assert run(["config", "--format", "json", *arguments]) == 0
    objects = json.loads(capsys.readouterr().out)
    found = {row.get("key") or row["option"]: (row["value"], row["origin"]) for row in objects}
    return {name: found[name] for name in ROWS}


def test_a_site_without_a_file_has_the_values_of_its_configuration(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    origin = f"{folder}/hugo.toml"
    expected: dict[str, tuple[Any, str]] = {
        "--base-url": ("https://site.example/", origin),
        "--preset": ("hugo", origin),
        "--permalink": (None, "default"),
        "--provider": ("Site <site.example>", origin),
        "time-zone": ("Europe/Paris", origin),
        "language": ("en", origin),
        "keys": ({}, "default"),
        "fields": (0, "default"),
    }
    assert rows(capsys, str(folder)) == expected
    assert rows(capsys, str(folder / "content")) == expected


def test_the_file_wins_over_the_site(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "gqlnews.toml").write_text(WRITTEN)
    origin = f"{folder}/gqlnews.toml"
    assert rows(capsys, str(folder)) == {
        "--base-url": ("https://toml.example", origin),
        "--preset": ("hugo", origin),
        "--permalink": ("/:year/:slug/", origin),
        "--provider": ("Written <written.example>", origin),
        "time-zone": ("Europe/Berlin", origin),
        "language": ("de", origin),
        "keys": ({"title": ["headline", "title"]}, origin),
        "fields": (2, origin),
    }


def test_options_and_environment_win_over_the_file(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "gqlnews.toml").write_text(WRITTEN)
    monkeypatch.setenv("GQLNEWS_PERMALINK", "/:slug/")
    found = rows(capsys, str(folder), "--preset", "jekyll", "--base-url", "https://option.example")
    assert found["--preset"] == ("jekyll", "option")
    assert found["--base-url"] == ("https://option.example", "option")
    assert found["--permalink"] == ("/:slug/", "environment")


def test_a_folder_without_any_configuration_has_defaults(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = rows(capsys, str(tmp_path))
    assert {origin for _, origin in found.values()} == {"default"}
    assert found["time-zone"] == ("UTC", "default")


def test_the_given_file_is_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = folder.parent / "given.toml"
    given.write_text("language = 'pt-BR'\n")
    (folder / "gqlnews.toml").write_text(WRITTEN)
    found = rows(capsys, str(folder), "--config", str(given))
    assert found["language"] == ("pt-br", str(given))
    assert found["fields"] == (0, "default")
    assert run(["config", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    (line,) = (line for line in lines if line.startswith("--config "))
    assert line.split() == ["--config", f"{folder}/gqlnews.toml", "default"]
    (line,) = (line for line in lines if line.startswith("keys "))
    assert [cell.strip() for cell in line.split("  ") if cell] == [
        "keys",
        "title: headline, title",
        f"{folder}/gqlnews.toml",
    ]


def test_a_file_with_mistakes_does_not_count_and_is_reported(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "gqlnews.toml").write_text('language = "de"\npreset = "huggo"\n')
    assert run(["config", str(folder)]) == 0
    captured = capsys.readouterr()
    assert captured.err == (
        f"gqlnews: warning: {folder}/gqlnews.toml:2: `preset` cannot be 'huggo': write 'hugo'.\n"
    )
    assert rows(capsys, str(folder))["language"] == ("en", f"{folder}/hugo.toml")
