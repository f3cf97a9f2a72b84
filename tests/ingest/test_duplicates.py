"""Several files that share a slug, or a URL."""

import sqlite3

import pytest

from tests.ingest.conftest import RunIngest
from tests.ingest.folder import BROKEN, Folder

URL = "https://example.com/shared"


def title(db: sqlite3.Connection, slug: str) -> str:
    (found,) = db.execute("SELECT title FROM article WHERE slug = ?", (slug,)).fetchone()
    return str(found)


def across(db: sqlite3.Connection) -> list[tuple[object, ...]]:
    return db.execute(
        "SELECT code, path, line, column_ FROM problem WHERE across ORDER BY code, path"
    ).fetchall()


def editor_version(db: sqlite3.Connection) -> int:
    (text,) = db.execute("SELECT version FROM site WHERE audience = 2").fetchone()
    return int(text.partition("-")[2])


def test_the_first_file_by_path_owns_the_slug(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.article("a.md", title="second")
    folder.article("a.markdown", title="first")
    run_ingest()
    assert title(db, "a") == "first"
    assert across(db) == [("duplicate-slug", "a.md", None, None)]


def test_an_earlier_path_that_is_added_later_takes_the_slug(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.article("a.md", title="second")
    run_ingest()
    folder.article("a.markdown", title="first")
    report = run_ingest()
    assert title(db, "a") == "first"
    assert (report.changed, report.added) == (1, 0)


def test_if_the_first_file_is_deleted_the_next_is_read(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.article("a.md", title="second")
    folder.article("a.markdown", title="first")
    run_ingest()
    folder.remove("a.markdown")
    run_ingest()
    assert title(db, "a") == "second"
    assert across(db) == []


def test_a_first_file_with_an_error_still_owns_the_slug(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.article("a.md", title="second")
    folder.write("a.markdown", BROKEN)
    run_ingest()
    assert db.execute("SELECT count(*) FROM article").fetchone() == (0,)
    assert across(db) == [("duplicate-slug", "a.md", None, None)]


def test_a_later_files_own_problems_are_reported_too(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.article("a.markdown")
    folder.write("a.md", BROKEN)
    run_ingest()
    codes = db.execute("SELECT code FROM problem WHERE path = 'a.md' ORDER BY code").fetchall()
    assert codes == [("duplicate-slug",), ("no-front-matter",)]


def test_all_files_but_the_owner_of_a_url_have_a_warning(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.article("a.md", URL, publishedDateTime="2024-01-03", published=False)
    folder.article("b.md", URL, publishedDateTime="2024-01-01")
    folder.article("c.md", URL, publishedDateTime="2024-01-02")
    run_ingest()
    assert across(db) == [
        ("duplicate-url", "a.md", 4, 9),
        ("duplicate-url", "b.md", 4, 9),
        ("published-disagrees", "a.md", 5, 12),
    ]
    messages = db.execute("SELECT DISTINCT substr(message, 1, 6) FROM problem").fetchall()
    assert messages == [("`c.md`",)]


def test_an_absent_published_key_has_no_position(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.article("a.md", URL, published=False)
    folder.article("b.md", URL)
    run_ingest()
    assert ("published-disagrees", "a.md", 5, 12) in across(db)
    folder.article("a.md", "https://example.com/other", published=False)
    run_ingest()
    assert across(db) == []


@pytest.mark.parametrize("key", ["ampWebUrl", "cdnAmpWebUrl"])
def test_a_url_equal_to_another_amp_url_is_no_duplicate(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, key: str
) -> None:
    folder.article("a.md", URL)
    folder.article("b.md", "https://example.com/b", **{key: URL})
    run_ingest()
    assert across(db) == []


def test_a_removed_or_changed_warning_advances_the_editors_version(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.article("a.md", URL, publishedDateTime="2024-01-01")
    folder.article("b.md", URL, publishedDateTime="2024-01-02")
    run_ingest()
    before = editor_version(db)
    run_ingest()
    assert editor_version(db) == before
    (folder.root / "b.md").rename(folder.root / "b.markdown")  # the same content under another name
    run_ingest()
    assert editor_version(db) == before + 1
