"""Replaying the outbox gives a copy that equals the store, whatever is ingested and whoever is killed.

Each ingest, and each turn of the consumer, is a process of its own, which may kill itself at any step.
"""

import os
import shutil
import signal
import sqlite3
import traceback
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gqlnews.database.sqlite.outbox import acknowledge, list_consumers, register
from gqlnews.ingest.pipeline import ingest
from tests.effort import examples
from tests.ingest import dump
from tests.ingest.folder import Folder, keys_of, text_of
from tests.ingest.histories import PATHS, URLS, Edit, articles, edits, write
from tests.ingest.model import OPTIONS, open_careless
from tests.ingest.replica import catch_up, copy_store, open_copy, tables
from tests.ingest.schedules import clock, sort_key
from tests.ingest.test_fts_index import check, indexed

# ruff: noqa: S608 - the names in these statements are those of tables and columns

NAME = "replica"
CONFIG = "gqlnews.toml"
SITE = "blog/hugo.toml"
RATING = "[fields.rating]\ntype = 'Int'\norder = true\n"
LABELS = "[fields.labels]\ntype = ['String']\nfilter = true\nfacet = true\n"
CONFIGS = ["", RATING, LABELS, RATING + LABELS, "[site]\ntitle = 'T'\n", "[fields.rating\n"]


@dataclass(frozen=True)
class Step:
    """Edits, then an ingest `seconds` after the last one, then a turn of the consumer.

    The two processes kill themselves after these steps, if they have that many; never if it is 0. A step is a
    statement, or 50 steps of SQLite's virtual machine. With `incremental`, only the touched paths are
    scanned. The consumer may also be killed after it has applied the changes, before it acknowledges them. It
    then reads after the position of its copy (`from_copy`) or, once more, after the acknowledged one.
    """

    edits: Sequence[Edit]
    seconds: float
    incremental: bool
    ingest_killed_at: int
    consumer_killed_at: int
    killed_before_acknowledging: bool
    from_copy: bool


def scheduled(name: str, begin: float | None, end: float | None) -> Edit:
    """Write an article of a Hugo site that appears and expires at these seconds."""
    keys: dict[str, object] = {"title": name, "date": "2021-04-15", "tags": ["AI", name]}
    if begin is not None:
        keys["publishDate"] = f"{sort_key(begin)}Z"
    if end is not None:
        keys["expiryDate"] = f"{sort_key(end)}Z"
    return write(f"blog/content/post/{name}.md", text_of(keys))


instants = st.none() | st.integers(0, 8).map(float)
with_fields = st.builds(
    lambda keys, rating, labels: text_of(keys | {"rating": rating, "labels": labels}),
    articles,
    st.integers(1, 3),
    st.lists(st.sampled_from("ab"), max_size=2),
)
all_edits = st.one_of(
    edits,
    st.builds(write, st.sampled_from(PATHS), with_fields),
    st.builds(write, st.just(CONFIG), st.sampled_from(CONFIGS)),
    st.builds(scheduled, st.sampled_from("xyz"), instants, instants),
)
kills = st.just(0) | st.integers(1, 400)
steps = st.builds(
    Step,
    st.lists(all_edits, max_size=5),
    st.sampled_from([0.25, 1.0, 2.0]),
    st.booleans(),
    kills,
    st.just(0) | st.integers(1, 100),
    st.booleans(),
    st.booleans(),
)


def fill(folder: Folder) -> None:
    """Write a Hugo site, and articles that list each other, which makes them a story."""
    folder.write(SITE, 'baseURL = "https://example.org/"\n')
    scheduled("x", 1.0, 3.0).do(folder)
    for path, url in zip(PATHS[2:], URLS, strict=False):
        folder.article(path, url, related=[{"title": "R", "webUrl": other} for other in URLS], topics=["AI"])


class World:
    """A folder, its store, and the copy of a consumer."""

    def __init__(self, root: Path) -> None:
        self.folder = Folder(root / "content")
        self.store, self.copy, self.fresh = root / "store.db", root / "copy.db", root / "fresh.db"
        self.time = 0.0

    def ingest(self, database: Path, paths: Sequence[str] | None = None, killed_at: int = 0) -> None:
        with closing(open_careless(database)) as db:
            die_at(db, killed_at)
            ingest(db, self.folder.root, OPTIONS, processes=1, now_ns=clock(self.time), paths=paths)

    def consume(
        self, killed_at: int = 0, *, from_copy: bool = True, killed_before_acknowledging: bool = False
    ) -> None:
        with closing(open_careless(self.store)) as db:
            die_at(db, killed_at)
            position = catch_up(db, NAME, self.copy, from_copy=from_copy)
            if killed_before_acknowledging:
                os.kill(os.getpid(), signal.SIGKILL)
            acknowledge(db, NAME, position)

    def run(self, step: Step) -> None:
        for edit in step.edits:
            edit.do(self.folder)
        self.time += step.seconds
        paths = sorted({path for edit in step.edits for path in edit.paths}) if step.incremental else None
        until_done(
            lambda: self.ingest(self.store, paths, step.ingest_killed_at),
            lambda: self.ingest(self.store, paths),
        )
        until_done(
            lambda: self.consume(
                step.consumer_killed_at, killed_before_acknowledging=step.killed_before_acknowledging
            ),
            lambda: self.consume(from_copy=step.from_copy),
        )

    def check_copy(self) -> None:
        with closing(open_careless(self.store)) as db, closing(open_copy(self.copy)) as copy:
            assert tables(copy) == tables(db)
            check(copy)
            assert [consumer.batches for consumer in list_consumers(db)] == [0]

    def repair(self) -> None:
        """Remove the files with errors, whose articles stay as they were."""
        (self.folder.root / CONFIG).write_text(RATING)
        while True:
            self.time += 1.0
            self.ingest(self.store)
            with closing(open_careless(self.store)) as db:
                errors = db.execute("SELECT DISTINCT path FROM problem WHERE severity = 'ERROR'").fetchall()
            if not errors:
                break
            for (path,) in errors:
                self.folder.remove(path)
        self.consume()


def die_at(db: sqlite3.Connection, killed_at: int) -> None:
    done = count(1)

    def step(*_: object) -> None:
        if next(done) == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)

    if killed_at:
        db.set_progress_handler(step, 50)
        db.set_trace_callback(step)


def until_done(work: Callable[[], None], again: Callable[[], None]) -> None:
    """Run `work` in a child process and, if it was killed, `again` in another one."""
    if run_in_child(work) == -signal.SIGKILL:
        assert run_in_child(again) == 0


def run_in_child(work: Callable[[], None]) -> int:
    """Return the exit code of the process, or its signal as a negative number.

    No connection may be open here: SQLite's locks do not survive a fork.
    """
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code <= 0
    return code


def content(db: sqlite3.Connection, columns: Sequence[str]) -> dump.Dump:
    """Return the content with the full-text indexes; columns of former custom fields are left out."""
    check(db)
    rows = dump.rows(db, f"SELECT {', '.join(columns)} FROM article")
    return dump.content(db) | indexed(db) | {"article": rows}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An empty store with a consumer, and a copy of it."""
    root = tmp_path_factory.mktemp("empty")
    with closing(open_careless(root / "store.db")) as db:
        register(db, NAME)
        copy_store(db, root / "copy.db")
    return root / "store.db", root / "copy.db"


@examples(150, quick=6)
@given(st.lists(steps, min_size=1, max_size=5))
def test_the_copy_equals_the_store_and_a_fresh_ingest(empty: tuple[Path, Path], history: list[Step]) -> None:
    with TemporaryDirectory() as name:
        world = World(Path(name))
        for source, to in zip(empty, (world.store, world.copy), strict=True):
            shutil.copy(source, to)
        fill(world.folder)
        for step in history:
            world.run(step)
            world.check_copy()
        world.repair()
        world.check_copy()
        world.ingest(world.fresh)
        with closing(open_careless(world.fresh)) as fresh, closing(open_copy(world.copy)) as copy:
            columns = [name for (name,) in fresh.execute("SELECT name FROM pragma_table_info('article')")]
            assert content(copy, columns) == content(fresh, columns)


def test_an_ingest_killed_at_any_step_appends_its_batch_or_nothing(
    empty: tuple[Path, Path], tmp_path: Path
) -> None:
    """At steps of a small ingest from its start to its end, the commit and what follows it included."""
    world = World(tmp_path)
    for source, to in zip(empty, (world.store, world.copy), strict=True):
        shutil.copy(source, to)
    world.folder.article("a.md", topics=["AI"])
    world.ingest(world.store)
    world.consume()
    world.folder.write("a.md", text_of(keys_of(title="New")))
    before = tmp_path / "before.db"
    shutil.copy(world.store, before)
    for killed_at in count(5, 41):
        shutil.copy(before, world.store)
        killed = run_in_child(lambda: world.ingest(world.store, None, killed_at))  # noqa: B023
        with closing(open_careless(world.store)) as db:
            (title,) = db.execute("SELECT title FROM article").fetchone()
            batches = db.execute("SELECT sequence FROM outbox_batch").fetchall()
            assert (title == "New") == (len(batches) == 1)
        if not killed:
            break
    assert killed_at > 200
