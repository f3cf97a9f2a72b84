"""`gqlnews ingest` with a PostgreSQL database: real processes, of which one is elected."""

import asyncio
import fcntl
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest

from gqlnews.cli.local_store import local_store_path
from gqlnews.config.values import PostgresUrl
from gqlnews.database.postgresql.control import prepare_schema
from gqlnews.database.postgresql.publisher import SKIPPED_VERSIONS
from gqlnews.database.sqlite.leader_lock import acquire_lock
from tests.cli.publishing import ingesting, wait_for_articles
from tests.database.postgresql.stores import SCHEMA, assert_equal, with_connection
from tests.ingest.folder import Folder
from tests.postgresql import Cluster, PostgresProcess, installed_programs, unprivileged_user
from tests.relay import relay_to
from tests.server.support import SOON, Running, environment, run_cli, run_here, running


@pytest.fixture
def url(postgresql: Cluster) -> str:
    return postgresql.create_database()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path / "content")
    for name in "abc":
        folder.article(f"{name}.md", f"https://example.org/{name}", topics=["AI", name])
    return folder


def store_in(home: Path, folder: Folder, url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the local store of an ingester."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / ".cache"))
    return local_store_path(folder.root, PostgresUrl(url))


def versions(url: str) -> list[tuple[str, int]]:
    rows = with_connection(url, lambda c: c.fetch("SELECT line, number FROM store, site ORDER BY audience"))
    return [(line, number) for line, number in rows]


def kill_group(run: Running) -> None:
    os.kill(run.process.pid, signal.SIGKILL)
    run.process.wait()


def test_a_folder_is_ingested_and_published_once(url: str, folder: Folder, tmp_path: Path) -> None:
    first = run_here(tmp_path, "ingest", folder.root, "--db", url)
    assert (first.returncode, first.stdout.split(",")[0]) == (0, "3 added")
    folder.remove("c.md")
    second = run_here(tmp_path, "ingest", folder.root, "--db", url)
    assert "1 removed" in second.stdout
    wait_for_articles(url, {"a", "b"})
    assert "lease" not in second.stderr


def test_a_change_that_the_outbox_cannot_hold_is_loaded(
    url: str, folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_here(tmp_path, "ingest", folder.root, "--db", url).returncode == 0
    line = versions(url)[0][0]
    folder.remove("c.md")
    with monkeypatch.context() as patch:
        patch.setattr("gqlnews.database.sqlite.outbox.MAX_BYTES", 10)
        result = run_here(tmp_path, "ingest", folder.root, "--db", url)
    assert (result.returncode, result.stderr.count("loaded")) == (0, 1)
    assert versions(url)[0][0] == line
    assert_equal(url, store_in(tmp_path, folder, url, monkeypatch))


def test_two_ingesters_use_no_local_store_together(
    url: str, folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        store = store_in(tmp_path, folder, url, patch)
    store.parent.mkdir(parents=True)
    lock = acquire_lock(store.with_name(f"{store.name}-ingester"), fcntl.LOCK_EX)
    try:
        result = run_here(tmp_path, "ingest", folder.root, "--db", url)
    finally:
        os.close(lock)
    assert result.returncode == 2
    assert "another process on this machine ingests the folder into" in result.stderr
    assert not store.exists()


def test_each_database_has_a_local_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = PostgresUrl("postgresql:///news")
    paths = {local_store_path(tmp_path, url), local_store_path(tmp_path, PostgresUrl("postgresql:///other"))}
    for name in ("PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGSERVICE", "PGSERVICEFILE", "PGSYSCONFDIR"):
        with monkeypatch.context() as patch:
            patch.setenv(name, "one")
            paths.add(local_store_path(tmp_path, url))
            patch.setenv(name, "two")
            paths.add(local_store_path(tmp_path, url))
    assert len(paths) == 16


def test_changes_are_published_and_a_standby_takes_over(
    url: str, folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ingesting(folder, url, tmp_path / "one") as one:
        one.wait_for("loaded")
        with ingesting(folder, url, tmp_path / "two") as two:
            two.wait_for("standing by")
            busy = run_cli(tmp_path, "ingest", folder.root, GQLNEWS_DB=url)
            assert busy.returncode == 2
            assert "already ingests into" in busy.stderr
            folder.article("d.md", "https://example.org/d")
            one.wait_for("published")
            wait_for_articles(url, {"a", "b", "c", "d"})
            before = versions(url)
            kill_group(one)
            killed_at = time.monotonic()
            folder.remove("a.md")
            two.wait_for("leading")
            assert time.monotonic() - killed_at < 5.0 + SOON
            two.wait_for("restored")
            wait_for_articles(url, {"b", "c", "d"})
            for (line, number), (new_line, new_number) in zip(before, versions(url), strict=True):
                assert (line, number) < (new_line, new_number) < (line, number + 5)
            assert_equal(url, store_in(tmp_path / "two", folder, url, monkeypatch))


def test_a_clean_stop_hands_the_lead_over_at_once(url: str, folder: Folder, tmp_path: Path) -> None:
    with ingesting(folder, url, tmp_path / "one") as one, ingesting(folder, url, tmp_path / "two") as two:
        one.wait_for("leading|standing by")
        two.wait_for("leading|standing by")
        leader, other = (one, two) if "leading" in one.lines[-1] else (two, one)
        leader.wait_for("loaded")
        leader.stop(signal.SIGTERM)
        assert "all completed ingests are published" in leader.remaining_output()
        assert leader.process.returncode == 0
        other.wait_for("leading")


def test_a_suspended_leader_publishes_nothing_when_it_continues(
    url: str, folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ingesting(folder, url, tmp_path / "one") as one:
        one.wait_for("watching")
        one.wait_for("loaded")
        with ingesting(folder, url, tmp_path / "two") as two:
            two.wait_for("standing by")
            one.process.send_signal(signal.SIGSTOP)
            folder.article("d.md", "https://example.org/d")  # its child process still ingests this
            two.wait_for("leading")
            wait_for_articles(url, {"a", "b", "c", "d"})
            position = with_connection(url, lambda c: c.fetchrow("SELECT sequence, token FROM publication"))
            one.process.send_signal(signal.SIGCONT)
            one.wait_for("lead lost")
            one.wait_for("standing by")
            after = with_connection(url, lambda c: c.fetchrow("SELECT sequence, token FROM publication"))
            assert after == position
            folder.remove("a.md")
            wait_for_articles(url, {"b", "c", "d"})
            assert_equal(url, store_in(tmp_path / "two", folder, url, monkeypatch))


@pytest.fixture
def server() -> Iterator[PostgresProcess]:
    """A PostgreSQL server of the test alone."""
    with TemporaryDirectory(prefix="gqlnews-pg-") as name:
        server = PostgresProcess(Path(name), installed_programs())
        server.create()
        server.start()
        yield server
        server.stop()


def test_a_restart_of_postgresql_is_survived(server: PostgresProcess, folder: Folder, tmp_path: Path) -> None:
    with ingesting(folder, server.url, tmp_path / "one") as one:
        one.wait_for("loaded")
        server.stop()
        folder.article("d.md", "https://example.org/d")
        one.wait_for("publishing failed|lead lost")
        server.start()
        wait_for_articles(server.url, {"a", "b", "c", "d"})
        one.stop(signal.SIGTERM)


def test_a_leader_that_is_cut_off_within_a_batch_gives_up(url: str, folder: Folder, tmp_path: Path) -> None:
    with relay_to(url) as relay, ingesting(folder, relay.url, tmp_path / "one") as one:
        one.wait_for("loaded")
        relay.cut_off(at=b"UPDATE publication SET sequence")
        folder.article("d.md", "https://example.org/d")
        one.wait_for("lead lost")
        one.stop(signal.SIGTERM)
        assert one.process.returncode == 0


async def give_lease_to_another(connection: asyncpg.Connection) -> None:
    await prepare_schema(connection, SCHEMA)
    await connection.execute(
        "UPDATE lease SET holder = 'other', name = 'other:1', epoch = 1, expires_at = 'infinity'"
    )


def test_a_standby_survives_a_fault_that_would_prevent_its_start(
    url: str, folder: Folder, tmp_path: Path, postgresql: Cluster
) -> None:
    with_connection(url, give_lease_to_another)
    name = url.partition("?")[0].rpartition("/")[2]
    with ingesting(folder, url, tmp_path / "one") as one:
        one.wait_for("standing by")
        postgresql.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        sessions = f"pg_stat_activity WHERE datname = '{name}'"
        postgresql.execute(f"SELECT pg_terminate_backend(pid) FROM {sessions}")  # noqa: S608 - names only
        one.wait_for("not currently accepting connections")
        postgresql.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        one.wait_for("publishing recovered")
        one.stop(signal.SIGTERM)
        assert "what is not published yet is ingested again" in one.remaining_output()


def test_a_single_ingest_that_is_stopped_says_whether_it_was_published(
    url: str, folder: Folder, tmp_path: Path
) -> None:
    with_connection(url, give_lease_to_another)
    command = [sys.executable, "-m", "gqlnews", "ingest", str(folder.root)]
    with running(command, environment(tmp_path, {"GQLNEWS_DB": url})) as one:
        one.wait_for("standing by")
        one.stop(signal.SIGTERM)
        assert one.process.returncode == 128 + signal.SIGTERM
        assert "what is not published yet is ingested again" in one.remaining_output()


def test_the_end_of_standard_input_stops_it(url: str, folder: Folder, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gqlnews", "ingest", str(folder.root), "--watch", "--until-eof"]
    with running(command, environment(tmp_path, {"GQLNEWS_DB": url})) as run:
        run.wait_for("loaded")
        assert run.process.stdin is not None
        run.process.stdin.close()
        run.process.wait(60)
        assert run.process.returncode == 0
    assert with_connection(url, lambda c: c.fetchval("SELECT holder FROM lease")) is None


def test_a_password_is_in_no_command_line_and_no_message(
    url: str, folder: Folder, tmp_path: Path, postgresql: Cluster
) -> None:
    secret = url.replace("postgres@", "postgres:s3cret@")
    with ingesting(folder, secret, tmp_path / "one") as one:
        one.wait_for("loaded")
        threads = Path(f"/proc/{one.process.pid}/task").iterdir()
        children = [pid for thread in threads for pid in (thread / "children").read_text().split()]
        lines = [Path(f"/proc/{pid}/cmdline").read_text() for pid in (str(one.process.pid), *children)]
        assert len(lines) > 1
        assert not any("s3cret" in line for line in lines)
        one.stop(signal.SIGTERM)
        assert "s3cret" not in one.remaining_output()


def test_a_failover_that_lost_a_batch_uses_no_version_twice(
    server: PostgresProcess, folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TemporaryDirectory(prefix="gqlnews-pg-") as name:
        standby = PostgresProcess(Path(name), server.programs)
        user = unprivileged_user()
        if user is not None:
            shutil.chown(standby.folder, user)
        url = f"postgresql://postgres@/postgres?host={server.folder},{standby.folder}"

        def ingest(home: Path = tmp_path, database: str | Path = url) -> None:
            result = run_here(home, "ingest", folder.root, "--db", database)
            assert result.returncode == 0, result.stderr

        other = tmp_path / "two"
        other.mkdir()
        ingest()
        ingest(other)
        data = str(standby.folder / "data")
        standby.run(
            "pg_basebackup", "-D", data, "-h", str(server.folder), "-U", "postgres", "-R", "-c", "fast"
        )
        before = versions(url)
        with monkeypatch.context() as patch:
            other_store = store_in(other, folder, url, patch)
        folder.article("e.md", "https://example.org/e")
        ingest(other, other_store)  # as if it had lost the lead before it could publish this
        folder.remove("e.md")
        folder.article("d.md", "https://example.org/d")
        ingest()  # the backup lacks this
        lost = {number for _, number in versions(url)} - {number for _, number in before}
        assert lost
        server.stop()
        standby.start()
        try:
            asyncio.run(promote(standby.url))
            with_connection(url, lambda c: c.execute(RECORD_VERSIONS))
            folder.remove("a.md")
            ingest(other)
            for (line, number), (new_line, new_number) in zip(before, versions(url), strict=True):
                assert new_line == line
                assert number + SKIPPED_VERSIONS < new_number < number + SKIPPED_VERSIONS + 10
            published = with_connection(url, lambda c: c.fetch("SELECT number FROM public.published"))
            assert published
            assert not lost & {number for (number,) in published}
            wait_for_articles(url, {"b", "c", "d"})
            assert_equal(url, other_store)
            after = versions(url)
            ingest()  # the timeline is known now
            assert versions(url) == after
        finally:
            standby.stop()


RECORD_VERSIONS = """
CREATE TABLE public.published (number bigint);
CREATE FUNCTION public.record() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO public.published VALUES (new.number); RETURN NULL; END';
CREATE TRIGGER record AFTER INSERT ON site FOR EACH ROW EXECUTE FUNCTION public.record();
"""
"""Record the numbers of all versions that are published from now on."""


async def promote(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        assert await connection.fetchval("SELECT pg_promote()")
    finally:
        await connection.close()
