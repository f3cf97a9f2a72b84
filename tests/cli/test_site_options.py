"""The options about a site, and what the commands print about it."""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from gqlnews.cli.app import run
from gqlnews.cli.content_options import IngestTarget
from gqlnews.cli.site_options import build_overrides, override_arguments
from gqlnews.cli.watch import _watcher_command
from gqlnews.config.values import LogFormat
from gqlnews.content.models import ParseOptions
from gqlnews.content.presets.site import SiteOverrides
from gqlnews.errors import SettingsError
from tests.ingest.watch_process import until
from tests.server.support import environment, running, write_articles

POST = "---\ntitle: A\ndate: 2021-04-15\n---\n"
SITE = {
    "hugo.toml": "baseURL = 'https://example.org/'\n",
    "content/post/a.md": POST,
    "content/about.md": "---\ntitle: About\n---\n",
}
EVERYTHING = SiteOverrides(
    preset="jekyll",
    permalink="/:year/",
    provider_name="Example News",
    provider_domain="news.example",
    hides_future=True,
    hides_expired=False,
)


def test_the_options_are_read() -> None:
    overrides = build_overrides("jekyll", "/:year/", " Example News  <News.example> ", "hide", "show")
    assert overrides == EVERYTHING
    assert build_overrides() == SiteOverrides()
    assert build_overrides(provider="<news.example>") == SiteOverrides(provider_domain="news.example")


@pytest.mark.parametrize("overrides", [EVERYTHING, SiteOverrides(), SiteOverrides(provider_domain="a.org")])
def test_another_process_gets_the_same_options(overrides: SiteOverrides) -> None:
    arguments = override_arguments(overrides)
    options = dict(zip(arguments[::2], arguments[1::2], strict=True))
    names = ("--preset", "--permalink", "--provider", "--future", "--expired")
    assert build_overrides(*(options.get(name) for name in names)) == overrides


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "gatsby"}, "use one of hugo, jekyll, zola"),
        ({"permalink": "/:nothing/"}, ":nothing, which is not one of :year,"),
        ({"provider": "Example News"}, "use 'Example News <news.example>'"),
        ({"provider": "Example <a b>"}, "use 'Example News <news.example>'"),
        ({"future": "maybe"}, "use hide or show"),
        ({"expired": "HIDE"}, "use hide or show"),
    ],
)
def test_a_wrong_option_says_what_is_right(options: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        build_overrides(**options)


def test_the_watcher_of_a_server_gets_the_options(tmp_path: Path) -> None:
    target = IngestTarget(tmp_path, tmp_path / "n.db", ParseOptions(overrides=EVERYTHING), None)
    command = _watcher_command(target, LogFormat.TEXT, force_polling=False)
    for argument in override_arguments(EVERYTHING):
        assert argument in command


def test_ingest_prints_the_site_and_takes_the_options(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, database = write_articles(tmp_path / "site", SITE), tmp_path / "n.db"
    assert run(["ingest", str(folder), "--db", str(database)]) == 0
    assert capsys.readouterr().out.splitlines()[0] == (
        "preset hugo (hugo.toml): 1 article, 1 page passed over"
    )
    options = [
        "--preset",
        "generic",
        "--permalink",
        "/x/:path/",
        "--provider",
        "B <b.org>",
        "--future",
        "hide",
    ]
    assert run(["ingest", str(folder), "--db", str(database), *options]) == 0
    assert capsys.readouterr().out.startswith(
        "preset generic: 1 article, 1 page passed over\n1 added, 0 changed, 1 removed"
    )
    with closing(sqlite3.connect(database)) as db:
        row = db.execute("SELECT slug, url, provider_name, provider_domain FROM article").fetchone()
    assert row == ("content/post/a", "/x/content/post/a/", "B", "b.org")


def test_an_empty_folder_is_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    for command in ("ingest", "check"):
        arguments = ["--db", str(tmp_path / "n.db")] if command == "ingest" else []
        assert run([command, str(tmp_path / "empty"), *arguments]) == 0
        message = capsys.readouterr()
        assert "nothing found: gqlnews reads files that end in .md" in message.out + message.err


# check


def check(
    folder: Path, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, list[str], list[str]]:
    code = run(["check", str(folder), "--ingest-workers", "1", *arguments])
    message = capsys.readouterr()
    return code, message.out.splitlines(), message.err.splitlines()


def test_check_collapses_equal_problems_and_sums_them_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {f"n{number}.md": POST.replace("2021-04-15", "soon") for number in range(1200)}
    folder = write_articles(tmp_path / "site", {**files, "x.md": POST.replace("2021-04-15", "later")})
    code, out, err = check(folder, capsys)
    assert code == 1
    assert len(out) == 2
    assert out[0].startswith(f"{folder}/n0.md:3:7: error bad-date: `soon` is not a date")
    assert out[0].endswith(" (and 1,199 more: --verbose shows them)")
    assert err == ["  1,201 bad-date", f"1201 errors, 0 warnings in {folder}"]
    assert len(check(folder, capsys, "--verbose")[1]) == 1201
    assert len(check(folder, capsys, "--format", "github")[1]) == 1201


def test_check_names_the_pages_only_if_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_articles(tmp_path / "site", SITE)
    line, totals = (
        "preset hugo (hugo.toml): 1 article, 1 page passed over",
        f"0 errors, 0 warnings in {folder}",
    )
    assert check(folder, capsys) == (0, [], [line, totals])
    assert check(folder, capsys, "--verbose") == (
        0,
        [],
        [line, f"passed over: {folder}/content/about.md", totals],
    )


def test_check_advises_a_preset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_articles(tmp_path / "site", {"_posts/2021-04-15-a.md": POST})
    _, _, err = check(folder, capsys)
    assert "try --preset jekyll" in err[1]
    assert check(folder, capsys, "--preset", "jekyll")[2][0] == "preset jekyll: 1 article"


def test_a_problem_of_a_configuration_above_has_a_path_that_can_be_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_articles(tmp_path / "site", SITE | {"hugo.toml": "baseURL =\n"})
    code, out, _ = check(folder / "content", capsys)
    assert code == 1
    assert out[0].startswith(
        f"{folder}/content/../hugo.toml:1:10: error bad-config: The file is not valid TOML"
    )


def test_long_values_are_cut_with_an_ellipsis(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_articles(tmp_path / "site", {"a.md": POST.replace("2021-04-15", "x" * 100)})
    assert f"`{'x' * 39}…` is not a date" in check(folder, capsys)[1][0]


# serve


def test_serve_prints_what_it_found(tmp_path: Path) -> None:
    folder = write_articles(tmp_path / "site", SITE)
    command = [
        sys.executable,
        "-m",
        "gqlnews",
        "serve",
        str(folder),
        "--db",
        str(tmp_path / "n.db"),
        "--port",
        "0",
    ]
    with running(command, environment(tmp_path)) as server:
        server.wait_for(r"found     preset hugo \(hugo\.toml\): 1 article, 1 page passed over")
        server.wait_for("Ctrl-C stops it.")


def test_the_watcher_of_a_server_keeps_the_options(tmp_path: Path) -> None:
    folder, database = write_articles(tmp_path / "site", SITE), tmp_path / "n.db"
    command = [sys.executable, "-m", "gqlnews", "serve", str(folder), "--db", str(database), "--port", "0"]
    watching = environment(tmp_path, {"GQLNEWS_WATCH": "1"})
    with running([*command, "--permalink", "/p/:slug/"], watching) as server:
        server.wait_for("info watching folder=")
        (folder / "content/post/a.md").write_text(POST.replace("title: A", "title: B"))

        def is_served() -> bool:
            with closing(sqlite3.connect(database)) as db:
                rows = db.execute("SELECT title, url FROM article").fetchall()
            return rows == [("B", "https://example.org/p/b/")]

        until(is_served, "the change is not served at its address")
