"""A database on a read-only file system is served, and replaced by renaming another over it."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import httpx2
import pytest

from gqlnews.content.models import ParseOptions
from gqlnews.database.sqlite.read_only import get_file_state, has_log, is_immutable, is_read_only
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.ingest.pipeline import ingest
from tests.ingest.watch_process import until
from tests.server.support import DEADLINE, Running, environment, running, write_articles

TITLES = {"query": "{ articles { nodes { title } } }"}
ARTICLE = "---\ntitle: {title}\npublishedDateTime: 2021-04-15\nwebUrl: https://example.com/a\n---\n"
MOUNT = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'

Serve = Callable[[list[str], Path], AbstractContextManager[tuple[str, Running]]]


def by_bubblewrap(folder: Path) -> list[str]:
    return ["bwrap", "--dev-bind", "/", "/", "--ro-bind", str(folder), str(folder), "--"]


def by_namespace(folder: Path) -> list[str]:
    return ["unshare", "--map-root-user", "--mount", "sh", "-c", MOUNT, "sh", str(folder)]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A database in a folder of its own."""
    (tmp_path / "store").mkdir()
    fill(tmp_path / "store" / "news.db", "one")
    return tmp_path / "store" / "news.db"


def fill(database: Path, title: str) -> None:
    folder = write_articles(database.parents[1] / "content", {"a.md": ARTICLE.format(title=title)})
    with closing(open_writer(database)) as db:
        ingest(db, folder, ParseOptions(), processes=1)


@pytest.fixture
def read_only(store: Path) -> list[str]:
    """The beginning of a command that runs with a read-only folder of the database."""
    reasons = []
    for mount in (by_bubblewrap, by_namespace):
        command = mount(store.parent)
        if shutil.which(command[0]) is None:
            reasons.append(f"{command[0]} is not installed")
            continue
        tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)  # noqa: S603
        if tried.returncode == 0:
            return command
        reasons.append(f"{command[0]}: {tried.stderr.strip()}")
    pytest.skip(f"no read-only mount can be made: {'; '.join(reasons)}")


def titles(url: str) -> list[str]:
    nodes = httpx2.post(f"{url}/graphql", json=TITLES).json()["data"]["articles"]["nodes"]
    return [node["title"] for node in nodes]


@contextmanager
def by_serve(read_only: list[str], store: Path) -> Iterator[tuple[str, Running]]:
    folder = store.parents[1] / "content"
    command = [*read_only, sys.executable, "-m", "gqlnews", "serve", str(folder), "--db", str(store)]
    with running([*command, "--no-watch", "--port", "0"], environment(store.parents[1]), terminate) as run:
        yield run.wait_for(r"http://[^\s\"]+/graphql").removesuffix("/graphql"), run


@contextmanager
def by_uvicorn(read_only: list[str], store: Path) -> Iterator[tuple[str, Running]]:
    command = [*read_only, sys.executable, "-m", "uvicorn", "--factory", "gqlnews:from_environment"]
    env = environment(store.parents[1], {"GQLNEWS_DB": str(store)})
    with running([*command, "--port", "0"], env, terminate) as run:
        yield run.wait_for(r"http://127.0.0.1:\d+"), run


def terminate(process: "subprocess.Popen[str]") -> None:
    """End the server, also below a sandbox that does not pass the signal on."""
    tasks = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for pid in [process.pid, *map(int, tasks)]:
        os.kill(pid, signal.SIGTERM)


SERVERS = [by_serve, by_uvicorn]


@pytest.mark.parametrize("serve", SERVERS)
def test_it_is_served(read_only: list[str], store: Path, serve: Serve) -> None:
    files = sorted(store.parent.iterdir())
    with serve(read_only, store) as (url, _):
        assert titles(url) == ["one"]
        assert httpx2.get(f"{url}/health/ready").status_code == 200
    assert sorted(store.parent.iterdir()) == files


@pytest.mark.parametrize("serve", SERVERS)
def test_a_file_renamed_over_it_is_read(
    read_only: list[str], store: Path, tmp_path: Path, serve: Serve
) -> None:
    with serve(read_only, store) as (url, _):
        assert titles(url) == ["one"]
        fill(tmp_path / "store" / "new.db", "two")
        (tmp_path / "store" / "new.db").rename(store)
        until(lambda: titles(url) == ["two"], "the old content is served")
        assert httpx2.get(f"{url}/health/ready").status_code == 200


def test_a_file_that_was_written_in_place_is_opened_again(read_only: list[str], store: Path) -> None:
    with by_serve(read_only, store) as (url, run):
        os.utime(store)
        run.wait_for("was replaced; reading the new file")
        with store.open("ab") as file:
            file.write(bytes(8192))
        run.wait_for("was replaced; reading the new file")
        assert titles(url) == ["one"]


def test_if_a_log_appears_the_file_is_opened_again(read_only: list[str], store: Path) -> None:
    """The writer is outside; its log is read if the shared memory beside it can be."""
    with by_serve(read_only, store) as (url, run):
        with closing(open_writer(store)) as db:
            ingest_title(db, store, "two")
            assert has_log(store)
            run.wait_for("was replaced; reading the new file|is on a read-only file system and has a log")
            until(lambda: titles(url) in (["one"], ["two"]), "nothing is served")
        until(lambda: titles(url) == ["two"], "the old content is served")


def test_a_log_without_shared_memory_is_reported(read_only: list[str], store: Path) -> None:
    store.with_name("news.db-wal").write_bytes(b"not a log")
    folder = store.parents[1] / "content"
    command = [*read_only, sys.executable, "-m", "gqlnews", "serve", str(folder), "--db", str(store)]
    done = run_to_end([*command, "--no-watch", "--port", "0"], store)
    assert done.returncode == 2
    assert "is on a read-only file system" in done.stderr


@pytest.mark.parametrize("arguments", [["ingest"], ["serve", "--port", "0"]])
def test_it_cannot_be_updated(read_only: list[str], store: Path, arguments: list[str]) -> None:
    name, *options = arguments
    folder = store.parents[1] / "content"
    line = [*read_only, sys.executable, "-m", "gqlnews", name, str(folder), "--db", str(store), *options]
    done = run_to_end(line, store)
    assert done.returncode == 2
    assert done.stderr == (
        f"gqlnews: database {store} is on a read-only file system, so it cannot be updated: choose another "
        "path with --db, or serve it as it is with `gqlnews serve --no-watch`\n"
    )


def test_a_file_system_that_can_be_written_is_never_immutable(store: Path) -> None:
    assert not is_read_only(store)
    assert not is_immutable(store)
    before = get_file_state(store)
    os.utime(store)
    assert get_file_state(store) == before  # SQLite detects changes itself


def test_a_missing_file_has_no_state(tmp_path: Path) -> None:
    assert get_file_state(tmp_path / "none.db") is None
    assert not is_immutable(tmp_path / "none.db")


def ingest_title(db: sqlite3.Connection, store: Path, title: str) -> None:
    folder = write_articles(store.parents[1] / "content", {"a.md": ARTICLE.format(title=title)})
    ingest(db, folder, ParseOptions(), processes=1)


def run_to_end(command: list[str], store: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - our own program
        command,
        env=environment(store.parents[1], {"GQLNEWS_WATCH": "1"}),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
