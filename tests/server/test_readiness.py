"""Readiness is a real read, and shows whether the content is being updated."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from gqlnews.app import build_app
from gqlnews.config.settings import ServerSettings
from gqlnews.database.sqlite.damage import read_report
from gqlnews.database.sqlite.ingest_failure import clear_failure, failure_path, report_failure
from gqlnews.database.sqlite.inline_executor import InlineExecutor
from gqlnews.database.sqlite.read_pool import HEALTH_CHECK, ReadPool
from gqlnews.database.sqlite.read_worker import ReadWorker
from gqlnews.errors import Code, ResourceLimitError
from tests.ingest.watch_process import until
from tests.server.support import PUBLISHED, Running, run_cli, serving, write_articles

COUNT = {"query": "{ site { articleCount } articles { nodes { title } } }"}
LIVE = {"GQLNEWS_WATCH": "1", "GQLNEWS_METRICS": "1"}
FAILING = {"status": "ready", "ingest": "failing"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def store(database: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(database, tmp_path))


@pytest.fixture
def client(store: Path) -> Iterator[TestClient]:
    with TestClient(build_app(ServerSettings(store, metrics=True)), client=("127.0.0.1", 50000)) as client:
        yield client


def test_ready_is_503_if_every_read_fails_although_responses_are_cached(
    client: TestClient, store: Path
) -> None:
    before = [client.post("/graphql", json=COUNT).content for _ in range(3)]
    assert client.get("/health/ready").status_code == 200
    with store.open("r+b") as file:
        file.write(b"\xa5" * store.stat().st_size)
    assert client.post("/graphql", json=COUNT).content == before[0]  # from the cache
    response = client.get("/health/ready")
    assert (response.status_code, response.json()) == (503, {"status": "unavailable"})
    assert read_report(store) is not None  # for the process that rebuilds it


def fail(error: Exception) -> Callable[..., Any]:
    def failing(*_: object, **__: object) -> Any:
        raise error

    return failing


@pytest.mark.parametrize(
    "error",
    [
        sqlite3.OperationalError("disk I/O error"),
        MemoryError(),
        ResourceLimitError(Code.ANSWER_TOO_LARGE, "of a heap that is full"),
    ],
    ids=repr,
)
def test_ready_is_503_if_the_readers_fail(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    with monkeypatch.context() as context:
        context.setattr(ReadWorker, "_read", fail(error))
        assert client.get("/health/ready").status_code == 503
    assert client.get("/health/ready").status_code == 200


@pytest.mark.anyio
async def test_concurrent_checks_share_one_read_and_end_with_the_pool(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = ReadPool()
    seen: list[str] = []
    await pool.open(store)
    await pool.trace(seen.append)
    assert await asyncio.gather(*(pool.can_read() for _ in range(50))) == [True] * 50
    assert await pool.can_read()
    assert seen == [HEALTH_CHECK[0][0]] * 2
    cancelled = asyncio.create_task(pool.can_read())
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.wait([cancelled])
    monkeypatch.setattr(ReadWorker, "_read", fail(sqlite3.OperationalError("disk I/O error")))
    checks = [asyncio.create_task(pool.can_read()) for _ in range(3)]
    await asyncio.sleep(0)
    await pool.close()
    assert set(await asyncio.gather(*checks)) <= {True, False}
    assert not await pool.can_read()


@pytest.mark.parametrize("code", [Code.TIMED_OUT, Code.OVERLOADED])
def test_ready_is_200_if_a_reader_is_slow(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, code: Code
) -> None:
    monkeypatch.setattr(ReadWorker, "_read", fail(ResourceLimitError(code, "busy")))
    assert client.get("/health/ready").status_code == 200


@pytest.mark.parametrize("error", [sqlite3.OperationalError("disk I/O error"), MemoryError()], ids=repr)
def test_ready_is_503_if_the_file_cannot_be_read(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(InlineExecutor, "read_file", fail(error))
    assert client.get("/health/ready").status_code == 503


def test_a_failing_ingest_is_shown(client: TestClient, store: Path) -> None:
    def is_failing() -> bool:
        return bool(client.get("/health/ready").json() == FAILING)

    report_failure(store, "the disk is full")
    until(is_failing, "it is not shown")
    assert client.get("/health/ready").status_code == 200
    required = client.get("/health/ready?ingest=required")
    assert (required.status_code, required.json()) == (503, {"status": "unavailable", "ingest": "failing"})
    assert "gqlnews_ingest_failing 1.0" in client.get("/metrics").text
    clear_failure(store)
    until(lambda: not is_failing(), "it is still shown")
    assert client.get("/health/ready?ingest=required").json() == {"status": "ready"}
    assert "gqlnews_ingest_failing 0.0" in client.get("/metrics").text


def test_the_report_of_a_failure_needs_no_place_on_the_disk(tmp_path: Path) -> None:
    report_failure(tmp_path / "no folder" / "news.db", "the disk is full")
    clear_failure(tmp_path / "no folder" / "news.db")


def test_an_ingest_that_succeeds_deletes_the_report(tmp_path: Path) -> None:
    folder, database = write_articles(tmp_path / "content"), tmp_path / "news.db"
    for arguments in ([], ["--rebuild"]):
        report_failure(database, "of an earlier watcher")
        done = run_cli(tmp_path, "ingest", folder, "--db", database, *arguments)
        assert (done.returncode, failure_path(database).exists()) == (0, False)


# Watchers that cannot ingest, each for another reason.


@contextmanager
def missing_folder(folder: Path, _database: Path) -> Iterator[None]:
    folder.rename(folder.with_name("away"))
    yield
    folder.with_name("away").rename(folder)


@contextmanager
def unexpected_error(folder: Path, database: Path) -> Iterator[None]:
    """An ingest that raises an error that gqlnews does not know."""
    with closing(sqlite3.connect(database)) as db:
        db.execute("CREATE TRIGGER broken BEFORE INSERT ON article BEGIN SELECT missing(1); END")
    (folder / "new.md").write_text(PUBLISHED.replace("/published", "/new"))
    yield
    with closing(sqlite3.connect(database)) as db:
        db.execute("DROP TRIGGER broken")


@pytest.fixture
def live(tmp_path: Path) -> Iterator[tuple[str, Path, Path, Running]]:
    """URL, folder, database and process of a server that watches its folder."""
    folder, database = write_articles(tmp_path / "content"), tmp_path / "news.db"
    with serving(tmp_path, folder, "--db", str(database), env=LIVE) as (url, run):
        run.wait_for("watching")
        until(lambda: readiness(url) == {"status": "ready"}, "it is not ready")
        yield url, folder, database, run


def readiness(url: str) -> dict[str, str]:
    content: dict[str, str] = httpx2.get(f"{url}/health/ready").json()
    return content


@pytest.mark.parametrize("fault", [missing_folder, unexpected_error])
def test_a_watcher_that_cannot_ingest_is_shown(
    live: tuple[str, Path, Path, Running], fault: Callable[..., Any]
) -> None:
    url, folder, database, run = live
    with fault(folder, database):
        run.wait_for("warning ingest failed")
        until(lambda: readiness(url) == FAILING, "it is not shown")
        assert "gqlnews_ingest_failing 1.0" in httpx2.get(f"{url}/metrics").text
    run.wait_for("ingest recovered")
    until(lambda: readiness(url) == {"status": "ready"}, "it is still shown")


CRASH = """
import os, sys

if "--until-eof" in sys.orig_argv and os.path.exists(os.environ["CRASH"]):
    os._exit(7)
"""


def test_a_watcher_that_always_exits_is_shown(tmp_path: Path) -> None:
    folder, flag = write_articles(tmp_path / "content"), tmp_path / "crash"
    (tmp_path / "harm").mkdir()
    (tmp_path / "harm" / "sitecustomize.py").write_text(CRASH)
    paths = f"{tmp_path / 'harm'}:{Path(__file__).parents[2]}"
    flag.touch()
    env = {**LIVE, "CRASH": str(flag), "PYTHONPATH": paths}
    with serving(tmp_path, folder, env=env) as (url, run):
        run.wait_for("watcher exited status=7")
        until(lambda: readiness(url) == FAILING, "it is not shown")
        flag.unlink()
        run.wait_for("watching")
        until(lambda: readiness(url) == {"status": "ready"}, "it is still shown")
