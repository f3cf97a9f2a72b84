"""`gqlnews check`: problems in the format of compilers, as JSON, and for GitHub."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gqlnews.cli.app import run
from gqlnews.cli.formatters import format_github, format_json, format_text
from gqlnews.content.models import ContentProblem, ProblemSeverity
from tests.server.support import ARTICLES, PUBLISHED, run_cli, write_articles

ESCAPED = {
    "escaped.md": PUBLISHED.replace("https://example.com/published", "https://example.com/?a=1&amp;b=2")
}
FOLDER = Path("content")
HERE = ContentProblem("a/b.md", 3, 8, ProblemSeverity.ERROR, "bad-date", "no date")
WHOLE = ContentProblem("a/b.md", None, None, ProblemSeverity.WARNING, "left-out", "a file")


def check(
    folder: Path, capsys: pytest.CaptureFixture[str], *arguments: str, articles: Mapping[str, str] = ARTICLES
) -> tuple[int, str, str]:
    """Run the command; return exit code, standard output and standard error."""
    code = run(["check", str(write_articles(folder, articles)), "--ingest-workers", "1", *arguments])
    message = capsys.readouterr()
    return code, message.out, message.err


def test_an_error_is_printed_with_its_position_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = check(tmp_path, capsys)
    assert out.startswith(f"{tmp_path}/broken.md:3:20: error bad-date: ")
    assert out.count("\n") == 1
    assert (code, err) == (1, f"1 error, 0 warnings in {tmp_path}\n")


def test_a_warning_is_printed_and_does_not_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = check(tmp_path, capsys, articles=ESCAPED)
    assert out.startswith(f"{tmp_path}/escaped.md:4:9: warning escaped-url: ")
    assert (code, err) == (0, f"0 errors, 1 warning in {tmp_path}\n")


@pytest.mark.parametrize(("format", "nothing"), [("text", ""), ("json", "[]\n"), ("github", "")])
def test_good_files_print_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], format: str, nothing: str
) -> None:
    code, out, _ = check(tmp_path, capsys, "--format", format, articles={"a.md": PUBLISHED})
    assert (code, out) == (0, nothing)


def test_json_has_the_problems_of_the_contract(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = check(tmp_path, capsys, "--format", "json")
    (problem,) = json.loads(out)
    assert problem.pop("message")
    assert problem == {"path": "broken.md", "line": 3, "column": 20, "severity": "ERROR", "code": "bad-date"}
    assert code == 1


def test_github_marks_the_line_in_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, _ = check(tmp_path / "content", capsys, "--format", "github")
    assert out.startswith("::error file=content/broken.md,line=3,col=20,title=bad-date::")
    assert code == 1


def test_check_does_not_change_the_served_database(tmp_path: Path) -> None:
    done = run_cli(tmp_path / "home", "check", write_articles(tmp_path / "content"), TMPDIR=str(tmp_path))
    assert done.returncode == 1
    assert [path.name for path in tmp_path.iterdir()] == ["content"]


def test_the_exit_code_and_the_streams_are_a_processs(tmp_path: Path) -> None:
    done = run_cli(tmp_path, "check", write_articles(tmp_path / "content"), "--format", "json")
    assert (done.returncode, len(json.loads(done.stdout))) == (1, 1)


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (HERE, "content/a/b.md:3:8: error bad-date: no date\n"),
        (WHOLE, "content/a/b.md: warning left-out: a file\n"),
        (
            ContentProblem("a\nb.md", 1, None, ProblemSeverity.ERROR, "x", "y\x1b[1m"),
            "content/a\\nb.md:1: error x: y\\x1b[1m\n",
        ),
    ],
)
def test_text_omits_unknown_positions_and_escapes_control_characters(
    problem: ContentProblem, text: str
) -> None:
    assert format_text(FOLDER, [problem]) == text


@pytest.mark.parametrize(
    ("problem", "command"),
    [
        (HERE, "::error file=content/a/b.md,line=3,col=8,title=bad-date::no date\n"),
        (WHOLE, "::warning file=content/a/b.md,title=left-out::a file\n"),
        (
            ContentProblem("a,b:c%.md", 1, 2, ProblemSeverity.ERROR, "x", "50%, a: b\r\nc"),
            "::error file=content/a%2Cb%3Ac%25.md,line=1,col=2,title=x::50%25, a: b%0D%0Ac\n",
        ),
    ],
)
def test_github_commands_are_escaped(problem: ContentProblem, command: str) -> None:
    assert format_github(FOLDER, [problem]) == command


names = st.text(st.characters(exclude_characters="\0/"), min_size=1).filter(
    lambda name: name not in {".", ".."}
)


@given(path=names, message=st.text())
def test_one_problem_is_one_line_in_every_format(path: str, message: str) -> None:
    problem = ContentProblem(path, 1, 2, ProblemSeverity.ERROR, "bad-date", message)
    for printed in (format_text, format_json, format_github):
        text = printed(FOLDER, [problem])
        assert text.endswith("\n")
        assert len(text[:-1].split("\n")) == 1
        text.encode()  # any file name can be printed


@pytest.mark.parametrize("format", ["text", "json", "github"])
def test_characters_outside_the_output_encoding_are_escaped(tmp_path: Path, format: str) -> None:
    folder = write_articles(tmp_path / "content", {"日.md": "no front matter"})
    done = run_cli(tmp_path, "check", folder, "--format", format, PYTHONIOENCODING="latin-1")
    assert (done.returncode, "\\u65e5.md" in done.stdout) == (1, True)


def test_an_undecodable_file_name_is_printed(tmp_path: Path) -> None:
    folder = write_articles(tmp_path / "content", {})
    folder.mkdir()
    with open(os.fsencode(folder) + b"/\xff.md", "wb") as file:
        file.write(b"no front matter")
    for format in ("text", "json", "github"):
        done = run_cli(tmp_path, "check", folder, "--format", format)
        assert (done.returncode, "unreadable" in done.stdout) == (1, True)
