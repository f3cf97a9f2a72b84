"""Watch-ingest at the instants of a schedule, with a wall clock that is set forward and back."""

import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from gqlnews.content.models import ParseOptions
from gqlnews.ingest.watch_ingest import WatchIngestOptions, run_watch_ingest
from tests.ingest.folder import Folder
from tests.ingest.schedules import Window, clock, write
from tests.ingest.watch_process import until


class WallClock:
    """A clock that the test sets, and which ends the process under test by an interrupt."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.reads = 0
        self.is_stopped = False

    def now_ns(self) -> int:
        if self.is_stopped:
            raise KeyboardInterrupt
        self.reads += 1
        return clock(self.seconds)()

    def set(self, seconds: float) -> None:
        """Set the clock, and wait until it has been read so often that everything due was ingested."""
        self.seconds = seconds
        reads = self.reads
        until(lambda: self.reads > reads + 6, "the clock is not read")


@contextmanager
def watching(folder: Folder, database: Path, poll: bool) -> Iterator[WallClock]:
    wall = WallClock()
    warnings: list[str] = []

    def log(message: str, level: int = logging.INFO, **fields: object) -> None:
        if level >= logging.WARNING:
            warnings.append(f"{message} {fields}")

    options = WatchIngestOptions(
        folder.root, database, ParseOptions(), 1, poll, log, lambda _db: None, wall.now_ns
    )

    def run() -> None:
        with suppress(KeyboardInterrupt):
            run_watch_ingest(options)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield wall
    finally:
        wall.is_stopped = True
        thread.join()
    assert warnings == []


def published(database: Path) -> list[str]:
    """Return the slugs of the published articles; none if the store is not there yet."""
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
            return [slug for (slug,) in db.execute("SELECT slug FROM article WHERE published ORDER BY slug")]
    except sqlite3.OperationalError:
        return []


def test_a_clock_that_is_set_forward_and_back_publishes_nothing_early_or_twice(
    folder: Folder, database: Path
) -> None:
    write(folder, {"post/a": Window(100.0, 300.0), "post/b": Window(4000.0, None)})
    with watching(folder, database, poll=False) as wall:
        until(lambda: published(database) == ["post/always"], "nothing is served")
        for seconds, expected in (
            (99.999, ["post/always"]),
            (50.0, ["post/always"]),
            (100.0, ["post/a", "post/always"]),
            (20.0, ["post/a", "post/always"]),  # what has appeared stays
            (299.5, ["post/a", "post/always"]),
            (300.0, ["post/always"]),
        ):
            wall.set(seconds)
            assert published(database) == expected
    with closing(sqlite3.connect(database)) as db:
        (number,) = db.execute("SELECT number FROM site WHERE audience = 0").fetchone()
    assert number == 3


def test_polling_ingests_only_what_is_due(folder: Folder, database: Path) -> None:
    """A full scan of a network file system takes long."""
    write(folder, {"post/a": Window(100.0, None), "post/b": Window(4000.0, None)})
    with watching(folder, database, poll=True) as wall:
        until(lambda: published(database) == ["post/always"], "nothing is served")
        wall.set(100.0)
        until(lambda: published(database) == ["post/a", "post/always"], "it is not served")
