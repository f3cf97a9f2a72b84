"""`gqlnews serve` as users run it, from saving a file to the response: one process, several, two servers."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.ingest.watch_process import until
from tests.server.support import DEADLINE, PUBLISHED, Running, run_cli, serving, write_articles

LIVE = {"GQLNEWS_WATCH": "1"}
TITLE = {"query": '{ article(slug: "published") { title } }'}
WATCH = {"query": "subscription Watch { articleChanged { kind slug article { title } } }"}
EVENTS = {"accept": "text/event-stream"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_articles(tmp_path / "content")


def save(folder: Path, title: str) -> None:
    """Save as an editor does: write a temporary file, then rename it over the old one."""
    aside = folder / ".published.md.new"
    aside.write_text(PUBLISHED.replace("title: Published", f"title: {title}"))
    aside.rename(folder / "published.md")


def title_at(url: str) -> object:
    return httpx2.post(f"{url}/graphql", json=TITLE).json()["data"]["article"]["title"]


def wait_for_title(url: str, title: str) -> float:
    """Return the seconds until a query returns this title."""
    start = time.monotonic()
    until(lambda: title_at(url) == title, f"the title is not {title}")
    return time.monotonic() - start


@contextmanager
def watching(url: str, *, raw: bool = False) -> Iterator[Iterator[dict[str, Any]]]:
    """Yield the events of an open subscription; with `raw`, whole responses."""
    timeout = httpx2.Timeout(DEADLINE)
    with httpx2.Client(timeout=timeout) as client:
        with client.stream("POST", f"{url}/graphql", json=WATCH, headers=EVENTS) as response:
            lines = response.iter_lines()
            assert next(lines) == ":"
            answers = (json.loads(line[6:]) for line in lines if line.startswith("data: {"))
            yield answers if raw else (answer["data"]["articleChanged"] for answer in answers)


def children(process: subprocess.Popen[str], of: str) -> list[int]:
    """Return the process's children whose command line contains `of`."""
    found: list[str] = []
    for thread in Path(f"/proc/{process.pid}/task").iterdir():
        with suppress(OSError):  # it has ended meanwhile
            found += (thread / "children").read_text().split()
    return [int(child) for child in found if of in command_of(child)]


def command_of(pid: str) -> str:
    """Return the command line, or an empty string if the process has exited."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def wait_until_gone(pids: list[int]) -> None:
    until(lambda: all(is_zombie(pid) for pid in pids), "a process has not ended")


def is_zombie(pid: int) -> bool:
    """Return whether the process has ended, also if its parent has not waited for it yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_what_is_saved_is_served(tmp_path: Path, folder: Path) -> None:
    with serving(tmp_path, folder, env=LIVE) as (url, run):
        run.wait_for("watching")
        save(folder, "Saved")
        wait_for_title(url, "Saved")
        run.wait_for("ingested added=0 changed=1 removed=0")


def test_who_watches_sees_each_change_once_and_in_order(tmp_path: Path, folder: Path) -> None:
    titles = ["One", "Two", "Three"]
    with serving(tmp_path, folder, env=LIVE) as (url, _):
        with watching(url) as events:
            for title in titles:
                save(folder, title)
                assert next(events) == {
                    "kind": "UPDATED", "slug": "published", "article": {"title": title},
                }  # fmt: skip
            (folder / "published.md").unlink()
            assert next(events) == {"kind": "REMOVED", "slug": "published", "article": None}


def test_without_watching_the_start_is_served(tmp_path: Path, folder: Path) -> None:
    with serving(tmp_path, folder, "--no-watch", env={"GQLNEWS_WATCH": ""}) as (url, run):
        assert children(run.process, "ingest") == []
        assert title_at(url) == "Published"


def test_a_watcher_that_is_killed_is_started_again(tmp_path: Path, folder: Path) -> None:
    with serving(tmp_path, folder, env=LIVE) as (url, run):
        run.wait_for("watching")
        (watcher,) = children(run.process, "ingest")
        os.kill(watcher, signal.SIGKILL)
        save(folder, "Saved meanwhile")
        run.wait_for("watcher exited status=-9")
        wait_for_title(url, "Saved meanwhile")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_watcher_ends_with_its_server(tmp_path: Path, folder: Path, number: int) -> None:
    with serving(tmp_path, folder, env=LIVE) as (_, run):
        run.wait_for("watching")
        watchers = children(run.process, "ingest")
        assert len(watchers) == 1
        run.stop(number)
        wait_until_gone(watchers)


def test_of_two_servers_on_one_database_the_other_takes_over(tmp_path: Path, folder: Path) -> None:
    database = ("--db", str(tmp_path / "news.db"))
    with serving(tmp_path, folder, *database, env=LIVE) as (_, first):
        first.wait_for("watching")
        with serving(tmp_path, folder, *database, env=LIVE) as (url, second):
            with watching(url) as events:
                save(folder, "By the first")
                assert next(events)["article"] == {"title": "By the first"}
                first.stop(signal.SIGKILL)
                save(folder, "By the second")
                wait_for_title(url, "By the second")
                assert next(events)["article"] == {"title": "By the second"}
            second.wait_for("watching")


def test_a_database_that_is_deleted_is_rebuilt_and_read(tmp_path: Path, folder: Path) -> None:
    database = tmp_path / "news.db"
    with serving(tmp_path, folder, "--db", str(database), env=LIVE) as (url, run):
        run.wait_for("watching")
        with watching(url, raw=True) as answers:
            save(folder, "Into the old one")
            assert next(answers)["data"]["articleChanged"]["kind"] == "UPDATED"
            for file in tmp_path.glob("news.db*"):
                file.unlink()
            run.wait_for("was replaced; reading the new file")
            assert next(answers)["errors"][0]["extensions"] == {"code": "VERSION_TOO_OLD"}
        with watching(url) as events:
            save(folder, "Into the new one")
            assert next(events)["article"] == {"title": "Into the new one"}
        assert title_at(url) == "Into the new one"


def test_a_server_that_only_serves_beside_an_ingest_that_watches(tmp_path: Path, folder: Path) -> None:
    database = tmp_path / "news.db"
    with serving(tmp_path, folder, "--db", str(database), "--no-watch", env=LIVE) as (url, _):
        save(folder, "Taken in by hand")
        assert run_cli(tmp_path, "ingest", folder, "--db", database).returncode == 0
        assert title_at(url) == "Taken in by hand"


@pytest.fixture
def several(tmp_path: Path, folder: Path) -> Iterator[tuple[str, Running]]:
    with serving(tmp_path, folder, "--workers", "2", env=LIVE) as (url, run):
        run.wait_for("Ctrl-C stops it")
        yield url, run


def workers(run: Running) -> list[int]:
    return children(run.process, "gqlnews.cli.worker")


def test_several_processes_see_one_change(several: tuple[str, Running], folder: Path) -> None:
    url, run = several
    assert len(workers(run)) == 2
    with watching(url) as one, watching(url) as another, watching(url) as third:
        save(folder, "Saved")
        assert {next(events)["slug"] for events in (one, another, third)} == {"published"}


def test_a_worker_that_is_killed_is_started_again(several: tuple[str, Running]) -> None:
    url, run = several
    before = workers(run)
    os.kill(before[0], signal.SIGKILL)
    run.wait_for("worker exited status=-9 again=True")
    until(lambda: len(workers(run)) == 2, "there is no new worker")
    assert before[0] not in workers(run)
    assert title_at(url) == "Published"


@pytest.mark.parametrize(("number", "seconds"), [(signal.SIGTERM, 10.0), (signal.SIGINT, 3.0)])
def test_several_processes_stop_with_the_first(
    several: tuple[str, Running], number: int, seconds: float
) -> None:
    _, run = several
    started = [*workers(run), *children(run.process, "ingest")]
    assert run.stop(number) < seconds
    assert run.process.returncode == 0
    wait_until_gone(started)


def test_several_processes_end_where_the_first_is_killed(several: tuple[str, Running]) -> None:
    _, run = several
    started = [*workers(run), *children(run.process, "ingest")]
    run.stop(signal.SIGKILL)
    wait_until_gone(started)
