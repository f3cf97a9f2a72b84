"""`gqlnews changes --follow` with a PostgreSQL database to which an ingester publishes."""

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.publishing import ingesting
from tests.ingest.folder import Folder
from tests.ingest.watch_process import until
from tests.postgresql import Cluster
from tests.server.postgres_support import locked
from tests.server.support import Running, environment, run_here, running

WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


@pytest.fixture
def url(postgresql: Cluster) -> str:
    return postgresql.create_database()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path / "content")
    folder.article("a.md", "https://example.org/a", title="old")
    return folder


@contextmanager
def following(home: Path, url: str, *arguments: str) -> Iterator[Running]:
    command = [sys.executable, "-m", "gqlnews", "changes", "--follow", "--db", url, *arguments]
    with running(command, environment(home)) as run:
        yield run


def next_change(run: Running) -> dict[str, Any]:
    change: dict[str, Any] = json.loads(run.next() or "")
    return change


def test_an_edited_file_is_printed(url: str, folder: Folder, tmp_path: Path) -> None:
    with ingesting(folder, url, tmp_path / "one") as ingester:
        ingester.wait_for("loaded")
        with following(tmp_path, url, "--fields", "title") as run:
            first = next_change(run)
            assert (first["slug"], first["kind"], first["after"]) == ("a", "ADDED", {"title": "old"})
            folder.article("a.md", "https://example.org/a", title="new")
            edited = next_change(run)
            assert (edited["slug"], edited["kind"]) == ("a", "UPDATED")
            assert (edited["before"], edited["after"]) == ({"title": "old"}, {"title": "new"})
            assert edited["version"] > first["version"]
            run.stop(signal.SIGINT)
            assert "stopped by Ctrl-C; to resume, pass the `version`" in run.remaining_output()
            assert run.process.returncode == 0
        ingester.stop(signal.SIGTERM)


def test_a_signal_during_a_statement_ends_it_cleanly(url: str, folder: Folder, tmp_path: Path) -> None:
    """An exception of the signal handler would leave the driver in the middle of a step."""
    assert run_here(tmp_path, "ingest", folder.root, "--db", url).returncode == 0
    with following(tmp_path, url) as run:
        assert next_change(run)["slug"] == "a"
        with locked(url, "site") as execute:
            until(lambda: execute(WAITING) == 1, "no statement waits for the lock")
            run.process.send_signal(signal.SIGTERM)
        output = run.remaining_output()
        assert run.process.wait() == 0
    assert "stopped by SIGTERM; to resume" in output
    assert "Traceback" not in output
