"""Whenever the process that follows a folder runs and is killed, each article appears and expires once.

The log of changes has exactly what is due, in the order of the instants, and nothing early.
"""

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given

from gqlnews.content.models import ParseOptions
from gqlnews.ingest.pipeline import IngestReport, ingest
from tests.effort import examples
from tests.ingest import dump
from tests.ingest.folder import Folder
from tests.ingest.model import open_careless
from tests.ingest.schedules import (
    Change,
    Run,
    Schedule,
    Window,
    changes,
    clock,
    next_instant,
    runs,
    schedules,
    sort_key,
    write,
)
from tests.ingest.test_fts_index import check, indexed

ROOT = Path(__file__).parents[2]
START = -1.0


class Follower:
    """The process that follows a folder: when it last completed an ingest, and the last number of the log."""

    def __init__(self, database: Path, folder: Folder, schedule: Schedule) -> None:
        self._database, self._folder, self._schedule = database, folder, schedule
        self._db = open_careless(database)
        self.time = self.last = START
        self._number = 0
        self._check_due(self.ingest(None))
        self.new_events()  # all articles that are visible from the start

    def follow(self, run: Run) -> None:
        """Start after the pause, ingest the folder, then wake whenever something is due."""
        self.time += run.pause
        self._step(None, 0 if run.wakes else run.killed_at)
        for left in range(run.wakes, 0, -1):
            due = next_instant(self._schedule, self.last)
            if due is None:
                return
            self.time = max(self.time, due + run.delay)
            self._step([], run.killed_at if left == 1 else 0)

    def _step(self, paths: list[str] | None, killed_at: int) -> None:
        """Ingest, and compare the log with what is due; after a kill nothing has changed."""
        steps = iter(range(killed_at))
        self._db.set_progress_handler((lambda: next(steps, None) is None) if killed_at else None, 50)
        try:
            report = self.ingest(paths)
        except sqlite3.OperationalError:
            self._db.close()
            self._db = open_careless(self._database)  # as the next process does
            assert self.new_events() == []
        else:
            self._db.set_progress_handler(None, 0)
            assert self.new_events() == changes(self._schedule, self.last, self.time)
            self.last = self.time
            self._check_due(report)

    def ingest(self, paths: list[str] | None) -> IngestReport:
        """Ingest the whole folder, or with no paths what is due."""
        now_ns, root = clock(self.time), self._folder.root
        return ingest(self._db, root, ParseOptions(), processes=1, now_ns=now_ns, paths=paths)

    def new_events(self) -> list[Change]:
        """Return the events that the public gets, and check that each has a number of its own."""
        rows = self._db.execute(
            "SELECT version, iif(removed, 'REMOVED', 'ADDED'), slug FROM article_change"
            " WHERE scope = 0 AND version > ? ORDER BY version",
            (self._number,),
        ).fetchall()
        (number,) = self._db.execute("SELECT number FROM site WHERE audience = 0").fetchone()
        assert [version for version, *_ in rows] == list(range(self._number + 1, number + 1))
        self._number = number
        return [(kind, slug) for _, kind, slug in rows]

    def _check_due(self, report: IngestReport) -> None:
        due = next_instant(self._schedule, self.time)
        assert report.next_due == (None if due is None else sort_key(due))

    def content(self) -> dump.Dump:
        return content(self._db)

    def close(self) -> None:
        self._db.close()


def content(db: sqlite3.Connection) -> dump.Dump:
    """Return the served content with the full-text indexes, which must be those of their articles."""
    check(db)
    return dump.content(db) | indexed(db)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store; a copy of it is quicker than a new one."""
    path = tmp_path_factory.mktemp("empty") / "store.db"
    open_careless(path).close()
    return path


@examples(200, quick=12)
@given(schedules, runs)
def test_each_article_appears_and_expires_once_in_order_and_never_early(
    empty: Path, schedule: Schedule, history: list[Run]
) -> None:
    with TemporaryDirectory() as name:
        root = Path(name)
        folder = Folder(root / "content")
        write(folder, schedule)
        with closing(Follower(Path(shutil.copy(empty, root / "followed.db")), folder, schedule)) as follower:
            for run in [*history, Run(1.0, 0, 0.0, 0)]:
                follower.follow(run)
            with closing(open_careless(Path(shutil.copy(empty, root / "fresh.db")))) as fresh:
                ingest(fresh, folder.root, ParseOptions(), processes=1, now_ns=clock(follower.last))
                assert follower.content() == content(fresh)


# Real processes.

SCHEDULE: Schedule = {
    "post/d": Window(1.0, None),
    "post/b": Window(3.0, None),
    "post/c": Window(None, 2.0),
    "post/a": Window(4.0, 9.0),
    "post/e": Window(1.0, 3.0),
}


def start(database: Path, folder: Folder, steps: int, now: float) -> subprocess.Popen[str]:
    """Start a process that ingests the folder at this time, and kills itself after these steps."""
    arguments = map(str, (database, folder.root, steps, clock(now)()))
    command = [sys.executable, "-m", "tests.ingest.killed_ingest", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own module


def test_a_killed_process_leaves_everything_as_before_or_done(empty: Path, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "content")
    write(folder, SCHEDULE)
    expected = changes(SCHEDULE, START, 5.0)
    assert expected == [("ADDED", "post/d"), ("REMOVED", "post/c"), ("ADDED", "post/b"), ("ADDED", "post/a")]

    def follower(name: str) -> Follower:
        return Follower(Path(shutil.copy(empty, tmp_path / f"{name}.db")), folder, SCHEDULE)

    with closing(follower("whole")) as whole:
        (steps, _) = start(tmp_path / "whole.db", folder, 0, 5.0).communicate()
        assert whole.new_events() == expected
    dice = random.Random(5)  # noqa: S311 - the same points in every run
    followers = [follower(str(number)) for number in range(6)]
    killed = [
        start(tmp_path / f"{number}.db", folder, dice.randrange(1, int(steps)), 5.0) for number in range(6)
    ]
    for process, one in zip(killed, followers, strict=True):
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        one.time = 5.0
        seen = one.new_events()
        one.ingest(None)
        assert seen + one.new_events() == expected
        assert seen in ([], expected)
        one.close()
