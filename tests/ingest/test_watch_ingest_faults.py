"""Faults while a folder is watched: each is reported once and repaired automatically."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest

from gqlnews.database.sqlite.writer import open_writer, transaction
from tests import effort
from tests.ingest.folder import Folder, keys_of, text_of
from tests.ingest.test_kill import finish, run
from tests.ingest.watch_process import (
    command,
    kill,
    read_store,
    running,
    until,
    wait_until_ingested,
    watching,
)
from tests.server.support import Running

ARTICLES = 60


def fill(folder: Folder) -> None:
    for number in range(ARTICLES):
        folder.article(
            f"{number % 4}/{number}.md",
            f"https://example.com/{number}",
            topics=[f"T{number % 3}"],
            related=[{"title": "R", "webUrl": f"https://example.com/{(number + 1) % ARTICLES}"}],
        )


def edit(folder: Folder, turn: int) -> None:
    """Add, remove and change some files."""
    for number in range(turn % 7, ARTICLES, 7):
        path = f"{number % 4}/{number}.md"
        if (folder.root / path).exists() and number % 2:
            folder.remove(path)
        else:
            folder.article(path, f"https://example.com/{number}", title=f"turn {turn}")


@pytest.mark.generated
def test_killed_at_any_step_it_recovers(folder: Folder, database: Path, tmp_path: Path) -> None:
    fill(folder)
    steps = finish(run(tmp_path / "undisturbed.db", folder, 0))
    dice = random.Random(7)  # noqa: S311 - the same points in every run
    for turn in range(effort.number(10)):
        edit(folder, turn)
        point = str(dice.randrange(1000, steps))
        module = [sys.executable, "-m", "tests.ingest.killed_watch", str(database), str(folder.root), point]
        with running(module, tmp_path) as killed:
            until(lambda: has_ended(killed, folder), "it lives on")
        assert killed.process.returncode == -signal.SIGKILL
    with watching(folder, database):
        pass
    check(database)


def has_ended(run: Running, folder: Folder) -> bool:
    """Make another edit, and return whether the process has exited."""
    folder.article("0/0.md", "https://example.com/0", title=f"at {time.monotonic()}")
    return run.process.poll() is not None


@pytest.mark.generated
def test_killed_at_any_time_it_recovers(folder: Folder, database: Path) -> None:
    fill(folder)
    dice = random.Random(11)  # noqa: S311
    for turn in range(effort.number(10)):
        with running(command(folder, database), database.parent) as killed:
            killed.wait_for("watching")
            edit(folder, turn)
            with pytest.raises(subprocess.TimeoutExpired):
                killed.process.wait(dice.uniform(0.0, 0.4))
            kill(killed)
    with watching(folder, database):
        pass
    check(database)


def check(database: Path) -> None:
    with closing(sqlite3.connect(database)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if not mount or not umount:
        pytest.skip("there is no mount(8)")
    options = [mount, "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)]
    made = subprocess.run(options, capture_output=True, check=False)  # noqa: S603
    if made.returncode != 0:
        pytest.skip(f"mounting is not allowed here: {made.stderr.decode().strip()}")
    yield place
    subprocess.run([umount, str(place)], check=True)  # noqa: S603


def test_it_recovers_from_a_full_disk(folder: Folder, small_disk: Path, tmp_path: Path) -> None:
    fill(folder)
    database, ballast = small_disk / "store.db", small_disk / "ballast"
    with running(command(folder, database), tmp_path) as run:
        run.wait_for("ingested added=60")
        before = read_store(database)
        fill_up(ballast)
        for number in range(20):
            excerpt = f"{number} " * 9000
            folder.article(f"large/{number}.md", f"https://example.com/l{number}", excerpt=excerpt)
        run.wait_for("warning ingest failed .*the disk is full: free some space")
        assert read_store(database) in (before, None)
        ballast.unlink()
        run.wait_for("ingest recovered")
        wait_until_ingested(folder, database, beside=tmp_path)
    assert "\n".join(run.lines).count("ingest failed") == 1


def fill_up(ballast: Path) -> None:
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass


def test_a_lock_held_longer_than_the_timeout_is_reported(folder: Folder, database: Path) -> None:
    fill(folder)
    with watching(folder, database) as run:
        with closing(open_writer(database)) as other, transaction(other):
            edit(folder, 1)
            run.wait_for("warning ingest failed .*in use by another process: wait for it to end")
        run.wait_for("ingest recovered")
        wait_until_ingested(folder, database)
    assert "\n".join(run.lines).count("ingest failed") == 1


def test_a_lock_held_briefly_is_not_reported(folder: Folder, database: Path) -> None:
    fill(folder)
    with watching(folder, database) as run:
        with closing(open_writer(database)) as other, transaction(other):
            edit(folder, 1)
            with pytest.raises(subprocess.TimeoutExpired):
                run.process.wait(1.0)
        wait_until_ingested(folder, database)
    assert "ingest failed" not in run.remaining_output()


def test_a_missing_folder_is_reported_until_it_returns(folder: Folder, database: Path) -> None:
    fill(folder)
    with watching(folder, database) as run, elsewhere(folder) as away:
        before = read_store(database)
        run.wait_for("warning ingest failed .*There is no folder")
        assert read_store(database) == before
        edit(away, 1)
    with watching(folder, database):
        pass


def test_a_folder_that_returns_is_watched_again(folder: Folder, database: Path) -> None:
    fill(folder)
    with watching(folder, database) as run:
        with elsewhere(folder) as away:
            run.wait_for("warning ingest failed .*There is no folder")
            edit(away, 1)
        run.wait_for("ingest recovered")
        wait_until_ingested(folder, database)
        edit(folder, 2)
        wait_until_ingested(folder, database)


def test_a_missing_parent_folder_of_the_database(folder: Folder, tmp_path: Path) -> None:
    fill(folder)
    place = tmp_path / "place"
    place.touch()
    with running(command(folder, place / "store.db"), tmp_path) as run:
        run.wait_for("warning ingest failed .*the lock file of database .* cannot be used .*: check the disk")
        place.unlink()
        run.wait_for("watching")
        wait_until_ingested(folder, place / "store.db")


def test_a_damaged_database_may_be_deleted(folder: Folder, database: Path) -> None:
    fill(folder)
    database.write_bytes(b"no database" * 1000)
    with running(command(folder, database), database.parent) as run:
        run.wait_for("warning ingest failed .*is not a gqlnews database")
        database.unlink()
        run.wait_for("ingest recovered")
        wait_until_ingested(folder, database)


def test_a_content_folder_that_is_created_later(folder: Folder, database: Path, tmp_path: Path) -> None:
    fill(folder)
    with ExitStack() as stack:
        with elsewhere(folder):
            run = stack.enter_context(running(command(folder, database), tmp_path))
            run.wait_for("warning ingest failed .*There is no folder")
        wait_until_ingested(folder, database)


@contextmanager
def elsewhere(folder: Folder) -> Iterator[Folder]:
    """Rename the folder for as long as the block runs."""
    away = folder.root.with_name("away")
    folder.root.rename(away)
    yield Folder(away)
    away.rename(folder.root)


def test_a_replaced_content_folder_is_ingested(folder: Folder, database: Path) -> None:
    fill(folder)
    other = Folder(folder.root.with_name("other"))
    other.article("z.md", "https://example.com/z")
    with watching(folder, database):
        folder.root.rename(folder.root.with_name("before"))
        other.root.rename(folder.root)
        wait_until_ingested(folder, database)


def test_a_database_that_is_deleted_is_rebuilt(folder: Folder, database: Path) -> None:
    fill(folder)
    with watching(folder, database):
        for file in database.parent.glob("store.db*"):
            file.unlink()
        wait_until_ingested(folder, database)
        edit(folder, 1)
        wait_until_ingested(folder, database)


def test_a_replaced_database_is_ingested_into(folder: Folder, database: Path, tmp_path: Path) -> None:
    fill(folder)
    with closing(open_writer(tmp_path / "empty.db")):
        pass
    with watching(folder, database):
        (tmp_path / "empty.db").rename(database)
        wait_until_ingested(folder, database)


def test_a_killed_parser_process_is_replaced(folder: Folder, database: Path) -> None:
    fill(folder)
    with watching(folder, database, "--ingest-workers", "2") as run:
        for number in range(3000):
            folder.root.joinpath(f"{number}.md").write_text(
                text_of(keys_of(f"https://example.com/n{number}", topics=["T"] * 5))
            )
        until(lambda: kill_child(run), "it has no processes that read")
        wait_until_ingested(folder, database)
    assert "ingest failed" not in run.remaining_output()  # another process replaces it


def kill_child(run: Running) -> bool:
    """Kill a child process of the watcher, if there is one."""
    pid = run.process.pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        os.kill(int(child), signal.SIGKILL)
        return True
    return False
