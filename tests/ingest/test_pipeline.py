"""The effect of consecutive ingests on the store."""

import gc
import os
import sqlite3
from pathlib import Path

import pytest

from gqlnews.content.models import ParseOptions
from gqlnews.database.sqlite.writer import open_writer, transaction
from gqlnews.errors import ContentFolderError, LockedDatabaseError
from gqlnews.ingest.pipeline import IngestReport, ingest
from tests.ingest import dump
from tests.ingest.conftest import RunIngest
from tests.ingest.folder import BROKEN, Folder, keys_of, later_ns, text_of


def counts(report: IngestReport) -> tuple[int, int, int, int]:
    return report.added, report.changed, report.removed, report.unchanged


def titles(db: sqlite3.Connection) -> dict[str, str]:
    return dict(db.execute("SELECT slug, title FROM article").fetchall())


def versions(db: sqlite3.Connection) -> list[str]:
    """Return the version numbers of all audiences: public, open, editor."""
    return [text.partition("-")[2] for (text,) in db.execute("SELECT version FROM site ORDER BY audience")]


def test_it_counts_articles(folder: Folder, run_ingest: RunIngest) -> None:
    for name in "abc":
        folder.article(f"{name}.md", f"https://example.com/{name}")
    assert counts(run_ingest()) == (3, 0, 0, 0)
    folder.article("a.md", "https://example.com/a", title="new")
    folder.remove("b.md")
    folder.article("d.md", "https://example.com/d")
    folder.write("e.md", BROKEN)
    report = run_ingest()
    assert counts(report) == (1, 1, 1, 1)
    assert (report.articles, report.problems) == (3, 1)


def test_an_article_that_changes_keeps_its_id(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.article("a.md")
    folder.article("b.md")
    run_ingest()
    before = db.execute("SELECT slug, id FROM article").fetchall()
    folder.article("a.md", title="new")
    run_ingest()
    assert db.execute("SELECT slug, id FROM article").fetchall() == before


def test_an_unchanged_folder_reads_no_file_and_writes_nothing(
    folder: Folder, run_ingest: RunIngest, database: Path
) -> None:
    folder.article("a.md")
    folder.write("broken.md", BROKEN)
    run_ingest()
    other = sqlite3.connect(database)
    before = other.execute("PRAGMA data_version").fetchone()
    calls: list[tuple[int, int]] = []
    assert counts(run_ingest(progress=lambda done, total: calls.append((done, total)))) == (0, 0, 0, 1)
    assert calls == [(0, 0)]
    assert other.execute("PRAGMA data_version").fetchone() == before
    other.close()


def test_a_touched_file_is_read_without_changes(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.article("a.md")
    run_ingest()
    before = db.execute("SELECT * FROM article").fetchall(), versions(db)
    folder.touch("a.md")
    assert counts(run_ingest()) == (0, 0, 0, 1)
    assert (db.execute("SELECT * FROM article").fetchall(), versions(db)) == before
    assert read_again(run_ingest) == 0


def read_again(run_ingest: RunIngest, **others: object) -> int:
    """Ingest again, and return how many files were read."""
    totals: list[int] = []
    run_ingest(progress=lambda _, total: totals.append(total), **others)
    return totals[0]


@pytest.mark.parametrize(("seconds_after", "seen"), [(1, True), (2, True), (3, False)])
def test_files_changed_within_two_seconds_of_the_last_read_are_read_again(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, seconds_after: int, seen: bool
) -> None:
    folder.article("a.md", title="old")
    run_ingest()
    folder.article("a.md", title="new")
    status = (folder.root / "a.md").stat()
    # As if the file system's clock had not advanced between the two writes.
    db.execute(
        "UPDATE source SET mtime_ns = ?, ctime_ns = ?, read_ns = ?",
        (status.st_mtime_ns, status.st_ctime_ns, status.st_ctime_ns + seconds_after * 1_000_000_000),
    )
    run_ingest()
    assert titles(db) == {"a": "new" if seen else "old"}


def test_files_written_just_before_are_read_again_until_they_are_old(
    folder: Folder, run_ingest: RunIngest
) -> None:
    folder.article("a.md")
    now = (folder.root / "a.md").stat().st_ctime_ns
    run_ingest(now_ns=lambda: now)
    assert read_again(run_ingest, now_ns=lambda: now + 5_000_000_000) == 1
    assert read_again(run_ingest, now_ns=lambda: now + 9_000_000_000) == 0


def test_a_file_with_an_error_keeps_its_served_article(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.article("a.md", title="good")
    run_ingest()
    folder.write("a.md", BROKEN)
    assert counts(run_ingest()) == (0, 0, 0, 1)
    assert titles(db) == {"a": "good"}
    assert db.execute("SELECT path, code FROM problem").fetchall() == [("a.md", "no-front-matter")]
    folder.article("a.md", title="good")
    assert counts(run_ingest()) == (0, 0, 0, 1)
    assert db.execute("SELECT count(*) FROM problem").fetchone() == (0,)


@pytest.mark.parametrize("refused", ["fifo", "link that leads out", "link that leads nowhere", "too large"])
def test_an_unreadable_file_keeps_its_served_article(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, refused: str
) -> None:
    folder.article("a.md", title="good")
    run_ingest()
    folder.remove("a.md")
    make_refused(folder, refused)
    for _ in range(2):
        assert counts(run_ingest()) == (0, 0, 0, 1)
        assert db.execute("SELECT path, severity FROM problem").fetchall() == [("a.md", "ERROR")]
    folder.remove("a.md")
    assert counts(run_ingest()) == (0, 0, 1, 0)
    assert db.execute("SELECT count(*) FROM problem").fetchone() == (0,)


def make_refused(folder: Folder, how: str) -> None:
    file = folder.root / "a.md"
    match how:
        case "fifo":
            os.mkfifo(file)
        case "link that leads out":
            file.symlink_to("/etc/passwd")
        case "link that leads nowhere":
            file.symlink_to("nowhere.md")
        case _:
            file.write_bytes(b"x" * 1_048_577)


def test_an_unreadable_file_that_becomes_regular_is_read(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    make_refused(folder, "fifo")
    run_ingest()
    folder.remove("a.md")
    folder.article("a.md", title="good")
    run_ingest()
    assert titles(db) == {"a": "good"}


def unlistable(root: Path, subfolder: str) -> Path:
    """Return an alias of `root` so long that paths below it exceed the system's limit."""
    home = str(root)
    step = f"/../{root.name}"
    path = home + step * ((4095 - len(subfolder) - len(home)) // len(step) + 1)
    assert len(path) < 4096 <= len(path) + 1 + len(subfolder)
    return Path(path)


def test_an_unlistable_subfolder_keeps_its_served_articles(folder: Folder, db: sqlite3.Connection) -> None:
    closed = "x" * 200
    folder.article("a.md")
    folder.article(f"{closed}/b.md")
    folder.write(f"{closed}/c.md", BROKEN)
    options = ParseOptions()
    ingest(db, folder.root, options, processes=1, now_ns=later_ns)
    folder.remove("a.md")
    folder.remove(f"{closed}/b.md")
    report = ingest(db, unlistable(folder.root, closed), options, processes=1, now_ns=later_ns)
    assert counts(report) == (0, 0, 1, 1)
    assert db.execute("SELECT path, code FROM problem ORDER BY path").fetchall() == [
        (f"{closed}/", "unreadable"),
        (f"{closed}/c.md", "no-front-matter"),
    ]
    report = ingest(db, folder.root, options, processes=1, now_ns=later_ns)
    assert (counts(report), report.problems) == ((0, 0, 1, 0), 1)


def test_a_missing_folder_leaves_the_store_unchanged(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, tmp_path: Path
) -> None:
    folder.article("a.md")
    run_ingest()
    before = dump.everything(db)
    with pytest.raises(ContentFolderError):
        ingest(db, tmp_path / "missing", ParseOptions())
    assert dump.everything(db) == before


class Stop(Exception):  # noqa: N818 - no error, a reason to stop
    pass


def test_any_exception_leaves_the_store_unchanged(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    def stop_at_the_end(done: int, total: int) -> None:
        if done == total:
            raise Stop

    folder.article("a.md")
    run_ingest()
    before = dump.everything(db)
    folder.article("a.md", title="new")
    folder.article("b.md")
    with pytest.raises(Stop):
        run_ingest(progress=stop_at_the_end)
    assert dump.everything(db) == before
    assert counts(run_ingest()) == (1, 1, 0, 0)


def test_a_reader_sees_the_old_content_until_the_commit(
    folder: Folder, run_ingest: RunIngest, database: Path
) -> None:
    reader = sqlite3.connect(database)
    seen: list[int] = []

    def look(_: int, __: int) -> None:
        seen.append(reader.execute("SELECT count(*) FROM article").fetchone()[0])

    for number in range(300):
        folder.article(f"{number}.md", f"https://example.com/{number}")
    run_ingest(progress=look)
    assert len(seen) > 2
    assert set(seen) == {0}
    look(0, 0)
    assert seen[-1] == 300
    reader.close()


def test_a_full_disk_leaves_the_store_unchanged(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.article("a.md")
    run_ingest()
    before = dump.everything(db)
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    db.execute(f"PRAGMA max_page_count = {pages + 5}")
    folder.article("b.md", excerpt="long " * 50_000)
    with pytest.raises(Exception, match="the disk is full: free some space"):
        run_ingest()
    assert dump.everything(db) == before


def test_a_lock_held_by_another_writer_is_reported_after_the_timeout(
    folder: Folder, db: sqlite3.Connection, database: Path
) -> None:
    other = open_writer(database, busy_timeout=0.05)
    with transaction(db), pytest.raises(LockedDatabaseError, match="in use by another process"):
        ingest(other, folder.root, ParseOptions())
    other.close()


def test_changed_options_reparse_every_file_and_write_only_differences(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.article("a.md", "https://example.com/a")
    folder.article("b.md", "/b")
    run_ingest()
    based = ParseOptions(base_url="https://example.org/")
    assert counts(run_ingest(based)) == (0, 1, 0, 1)
    assert db.execute("SELECT url FROM article WHERE slug = 'b'").fetchone() == ("https://example.org/b",)
    assert read_again(run_ingest, options=based) == 0


def test_a_changed_fingerprint_parses_every_file_again(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.article("a.md")
    run_ingest()
    before = versions(db)
    db.execute("UPDATE store SET fingerprint = 'of an older program'")
    db.execute("UPDATE provider SET name = 'derived otherwise'")
    assert read_again(run_ingest) == 1
    assert versions(db) == before


def test_a_store_of_only_broken_files_ingests_repaired_ones(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    indexes = db.execute("SELECT name FROM pragma_index_list('article')").fetchall()
    folder.write("a.md", BROKEN)
    run_ingest()
    folder.article("a.md", title="good")
    run_ingest()
    assert titles(db) == {"a": "good"}
    assert sorted(db.execute("SELECT name FROM pragma_index_list('article')")) == sorted(indexes)


def test_the_same_content_under_the_other_extension_is_no_change(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.article("a.md")
    run_ingest()
    folder.remove("a.md")
    folder.write("a.markdown", text_of(keys_of()))
    assert counts(run_ingest()) == (0, 0, 0, 1)
    assert db.execute("SELECT path FROM article").fetchall() == [("a.markdown",)]


@pytest.mark.parametrize("enabled", [True, False])
def test_the_garbage_collector_is_restored(run_ingest: RunIngest, enabled: bool) -> None:
    before = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        run_ingest()
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if before else gc.disable)()


def test_a_link_within_the_folder_is_a_separate_article(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.article("a.md", title="one")
    (folder.root / "b.md").symlink_to("a.md")
    run_ingest()
    assert titles(db) == {"a": "one", "b": "one"}
