"""`gqlnews ingest --watch`, run beside a server that only serves, and the warnings of `gqlnews serve`."""

import json
import signal
import sys
from pathlib import Path

import pytest

from tests.ingest.watch_process import until
from tests.server.support import DEADLINE, SOON, environment, run_cli, running, write_articles


def command(folder: Path, database: Path) -> list[str]:
    return [sys.executable, "-m", "gqlnews", "ingest", str(folder), "--db", str(database), "--watch"]


@pytest.mark.parametrize(("number", "name"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")])
def test_watch_ingests_follows_and_ends_with_one_line(tmp_path: Path, number: int, name: str) -> None:
    folder = write_articles(tmp_path / "content")
    with running(command(folder, tmp_path / "n.db"), environment(tmp_path)) as run:
        run.wait_for("2 added, 0 changed, 0 removed, 0 unchanged, 1 problems; ")
        run.wait_for("info watching folder=")
        (folder / "published.md").unlink()
        run.wait_for("info ingested added=0 changed=0 removed=1 problems=1 ms=")
        assert run.stop(number) < SOON
        assert run.process.returncode == 0
        last = run.remaining_output().splitlines()[-1]
    assert last == f"gqlnews: stopped by {name}; all completed ingests are in the database"


def test_a_signal_before_watching_rolls_the_ingest_back(tmp_path: Path) -> None:
    folder = write_articles(tmp_path / "content", {f"{n}.md": "---\ntitle: T\n---\n" for n in range(5000)})
    with running(command(folder, tmp_path / "n.db"), environment(tmp_path)) as run:
        until((tmp_path / "n.db-journal").exists, "it does not begin")
        run.stop(signal.SIGTERM)
        assert run.process.returncode == 128 + signal.SIGTERM
        assert "this run was rolled back" in run.remaining_output()


def test_a_failed_rebuild_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "n.db-building").mkdir()
    line = [*command(write_articles(tmp_path / "content"), tmp_path / "n.db"), "--rebuild"]
    with running(line, environment(tmp_path)) as run:
        assert run.process.wait(DEADLINE) == 2
        assert "cannot be rebuilt" in run.remaining_output()


def test_a_port_that_kubernetes_sets_is_logged_and_ignored(tmp_path: Path) -> None:
    folder = write_articles(tmp_path / "content")
    unknown = ("--host", "no.such.host.invalid")  # the command ends, whatever listens on the default port
    link = "tcp://10.96.0.10:8000"
    done = run_cli(tmp_path, "serve", folder, *unknown, "--log-format", "json", GQLNEWS_PORT=link)
    warning, error = done.stderr.splitlines()
    event = json.loads(warning)
    assert event["level"] == "warning"
    assert event["message"].startswith(f"GQLNEWS_PORT={link} is ignored: ")
    assert error.startswith("gqlnews: unknown host 'no.such.host.invalid'")
    assert done.returncode == 2


def test_options_of_the_ingest_that_are_ignored_without_a_folder_are_logged(tmp_path: Path) -> None:
    unknown = ("--host", "no.such.host.invalid", "--db", "postgresql:///news")
    given = ("--no-watch", "--provider", "News <news.example>", "--unpublished")
    variables = {
        "GQLNEWS_BASE_URL": "https://news.example/",
        "GQLNEWS_METRICS": "1",
        "GQLNEWS_INGEST_WORKERS": "",
    }
    done = run_cli(tmp_path, "serve", *unknown, *given, "--log-format", "json", **variables)
    *events, error = done.stderr.splitlines()
    assert [json.loads(event)["message"].partition(" is ignored: without FOLDER")[0] for event in events] == [
        "--watch/--no-watch",
        "GQLNEWS_BASE_URL",
        "--provider",
    ]
    assert error.startswith("gqlnews: unknown host 'no.such.host.invalid'")
