"""The command line as users see it: help, version, and one-line errors."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from gqlnews import __version__
from gqlnews.cli.app import run
from tests.server.support import environment, run_cli, write_articles

COMMANDS = ("serve", "ingest", "check", "changes", "config", "schema", "sample")


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The environment of a user without any settings."""
    monkeypatch.delenv("GQLNEWS_CORPUS", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"gqlnews {__version__}\n"


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    message = capsys.readouterr().out
    assert all(f" {command} " in message for command in COMMANDS)


OF_A_SERVER = {"strawberry", "graphql", "sqlalchemy", "starlette", "uvicorn"}


@pytest.mark.parametrize(
    ("code", "unused"),
    [
        ("run(['--help'])", {*OF_A_SERVER, "yaml", "pydantic", "pydantic_settings"}),
        ("run(['ingest', '.', '--db', 'news.db'])", OF_A_SERVER),
        ("run(['check', '.'])", OF_A_SERVER),
        ("import gqlnews.cli.watch", OF_A_SERVER),
    ],
)
def test_a_command_imports_only_what_it_uses(tmp_path: Path, code: str, unused: set[str]) -> None:
    script = (
        f"import sys; from gqlnews.cli.app import run; {code}; "
        f"sys.exit(' '.join({unused!r} & set(sys.modules)) or 0)"
    )
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", script],
        env=environment(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_output_that_is_no_terminal_has_no_colours(tmp_path: Path) -> None:
    assert "\x1b" not in run_cli(tmp_path, "serve", "--help").stdout


def test_the_module_is_the_program(tmp_path: Path) -> None:
    assert run_cli(tmp_path, "--version").stdout == f"gqlnews {__version__}\n"


REFUSED = [
    ([], "Missing command"),
    (["sevre"], "No such command 'sevre'. Did you mean 'serve'?"),
    (["serve"], "FOLDER is missing: pass it, or set GQLNEWS_FOLDER"),
    (["serve", "no-such-folder"], "folder no-such-folder cannot be read (No such file or directory)"),
    (["ingest", "file.md"], "folder file.md cannot be read (Not a directory)"),
    (["ingest", "content", "--db", "foreign.db"], "database foreign.db belongs to another application"),
    (["ingest", "content", "--db", "file.md"], "database file.md is not a gqlnews database"),
    (["ingest", "content", "--db", "content"], "database content cannot be opened"),
    (["ingest", "content", "--base-url", "/relative"], "--base-url: '/relative' is not an http or https URL"),
    (["ingest", "content", "--base-url", "http://[x"], "--base-url: 'http://[x' is not an http or https URL"),
    (
        ["ingest", "content", "--allowed-iframe-host", "https://a.b/"],
        "--allowed-iframe-host: 'https://a.b/' is not a host name",
    ),
    (["ingest", "content", "--ingest-workers", "0"], "--ingest-workers: '0' is not a whole number"),
    (["serve", "content", "--port", "65536"], "--port: '65536' is not a whole number from 0 to 65535"),
    (["serve", "content", "--port", "-1"], "--port: '-1' is not a whole number from 0 to 65535"),
    (["serve", "content", "--port", "http"], "--port: 'http' is not a whole number from 0 to 65535"),
    (["serve", "content", "--host", "no.such.host.invalid"], "unknown host 'no.such.host.invalid'"),
    (["serve", "content", "--nonsense"], "No such option: --nonsense"),
    (["check", "content", "--format", "xml"], "--format: 'xml' is not valid; use text or json or github"),
    (["sample", "content", "--articles", "0"], "--articles: '0' is not a whole number from 1 to 1000000"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED, ids=lambda value: " ".join(value) or "nothing")
def test_a_failure_prints_one_line_and_exits_with_2(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write_articles(tmp_path, {"file.md": "no database", "content/none.txt": ""})
    with sqlite3.connect("foreign.db") as db:
        db.execute("CREATE TABLE theirs (a)")
    db.close()
    assert run(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"gqlnews: {message}")
    assert said.err.count("\n") == 1


def test_a_process_exits_with_the_code(tmp_path: Path) -> None:
    done = run_cli(tmp_path, "serve", tmp_path / "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("gqlnews: folder ")


def test_schema_prints_the_exported_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema"]) == 0
    exported = Path(__file__).parents[2] / "schema.graphql"
    assert capsys.readouterr().out == exported.read_text("utf-8")


def test_a_sample_is_the_same_for_the_same_seed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "same"):
        assert run(["sample", str(tmp_path / name), "--articles", "30", "--seed", "7"]) == 0
    assert files(tmp_path / "one") == files(tmp_path / "same")
    assert capsys.readouterr().out.startswith(f"30 articles in {tmp_path / 'one'}, ")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
