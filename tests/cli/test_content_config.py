"""`--config` of the commands that read content: the file wins over that of the folder."""

import json
import urllib.request
from pathlib import Path

import pytest
from graphql import build_schema

from gqlnews.cli.app import run
from gqlnews.database.sqlite.connection import read_custom_fields
from tests.server.support import DEADLINE, serving

ARTICLE = "---\ntitle: A\ndate: 2021-04-15\nsponsor: ACME\nrating: very good\n---\n"
FIELDS = '[fields.sponsor]\nfilter = true\n[fields.rating]\ntype = "Float"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A content folder whose own configuration declares another field."""
    folder = tmp_path / "content"
    folder.mkdir()
    (folder / "a.md").write_text(ARTICLE)
    (folder / "gqlnews.toml").write_text("[fields.own]\n")
    return folder


@pytest.fixture
def given(tmp_path: Path) -> Path:
    given = tmp_path / "given.toml"
    given.write_text(FIELDS)
    return given


def names(database: Path) -> list[str]:
    return [field.name for field in read_custom_fields(database)]


def test_ingest(folder: Path, given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = tmp_path / "news.db"
    command = ["ingest", str(folder), "--db", str(database), "--ingest-workers", "1"]
    assert run([*command, "--config", str(given)]) == 0
    assert names(database) == ["sponsor", "rating"]
    assert run(command) == 0
    assert names(database) == ["own"]
    monkeypatch.setenv("GQLNEWS_CONFIG", str(given))
    assert run(command) == 0
    assert names(database) == ["sponsor", "rating"]


def test_check(folder: Path, given: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["check", str(folder), "--ingest-workers", "1"]
    assert run(command) == 0
    assert capsys.readouterr().out == ""
    assert run([*command, "--config", str(given)]) == 0
    assert capsys.readouterr().out == (
        f"{folder}/a.md:5:9: warning bad-field: `rating` must be a finite number, not `very good`. "
        "It is left out.\n"
    )
    given.write_text("prest = 'hugo'\n")
    assert run([*command, "--config", str(given)]) == 1
    assert "error bad-config: `prest` is not a key" in capsys.readouterr().out


def test_schema(given: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema"]) == 0
    assert "sponsor" not in capsys.readouterr().out
    assert run(["schema", "--config", str(given)]) == 0
    types = build_schema(capsys.readouterr().out).type_map
    assert {"sponsor", "rating"} <= types["Article"].fields.keys()  # type: ignore[attr-defined]
    assert "sponsor" in types["ArticleFilter"].fields  # type: ignore[attr-defined]
    given.write_text("\nprest = 1\n")
    assert run(["schema", "--config", str(given)]) == 2
    assert capsys.readouterr().err.startswith(f"gqlnews: {given}:2:1: `prest` is not a key")
    assert run(["schema", "--config", str(tmp_path / "missing.toml")]) == 2


@pytest.mark.parametrize("watch", ["0", "1"])
def test_serve(folder: Path, given: Path, tmp_path: Path, watch: str) -> None:
    env = {"GQLNEWS_WATCH": watch}
    query = '{articles(where:{sponsor:{eq:"ACME"}}){nodes{sponsor rating}}}'
    with serving(tmp_path, folder, "--config", str(given), env=env) as (url, _):
        request = urllib.request.Request(  # noqa: S310 - our own server
            f"{url}/graphql", json.dumps({"query": query}).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=DEADLINE) as response:  # noqa: S310
            answer = json.load(response)
    assert answer == {"data": {"articles": {"nodes": [{"sponsor": "ACME", "rating": None}]}}}


@pytest.mark.parametrize("command", ["serve", "ingest", "check", "config"])
def test_a_missing_file_is_an_error(
    folder: Path, tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "missing.toml"
    assert run([command, str(folder), "--config", str(missing)]) == 2
    assert capsys.readouterr().err == (
        f"gqlnews: --config {missing} is not a file: pass the path of a gqlnews.toml\n"
    )
