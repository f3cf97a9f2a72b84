"""Every option: in `--help`, on the command line, and in the environment."""

import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from gqlnews.cli.app import app, run
from gqlnews.config.declarations import REQUIRED, settings_of
from tests.server.support import run_cli, write_articles

COMMANDS: dict[str, Any] = dict(get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_the_declared_options_and_no_other(name: str) -> None:
    options = {
        "/".join([*parameter.opts, *parameter.secondary_opts]): parameter.envvar or ""
        for parameter in COMMANDS[name].params
        if parameter.name != "help"
    }
    declared = {
        setting.option if setting.option.startswith("-") else setting.name: setting.variable
        for setting in settings_of(name)
        if setting.option
    }
    assert options == declared


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_variable_default_range_and_meaning_of_every_option(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([name, "--help"]) == 0
    message = " ".join(capsys.readouterr().out.split())
    for setting in settings_of(name):
        if not setting.option or setting.is_hidden:
            continue
        assert setting.flag in message or setting.name in message
        zero = f"; 0 {setting.zero}" if setting.zero else ""
        (extra,) = re.findall(
            rf"{re.escape(f'{setting.help}{zero}.')} \[env var: {setting.variable}(.*?)\]", message
        )
        if setting.range:
            assert "{}<=x<={}".format(*setting.range) in extra
        if setting.default is REQUIRED:
            assert "required" in extra
        elif setting.default_text:
            assert f"default: ({setting.default_text})" in extra
        elif setting.type is not bool and setting.default not in (None, ()):
            assert f"default: {setting.default}" in extra


def test_options_of_a_command_can_be_set_by_environment(tmp_path: Path) -> None:
    folder = write_articles(tmp_path / "content")
    done = run_cli(tmp_path, "ingest", GQLNEWS_FOLDER=str(folder), GQLNEWS_DB=str(tmp_path / "named.db"))
    assert (done.returncode, (tmp_path / "named.db").is_file()) == (0, True)
    done = run_cli(tmp_path, "check", GQLNEWS_FOLDER=str(folder), GQLNEWS_CHECK_FORMAT="json")
    assert done.stdout.startswith("[{")
    sample = {
        "GQLNEWS_FOLDER": str(tmp_path / "sample"),
        "GQLNEWS_SAMPLE_ARTICLES": "3",
        "GQLNEWS_SAMPLE_SEED": "5",
    }
    assert run_cli(tmp_path, "sample", **sample).stdout.startswith("3 articles")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GQLNEWS_PORT", "70000"),
        ("GQLNEWS_UNPUBLISHED", "perhaps"),
        ("GQLNEWS_EXPLORER", "perhaps"),
        ("GQLNEWS_LOG_FORMAT", "xml"),
        ("GQLNEWS_STATUS_CODES", "new"),
        ("GQLNEWS_ALLOW_ORIGINS", "news.example"),
        ("GQLNEWS_FORWARDED_ALLOW_IPS", "10.0.0.1/8"),
        ("GQLNEWS_PERSISTED_ONLY", "1"),
        ("GQLNEWS_INGEST_WORKERS", "none"),
        ("GQLNEWS_BASE_URL", "example.com"),
        ("GQLNEWS_ALLOWED_IFRAME_HOSTS", "https://video.example"),
        ("GQLNEWS_EDITOR_TOKENS", "secret"),
        ("GQLNEWS_HOST", "no.such.host.invalid"),
    ],
)
def test_an_invalid_environment_variable_is_rejected(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv(variable, value)
    assert run(["serve", str(tmp_path), *(() if variable == "GQLNEWS_PORT" else ("--port", "0"))]) == 2
    message = capsys.readouterr().err
    assert message.startswith("gqlnews: ")
    assert message.count("\n") == 1
