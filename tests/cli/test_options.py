"""Every option: the same on the command line, in the environment, in `docs/settings.md` and in `--help`."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from gqlnews.cli.app import app, run
from gqlnews.config import settings
from tests.server.support import run_cli, write_articles

DOCS = (Path(__file__).parents[2] / "docs" / "settings.md").read_text("utf-8")
COMMANDS: dict[str, Any] = dict(get_command(app).commands)  # type: ignore[attr-defined]

Row = tuple[str, str, str]
"""An option's first name, its variable, and its commands in order."""


def documented() -> set[Row]:
    """Return the rows of the table of options."""
    table = DOCS.partition("## Options")[2].partition("##")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| `")]
    return {(option.strip("`"), variable.strip("`"), commands) for option, variable, commands, *_ in rows}


def declared() -> set[Row]:
    """Return the options that the commands declare."""
    commands = defaultdict(list)
    for name, command in COMMANDS.items():
        for parameter in command.params:
            if parameter.name != "help" and not parameter.hidden:
                option = parameter.opts[0] if parameter.opts[0].startswith("-") else parameter.opts[0].upper()
                commands[option, parameter.envvar].append(name)
    return {(option, variable, ", ".join(names)) for (option, variable), names in commands.items()}


def test_the_documentation_has_every_option_and_no_other() -> None:
    assert documented() == declared()


def test_every_option_has_its_own_variable() -> None:
    variables = [variable for _, variable, _ in declared()]
    assert all(variable.startswith("GQLNEWS_") for variable in variables)
    assert len(set(variables)) == len(variables)


def test_the_documentation_has_every_variable_that_is_no_option() -> None:
    read = {value for name, value in vars(settings).items() if name.isupper() and isinstance(value, str)}
    assert read <= set(re.findall(r"`(GQLNEWS_\w+)`", DOCS))


@pytest.mark.parametrize("name", COMMANDS)
def test_help_lists_every_option_with_its_variable(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    message = re.sub(r"[│\s]+", " ", capsys.readouterr().out)
    for option, variable, commands in documented():
        if name in commands.split(", "):
            assert option.lower() in message
            assert f"env var: {variable}" in message


@pytest.mark.parametrize(
    ("default", "option"), [("`127.0.0.1`", "--host"), ("`8000`", "--port"), ("`1000`", "--articles")]
)
def test_the_documented_defaults_are_the_codes(default: str, option: str) -> None:
    (row,) = [line for line in DOCS.splitlines() if line.startswith(f"| `{option}`")]
    (value,) = {
        str(parameter.default)
        for command in COMMANDS.values()
        for parameter in command.params
        if option in parameter.opts
    }
    assert default == f"`{value}`"
    assert default in row


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
