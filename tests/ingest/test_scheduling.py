"""Articles that appear and expire: when an ingest decides it, and in which order the log has it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gqlnews.content.models import ParseOptions
from gqlnews.ingest.apply_schedule import next_due
from gqlnews.ingest.pipeline import ingest
from tests.ingest import dump
from tests.ingest.conftest import RunIngest
from tests.ingest.folder import Folder, text_of
from tests.ingest.model import open_careless
from tests.ingest.schedules import Schedule, Window, clock, sort_key, write
from tests.ingest.test_fts_index import check, indexed
from tests.ingest.test_pipeline import unlistable

SCHEDULE: Schedule = {
    "post/a": Window(3.0, None),
    "post/b": Window(2.0, None),
    "post/c": Window(None, 1.0),
    "post/d": Window(2.0, 8.0),
}


@pytest.fixture
def site(folder: Folder) -> Folder:
    write(folder, SCHEDULE)
    return folder


def log(db: sqlite3.Connection, scope: int, after: int = 0) -> list[str]:
    """Return the slugs of the changes in their order, after this number of entries of the first ingest."""
    rows = db.execute(
        "SELECT slug FROM article_change WHERE scope = ? AND version > ? ORDER BY version", (scope, after)
    )
    return [slug for (slug,) in rows]


@pytest.mark.parametrize("paths", [None, [], ["content/post/always.md"]])
def test_what_is_due_is_logged_in_the_order_of_its_instants_before_all_else(
    site: Folder, run_ingest: RunIngest, db: sqlite3.Connection, paths: list[str] | None
) -> None:
    run_ingest(now_ns=clock(0.0))
    assert (log(db, 0), log(db, 1)) == (["post/always", "post/c"], sorted(["post/always", *SCHEDULE]))
    site.write("content/post/always.md", text_of({"title": "Edited", "date": "2021-04-15"}))
    run_ingest(now_ns=clock(5.0), paths=paths)
    edited = ["post/always"] if paths != [] else []
    assert log(db, 0, after=2) == ["post/c", "post/b", "post/d", "post/a", *edited]
    assert log(db, 1, after=5) == ["post/c", "post/b", "post/d", "post/a", *edited]


def test_what_appeared_and_expired_meanwhile_changes_nothing(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    write(folder, {"post/a": Window(1.0, 2.0)})
    run_ingest(now_ns=clock(0.0))
    versions = db.execute("SELECT version FROM site").fetchall()
    report = run_ingest(now_ns=clock(3.0))
    assert (report.changed, report.next_due) == (0, None)
    assert db.execute("SELECT version FROM site").fetchall() == versions


def test_the_report_has_the_next_instant(site: Folder, run_ingest: RunIngest) -> None:
    instants = [run_ingest(now_ns=clock(now)).next_due for now in (0.0, 1.0, 2.0, 2.5, 3.0, 8.0)]
    assert instants == [*map(sort_key, (1.0, 2.0, 3.0, 3.0, 8.0)), None]


def test_an_ingest_decides_by_the_time_when_it_has_the_write_lock(
    site: Folder, db: sqlite3.Connection
) -> None:
    """Otherwise one that waited for another one would hide again what that one has published."""
    locked = []

    def now_ns() -> int:
        locked.append(db.in_transaction)
        return clock(0.0)()

    ingest(db, site.root, ParseOptions(), processes=1, now_ns=now_ns)
    assert locked == [True]


def test_files_are_parsed_by_the_time_of_the_ingest_in_every_process(
    site: Folder, database: Path, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    run_ingest(processes=2, now_ns=clock(2.0))
    assert log(db, 0) == ["post/always", "post/b", "post/d"]
    assert next_due(db) == sort_key(3.0)


def test_an_edit_that_sets_the_instant_back_or_forward_counts(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    def published() -> bool:
        (flag,) = db.execute("SELECT published FROM article WHERE slug = 'post/a'").fetchone()
        return bool(flag)

    for begin, now, expected in ((5.0, 0.0, False), (9.0, 4.0, False), (9.0, 6.0, False), (7.0, 8.0, True)):
        write(folder, {"post/a": Window(begin, None)})
        run_ingest(now_ns=clock(now))
        assert published() is expected
        assert next_due(db) == (None if expected else sort_key(begin))


# Files that cannot be read when their instant comes.

WINDOWS = {
    "post/a": Window(3.0, None),
    "post/b": Window(2.0, 9.0),
    "post/c": Window(None, 1.0),
    "post/d": Window(2.0, 4.0),
    "post/e": Window(None, None),
}


@pytest.mark.parametrize("reread", [False, True])
@pytest.mark.parametrize("paths", [None, []])
def test_articles_of_files_with_errors_appear_and_expire_as_their_last_version_says(
    folder: Folder,
    run_ingest: RunIngest,
    db: sqlite3.Connection,
    tmp_path: Path,
    paths: list[str] | None,
    reread: bool,
) -> None:
    write(folder, WINDOWS)
    run_ingest(now_ns=clock(0.0))
    for slug in WINDOWS:
        folder.write(f"content/{slug}.md", "---\ntitle: [\n---\n")
    run_ingest(now_ns=clock(0.5))
    valid = Folder(tmp_path / "valid")
    write(valid, WINDOWS)
    last = 3  # post/always, post/c and post/e are visible from the start
    for now, changed in (
        (1.5, ["post/c"]),
        (3.5, ["post/b", "post/d", "post/a"]),
        (5.0, ["post/d"]),
        (9.0, ["post/b"]),
    ):
        if reread:
            db.execute("UPDATE store SET fingerprint = ''")
        run_ingest(now_ns=clock(now), paths=paths)
        assert log(db, 0, after=last) == changed
        last += len(changed)
        with closing(open_careless(tmp_path / f"{now}.db")) as fresh:
            ingest(fresh, valid.root, ParseOptions(), processes=1, now_ns=clock(now))
            check(db)
            assert dump.content(db) | indexed(db) == dump.content(fresh) | indexed(fresh)
            assert next_due(db) == next_due(fresh)


def test_articles_in_a_folder_that_cannot_be_listed_expire_once(
    folder: Folder, db: sqlite3.Connection
) -> None:
    closed = "x" * 200
    folder.write("hugo.toml", "title = 'A'\n")
    keys = {"title": "A", "date": "2021-04-15", "expiryDate": sort_key(1.0) + "Z"}
    folder.write(f"content/{closed}/a.md", text_of(keys))
    ingest(db, folder.root, ParseOptions(), processes=1, now_ns=clock(0.0))
    for changed in (1, 0):
        root = unlistable(folder.root, f"content/{closed}")
        report = ingest(db, root, ParseOptions(), processes=1, now_ns=clock(2.0))
        assert (report.changed, report.next_due) == (changed, None)
    assert db.execute("SELECT published FROM article").fetchall() == [(0,)]
