"""A damaged database is detected, reported with a remedy, and replaced by a new store."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gqlnews.content.models import ParseOptions
from gqlnews.database.sqlite.connection import connect_to_read
from gqlnews.database.sqlite.damage import (
    damaged_error,
    get_identity,
    read_report,
    record_identity,
    report_path,
    translate_errors,
    write_report,
)
from gqlnews.database.sqlite.rebuild import SIDE_FILES, rebuild, rebuilt_path
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.errors import DamagedDatabaseError, StorageError, UnknownDatabaseError
from gqlnews.ingest.pipeline import ingest
from tests import effort
from tests.ingest import dump
from tests.ingest.damaged import (
    GARBAGE,
    KINDS,
    Damage,
    damage_first_page,
    damage_root_page,
    overwrite,
    root_page,
)
from tests.ingest.folder import Folder, later_ns
from tests.ingest.test_kill import ROOT, finish, run
from tests.ingest.test_watch_ingest_faults import fill_up, small_disk
from tests.ingest.watch_process import command, fresh_content, kill, read_store, running, wait_until_ingested
from tests.server.support import run_here

__all__ = ["small_disk"]

MANY = 150
ROOM = 400_000  # bytes: enough for an edit, not for a second database


def fill(folder: Folder, count: int = MANY) -> None:
    for number in range(count):
        folder.article(
            f"{number}.md", f"https://example.com/{number}", title=f"Title {number}", excerpt="word " * 200
        )


@pytest.fixture
def store(folder: Folder, database: Path) -> Path:
    """A store of the folder that no process has open."""
    fill(folder)
    with closing(open_writer(database)) as db:
        ingest(db, folder.root, ParseOptions(), processes=1, now_ns=later_ns)
    return database


def line_of(database: Path) -> str:
    with closing(sqlite3.connect(database)) as db:
        (line,) = db.execute("SELECT line FROM store").fetchone()
        return str(line)


def is_sound(database: Path) -> bool:
    with closing(sqlite3.connect(database)) as db:
        return bool(db.execute("PRAGMA integrity_check").fetchall() == [("ok",)])


@pytest.mark.parametrize("damage", KINDS.values(), ids=KINDS)
def test_an_ingest_rejects_a_damaged_database_and_a_rebuild_replaces_it(
    damage: Damage, folder: Folder, store: Path, tmp_path: Path
) -> None:
    line = line_of(store)
    damage(store)
    before = store.read_bytes()
    refused = run_here(tmp_path, "ingest", folder.root, "--db", store)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith(f"gqlnews: database {store} is damaged (")
    assert f"`gqlnews ingest FOLDER --rebuild --db {store}`" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert store.read_bytes() == before
    rebuilt = run_here(tmp_path, "ingest", folder.root, "--rebuild", "--db", store)
    assert rebuilt.stdout.startswith(f"{MANY} added, 0 changed, 0 removed, 0 unchanged, 0 problems; ")
    assert is_sound(store)
    assert read_store(store) == fresh_content(folder, tmp_path / "fresh.db")
    assert line_of(store) != line  # a new epoch, so that clients cannot confuse versions
    assert not report_path(store).exists()


@pytest.mark.parametrize("damage", KINDS.values(), ids=KINDS)
def test_a_watch_ingest_replaces_a_damaged_database(
    damage: Damage, folder: Folder, store: Path, tmp_path: Path
) -> None:
    damage(store)
    write_report(store, get_identity(store), damaged_error(store, "as a server reports it"))
    with running(command(folder, store), tmp_path) as following:
        line = following.wait_for("warning database damaged database=.* reason=.*")
        assert "--rebuild" not in line  # the hint for users without automatic rebuild
        following.wait_for(f"info database rebuilt database=.* articles={MANY} ms=")
        wait_until_ingested(folder, store)
        folder.article("0.md", "https://example.com/0", title="Edited")
        wait_until_ingested(folder, store)
    assert is_sound(store)


@pytest.mark.parametrize("name", ["source", "article"])
def test_a_watch_ingest_that_detects_damage_replaces_the_database(
    name: str, folder: Folder, store: Path, tmp_path: Path
) -> None:
    with running(command(folder, store), tmp_path) as following:
        following.wait_for("watching")
        wait_until_ingested(folder, store)
        damage_root_page(name)(store)
        folder.article("0.md", "https://example.com/0", title="Edited")
        following.wait_for("warning database damaged")
        following.wait_for("info database rebuilt")
        wait_until_ingested(folder, store)
    assert "\n".join(following.lines).count("database damaged") == 1


def test_a_rebuild_on_a_full_disk_is_retried(folder: Folder, small_disk: Path, tmp_path: Path) -> None:
    fill(folder)
    database, ballast = small_disk / "store.db", small_disk / "ballast"
    with running(command(folder, database), tmp_path) as following:
        following.wait_for(f"ingested added={MANY}")
        damage_root_page("article")(database)
        fill_up(ballast)
        os.truncate(ballast, ballast.stat().st_size - ROOM)
        folder.article("0.md", "https://example.com/0", title="Edited")
        following.wait_for("warning database damaged")
        following.wait_for("warning ingest failed .*(full|No space)")
        ballast.unlink()
        following.wait_for("info database rebuilt")
        wait_until_ingested(folder, database, beside=tmp_path)
    assert "\n".join(following.lines).count("database damaged") == 1
    assert "\n".join(following.lines).count("ingest failed") == 1


def test_a_watch_ingest_recognizes_its_database_with_a_destroyed_first_page(
    folder: Folder, store: Path, tmp_path: Path
) -> None:
    with running(command(folder, store), tmp_path) as following:
        following.wait_for("ingested")  # by this process, which has recorded the identity of the file then
    damage_first_page(store)
    destroyed = store.read_bytes()
    with running(command(folder, store), tmp_path) as following:
        following.wait_for("warning database damaged")
        following.wait_for("info database rebuilt")
        wait_until_ingested(folder, store)
    assert store.with_name("store.db-unknown").read_bytes() == destroyed  # it may be of value


def test_a_file_that_may_belong_to_another_application_is_never_replaced(
    folder: Folder, store: Path, tmp_path: Path
) -> None:
    damage_first_page(store)
    before = store.read_bytes()
    for arguments in ([], ["--rebuild"]):
        refused = run_here(tmp_path, "ingest", folder.root, "--db", store, *arguments)
        assert refused.returncode == 2
        assert f"database {store} is not a gqlnews database: choose another file with --db" in refused.stderr
    assert store.read_bytes() == before


@pytest.mark.parametrize("harm", [lambda path: None, lambda path: overwrite(path, 1, 100, 4096)])
def test_a_database_of_another_application_is_never_replaced(
    harm: Callable[[Path], None], folder: Folder, database: Path, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(database)) as theirs:
        theirs.executescript("PRAGMA application_id = 7; CREATE TABLE theirs (x)")
    record_identity(database)  # as if theirs had been copied over ours
    harm(database)
    before = database.read_bytes()
    for arguments in ([], ["--rebuild"]):
        refused = run_here(tmp_path, "ingest", folder.root, "--db", database, *arguments)
        assert refused.returncode == 2
        assert "damaged" not in refused.stderr
    assert database.read_bytes() == before


def test_a_rebuild_needs_no_database(folder: Folder, database: Path, tmp_path: Path) -> None:
    fill(folder, 3)
    done = run_here(tmp_path, "ingest", folder.root, "--rebuild", "--db", database)
    assert done.stdout.startswith("3 added")
    again = run_here(tmp_path, "ingest", folder.root, "--db", database)
    assert again.stdout.startswith("0 added, 0 changed, 0 removed, 3 unchanged")


def test_a_rebuild_replaces_a_sound_database_too(folder: Folder, store: Path, tmp_path: Path) -> None:
    line = line_of(store)
    done = run_here(tmp_path, "ingest", folder.root, "--rebuild", "--db", store)
    assert done.stdout.startswith(f"{MANY} added")
    assert line_of(store) != line


def test_a_database_truncated_to_zero_bytes_is_filled_again(
    folder: Folder, store: Path, tmp_path: Path
) -> None:
    store.write_bytes(b"")
    done = run_here(tmp_path, "ingest", folder.root, "--db", store)
    assert done.stdout.startswith(f"{MANY} added")


def test_damage_is_found_behind_an_error_that_does_not_name_it(
    folder: Folder, store: Path, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(store)) as db:  # unused pages, and a missing table
        db.execute("PRAGMA writable_schema = ON")
        db.execute("DELETE FROM sqlite_master WHERE name = 'search_word'")
        db.commit()
    folder.article("0.md", "https://example.com/0", title="Edited")
    refused = run_here(tmp_path, "ingest", folder.root, "--db", store)
    assert refused.returncode == 2
    assert "--rebuild" in refused.stderr


def test_a_report_applies_to_one_file_only(store: Path, tmp_path: Path) -> None:
    identity = get_identity(store)
    write_report(store, identity, damaged_error(store, "malformed"))
    assert read_report(store) is not None
    shutil.copy(store, tmp_path / "copy.db")
    (tmp_path / "copy.db").replace(store)
    assert read_report(store) is None
    report_path(store).unlink()
    write_report(store, identity, damaged_error(store, "too late"))
    assert not report_path(store).exists()


def test_a_new_file_with_the_inode_of_a_damaged_one_is_not_damaged(database: Path) -> None:
    database.touch()
    write_report(database, get_identity(database), damaged_error(database, "of a deleted file"))
    assert read_report(database) is not None
    open_writer(database).close()
    assert not report_path(database).exists()


def test_an_ingest_that_finds_no_damage_deletes_the_report(
    folder: Folder, store: Path, tmp_path: Path
) -> None:
    write_report(store, get_identity(store), damaged_error(store, "of a deleted file"))
    assert run_here(tmp_path, "ingest", folder.root, "--db", store).returncode == 0
    assert not report_path(store).exists()


def test_a_rebuild_by_hand_records_that_the_file_is_ours(folder: Folder, store: Path, tmp_path: Path) -> None:
    assert run_here(tmp_path, "ingest", folder.root, "--rebuild", "--db", store).returncode == 0
    damage_first_page(store)
    again = run_here(tmp_path, "ingest", folder.root, "--rebuild", "--db", store)
    assert again.stdout.startswith(f"{MANY} added")


def test_a_second_rebuild_does_nothing(folder: Folder, store: Path) -> None:
    identity = get_identity(store)
    assert rebuild(store, lambda db: "first", identity) == "first"
    assert rebuild(store, lambda db: "second", identity) is None


def test_a_rebuild_that_fails_leaves_the_old_store(store: Path) -> None:
    before = store.read_bytes()

    def fail(db: sqlite3.Connection) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match=r"cannot be rebuilt .*No space left"):
        rebuild(store, fail)
    assert store.read_bytes() == before
    assert not store.with_name("store.db-building").exists()


def test_the_log_of_the_old_store_is_not_applied_to_the_new_one(folder: Folder, store: Path) -> None:
    with closing(open_writer(store)) as old, closing(connect_to_read(store)) as reader:
        old.execute("UPDATE store SET fingerprint = 'old'")  # only in the WAL
        old.execute("CREATE TABLE old (x)")
        reader.execute("BEGIN")
        assert reader.execute("SELECT fingerprint FROM store").fetchone() == (b"old",)
        rebuild(store, lambda db: db.execute("UPDATE store SET fingerprint = 'new'"))
        with closing(open_writer(store)) as new:
            new.execute("CREATE TABLE new (x)")
            assert new.execute("SELECT fingerprint FROM store").fetchone() == ("new",)
            assert reader.execute("SELECT fingerprint FROM store").fetchone() == (b"old",)
            old.close()  # must not delete the WAL of the new one
            assert store.with_name("store.db-wal").exists()
            with closing(open_writer(store)) as another:
                assert another.execute(
                    "SELECT name FROM sqlite_master WHERE name IN ('new', 'old')"
                ).fetchall() == [("new",)]
    assert is_sound(store)


def rebuild_in_a_process(database: Path, folder: Folder, steps: int) -> subprocess.Popen[str]:
    arguments = ["-m", "tests.ingest.killed_rebuild", str(database), str(folder.root), str(steps)]
    return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603


@pytest.mark.generated
def test_a_rebuild_killed_at_any_step_leaves_the_old_store_or_the_new_one(
    folder: Folder, database: Path, tmp_path: Path
) -> None:
    fill(folder, 20)
    finish(run(tmp_path / "before.db", folder, 0))
    folder.article("0.md", "https://example.com/0", title="Edited")
    undisturbed = tmp_path / "undisturbed.db"
    shutil.copy(tmp_path / "before.db", undisturbed)
    steps = finish(rebuild_in_a_process(undisturbed, folder, 0))
    expected = content_of(undisturbed)
    dice = random.Random(7)  # noqa: S311 - the same points in every run
    outcomes = []
    for step in [
        *dice.sample(range(1, steps), effort.number(6)),
        *range(steps - 120, steps, 120 // effort.number(24)),
    ]:
        remove(database)
        shutil.copy(tmp_path / "before.db", database)
        with closing(open_writer(database)) as old:  # of another process; partly only in the WAL
            old.execute("UPDATE store SET fingerprint = 'in the log'")
            killed = rebuild_in_a_process(database, folder, step)
            killed.communicate()
            assert killed.returncode in (-signal.SIGKILL, 0)  # the last step may be one earlier
            connect_to_read(database).close()  # as a server does next
        outcomes.append(which(database, expected))
    assert {"old", "new"} == set(outcomes)


def content_of(database: Path) -> dump.Dump:
    with closing(sqlite3.connect(database)) as db:
        return dump.content(db)


def which(database: Path, new: dump.Dump) -> str:
    assert is_sound(database)
    assert not rebuilt_path(database).exists()
    with closing(sqlite3.connect(database)) as db:
        (fingerprint,) = db.execute("SELECT fingerprint FROM store").fetchone()
        if fingerprint == "in the log":
            return "old"
        assert dump.content(db) == new
    return "new"


def remove(database: Path) -> None:
    for suffix in ("", *SIDE_FILES):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


def test_a_damaged_file_raises_its_own_error_class(store: Path) -> None:
    page = root_page(store, "article")
    overwrite(store, page)
    with closing(connect_to_read(store)) as db, pytest.raises(sqlite3.DatabaseError, match="malformed"):
        db.execute("SELECT max(length(body)) FROM article").fetchall()
    damage_first_page(store)
    with pytest.raises(UnknownDatabaseError):
        connect_to_read(store)
    record_identity(store)
    with pytest.raises(DamagedDatabaseError, match="--rebuild"):
        connect_to_read(store)


def test_a_database_damaged_again_immediately_is_not_rebuilt_in_a_loop(
    folder: Folder, store: Path, tmp_path: Path
) -> None:
    with running(command(folder, store), tmp_path) as following:
        following.wait_for("watching")
        wait_until_ingested(folder, store)
        damage_root_page("source")(store)
        folder.article("0.md", "https://example.com/0", title="Edited")
        following.wait_for("info database rebuilt")
        wait_until_ingested(folder, store)
        damage_root_page("source")(store)
        folder.article("0.md", "https://example.com/0", title="Edited again")
        following.wait_for("warning ingest failed .*malformed again, less than 60 s after .*: check the disk")
    assert "\n".join(following.lines).count("database damaged") == 1


def test_a_damaged_wal_loses_no_saved_file(folder: Folder, store: Path, tmp_path: Path) -> None:
    with running(command(folder, store), tmp_path) as following:
        following.wait_for("watching")
        for number in range(20):
            folder.article(f"{number}.md", f"https://example.com/{number}", title="Edited")
        wait_until_ingested(folder, store)
        kill(following)
    log = store.with_name("store.db-wal")
    with log.open("r+b") as file:
        file.seek(log.stat().st_size // 2)
        file.write(GARBAGE * 1000)
    with running(command(folder, store), tmp_path):
        wait_until_ingested(folder, store)
    assert is_sound(store)


def test_classifying_an_error_keeps_the_locks_of_an_open_database(store: Path) -> None:
    """Closing any descriptor of a file drops all locks that this process holds on it."""
    damage_root_page("article")(store)
    with closing(connect_to_read(store)) as db:
        with pytest.raises(DamagedDatabaseError), translate_errors(store):
            db.execute("SELECT max(length(body)) FROM article").fetchall()
        script = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('PRAGMA journal_mode = DELETE')"
        other = [sys.executable, "-c", script, str(store)]
        done = subprocess.run(other, capture_output=True, text=True, check=False)  # noqa: S603
        assert "database is locked" in done.stderr


def test_an_error_of_the_sqlite3_module_is_not_translated(folder: Folder, database: Path) -> None:
    def fail(done: int, total: int) -> None:
        raise sqlite3.ProgrammingError("not of a file")

    with closing(open_writer(database)) as db:
        with pytest.raises(sqlite3.ProgrammingError, match="not of a file"):
            ingest(db, folder.root, ParseOptions(), processes=1, progress=fail)


SNAPSHOTS = """
import asyncio, os, sys
from pathlib import Path
from gqlnews.content.models import ParseOptions
from gqlnews.errors import DamagedDatabaseError
from gqlnews.database.sqlite.snapshots import SqliteSnapshotReader

async def main():
    reader = SqliteSnapshotReader(Path(sys.argv[1]))
    await reader.open()
    os.truncate(sys.argv[1], os.path.getsize(sys.argv[1]) // 2)
    try:
        async with reader.snapshot():
            await reader.run(lambda now: now.fetch_value("SELECT max(length(body)) FROM article", ()))
    except DamagedDatabaseError:
        print("damaged")
    await reader.close()

asyncio.run(main())
"""


def test_a_truncated_file_does_not_crash_the_process_of_a_snapshot(store: Path) -> None:
    root_page(store, "article")  # checkpoints the WAL
    line = [sys.executable, "-c", SNAPSHOTS, str(store)]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    assert (done.returncode, done.stdout) == (0, "damaged\n"), done.stderr
