"""`gqlnews check --operations`: options, formats, exit codes, and the schema that counts."""

import json
from pathlib import Path

import pytest

from gqlnews.cli.app import run
from tests.operations.support import gql
from tests.server.support import ARTICLES, run_cli, write_articles

RIGHT = gql("query Right { site { version } }")
WRONG = gql("query Wrong { site { verzion } }")
CONFIG = '[fields.rating]\ntype = "Int"\nfilter = true\n'
CUSTOM = gql("query Custom { articles(where: { rating: { gte: 3 } }) { nodes { rating } } }")


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "web").mkdir()
    return Path("web")


def check(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run the command; return exit code, standard output and standard error."""
    code = run(["check", *arguments])
    message = capsys.readouterr()
    return code, message.out, message.err


def test_documents_without_mistakes_exit_with_0(web: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (web / "a.ts").write_text(RIGHT)
    summary = "1 operation, 0 fragments in 1 file of web: 0 errors\n"
    assert check(capsys, "--operations", "web") == (0, "", summary)


def test_a_mistake_is_printed_and_exits_with_1(web: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (web / "a.ts").write_text(WRONG)
    code, out, err = check(capsys, "--operations", "web")
    assert out == (
        "web/a.ts:1:47: error graphql-validation-failed: Cannot query field 'verzion' on type 'Site'. "
        "Did you mean 'version'?\n"
    )
    assert (code, err) == (1, "1 operation, 0 fragments in 1 file of web: 1 error\n")


def test_json_is_an_array(web: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (web / "a.ts").write_text(WRONG)
    (web / "b.ts").write_bytes(b"\xff")
    code, out, _ = check(capsys, "--operations", "web", "--format", "json")
    first, second = json.loads(out)
    assert first.pop("message").startswith("Cannot query field")
    assert first == {
        "path": "a.ts",
        "line": 1,
        "column": 47,
        "severity": "ERROR",
        "code": "graphql-validation-failed",
    }
    assert (code, second["path"], second["code"]) == (1, "b.ts", "not-utf-8")


def test_github_marks_the_line(web: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (web / "a.ts").write_text(WRONG)
    code, out, _ = check(capsys, "--operations", "web", "--format", "github")
    assert out.startswith("::error file=web/a.ts,line=1,col=47,title=graphql-validation-failed::Cannot query")
    assert code == 1


def test_equal_mistakes_are_all_printed(web: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        (web / f"{name}.ts").write_text(WRONG.replace("Wrong", name))
    assert check(capsys, "--operations", "web")[1].count("\n") == 2


def test_verbose_names_the_generated_files(web: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (web / "a.ts").write_text(RIGHT)
    (web / "a.generated.ts").write_text(WRONG)
    _, _, err = check(capsys, "--operations", "web", "--verbose")
    assert err.startswith("passed over: web/a.generated.ts\n1 operation")


def test_custom_fields_are_those_of_the_content(web: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (web / "a.ts").write_text(CUSTOM)
    Path("content").mkdir()
    Path("content/gqlnews.toml").write_text(CONFIG)
    assert check(capsys, "--operations", "web")[0] == 1
    assert check(capsys, "--operations", "web", "content")[0] == 0
    assert check(capsys, "--operations", "web", "--config", "content/gqlnews.toml")[0] == 0


def test_the_articles_are_not_checked(web: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (web / "a.ts").write_text(RIGHT)
    folder = write_articles(Path("content"), ARTICLES)
    assert check(capsys, str(folder), "--ingest-workers", "1")[0] == 1
    assert check(capsys, "--operations", "web", str(folder))[0] == 0


def test_the_limits_are_those_of_the_server(
    web: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (web / "a.ts").write_text(gql("query A { articles(first: 30) { nodes { a: title section { path } } } }"))
    assert check(capsys, "--operations", "web")[0] == 0
    assert "too-deep" in check(capsys, "--operations", "web", "--max-depth", "2")[1]
    assert "too-costly" in check(capsys, "--operations", "web", "--max-cost", "30")[1]
    monkeypatch.setenv("GQLNEWS_MAX_PAGE", "25")
    assert "bad-page" in check(capsys, "--operations", "web")[1]
    monkeypatch.setenv("GQLNEWS_MAX_TOKENS", "10")
    assert "too-many-tokens" in check(capsys, "--operations", "web")[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--operations", "nowhere"), "--operations nowhere is not a folder: "),
        (("--operations", "web"), "--operations web contains no GraphQL documents: "),
        (("--operations", "web", "nowhere"), "nowhere"),
        (("--operations", "web", "--config", "nowhere.toml"), "nowhere.toml"),
        (("--operations", "web", "--config", "wrong.toml"), "wrong.toml:1:"),
        ((), "FOLDER is missing: pass it, or set GQLNEWS_FOLDER"),
    ],
)
def test_wrong_usage_exits_with_2(
    web: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    Path("wrong.toml").write_text("feilds = 1\n")
    code, out, err = check(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("gqlnews: ")
    assert message in err
    assert err.count("\n") == 1


def test_only_this_command_loads_the_parser(web: Path, tmp_path: Path) -> None:
    (web / "a.ts").write_text(RIGHT)
    done = run_cli(tmp_path / "home", "check", "--operations", "web", PYTHONPROFILEIMPORTTIME="1")
    other = run_cli(tmp_path / "home", "--help", PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    assert ["tree_sitter" in one.stderr for one in (done, other)] == [True, False]
