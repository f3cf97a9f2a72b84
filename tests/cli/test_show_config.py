"""`gqlnews config`: every effective setting, and where it comes from."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from gqlnews.cli.app import run
from gqlnews.config.declarations import settings_of
from tests.server.support import run_cli

DIGEST = sha256(b"one").hexdigest()


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GQLNEWS_CORPUS", raising=False)
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def config(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["config", *arguments]) == 0
    return capsys.readouterr().out


def table(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, tuple[str, str]]:
    """Return value and origin of each setting in the text format."""
    rows = [line.split("  ") for line in config(capsys, *arguments).splitlines()]
    cells = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    return {name: (value, origin) for name, value, origin in cells}


def objects(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, dict[str, Any]]:
    """Return the objects of the JSON format by variable."""
    return {row["variable"]: row for row in json.loads(config(capsys, "--format", "json", *arguments))}


def test_every_setting_of_serve_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    names = [setting.flag or setting.variable for setting in settings_of("serve")]
    assert list(table(capsys)) == names
    assert list(objects(capsys)) == [setting.variable for setting in settings_of("serve")]


def test_the_origin_of_each_value_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GQLNEWS_HOST", "localhost")
    monkeypatch.setenv("GQLNEWS_MAX_DEPTH", "5")
    monkeypatch.setenv("GQLNEWS_MAX_ALIASES", "6")
    settings = table(capsys, "--max-depth", "8", "--no-watch")
    assert settings["--host"] == ("localhost", "environment")
    assert settings["--max-depth"] == ("8", "option")
    assert settings["--watch"] == ("off", "option")
    assert settings["--port"] == ("8000", "default")
    assert settings["GQLNEWS_MAX_ALIASES"] == ("6", "environment")


def test_the_columns_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    lines = config(capsys).splitlines()
    assert {line[: len(line) - len(origin)][-2:] for line in lines for origin in (line.split()[-1],)} == {
        "  "
    }
    assert len({len(line) - len(line.split()[-1]) for line in lines}) == 1


def test_a_computed_default_is_printed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    value, origin = table(capsys, "some/folder")["--db"]
    assert value.startswith(str(tmp_path / "gqlnews"))
    assert origin == "default"
    assert table(capsys)["--db"] == ("one per content folder, in the user's cache folder", "default")
    assert table(capsys)["--tracing"] == ("off", "default")
    assert table(capsys)["--reader"] == ("on if the server listens on a loopback address", "default")
    assert table(capsys, "--no-reader")["--reader"] == ("off", "option")


def test_values_have_the_units_of_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    given = ("--response-cache-mb", "7", "--db", "news.db", "--allow-origin", "https://A.example")
    settings = table(capsys, *given)
    assert settings["--response-cache-mb"] == ("7", "option")
    assert settings["--allow-origin"] == ("https://a.example", "option")
    found = objects(capsys, *given)
    assert found["GQLNEWS_RESPONSE_CACHE_MB"] == {
        "option": "--response-cache-mb",
        "variable": "GQLNEWS_RESPONSE_CACHE_MB",
        "value": 7,
        "origin": "option",
    }
    assert found["GQLNEWS_DB"]["value"] == "news.db"
    assert found["GQLNEWS_ALLOW_ORIGINS"]["value"] == ["https://a.example"]
    assert found["GQLNEWS_FORWARDED_ALLOW_IPS"]["value"] == []
    assert found["GQLNEWS_UNPUBLISHED"]["value"] is False
    assert found["GQLNEWS_LOG_FORMAT"]["value"] == "text"
    assert found["GQLNEWS_MAX_PAGE"]["option"] is None


def test_paths_of_documents_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    given = ("--persisted-documents", "a.json", "--persisted-documents", "b")
    assert table(capsys, *given)["--persisted-documents"] == ("a.json b", "option")
    assert objects(capsys, *given)["GQLNEWS_PERSISTED_DOCUMENTS"]["value"] == ["a.json", "b"]


@pytest.mark.parametrize("format", ["text", "json"])
def test_only_the_number_of_tokens_is_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    monkeypatch.setenv("GQLNEWS_EDITOR_TOKENS", f"{DIGEST} {DIGEST}")
    assert DIGEST not in config(capsys, "--format", format)
    assert objects(capsys)["GQLNEWS_EDITOR_TOKENS"]["value"] == 2


def test_a_value_that_is_not_printable_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    assert table(capsys, "--db", "a\nb\x1b")["--db"] == (r"'a\nb\x1b'", "option")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "70000"], "--port: '70000' is not a whole number from 0 to 65535 (0 selects a free one)"),
        (
            ["--persisted-only"],
            "--persisted-only needs trusted documents: set --persisted-documents, or --reader",
        ),
    ],
)
def test_what_serve_rejects_config_rejects(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    for command in (["config"], ["serve", "."]):
        assert run([*command, *arguments]) == 2
        assert capsys.readouterr().err == f"gqlnews: {message}\n"


def test_an_ignored_variable_is_reported_on_standard_error(tmp_path: Path) -> None:
    done = run_cli(tmp_path, "config", GQLNEWS_PORT="tcp://10.96.0.10:8000")
    assert done.returncode == 0
    assert done.stderr.startswith("gqlnews: warning: GQLNEWS_PORT=tcp://10.96.0.10:8000 is ignored: ")
    assert done.stderr.count("\n") == 1
    assert json.loads(run_cli(tmp_path, "config", "--format", "json", GQLNEWS_PORT="tcp://a:1").stdout)
