"""Several files that share a slug, or a URL."""

import sqlite3

import pytest

from tests.ingest.conftest import TakeIn
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


def test_the_first_file_by_path_has_the_slug(folder: Folder, take_in: TakeIn, db: sqlite3.Connection) -> None:
    folder.article("a.md", title="second")
    folder.article("a.markdown", title="first")
    take_in()
    assert title(db, "a") == "first"
    assert across(db) == [("duplicate-slug", "a.md", None, None)]


def test_a_first_file_that_comes_later_takes_over(
    folder: Folder, take_in: TakeIn, db: sqlite3.Connection
) -> None:
    folder.article("a.md", title="second")
    take_in()
    folder.article("a.markdown", title="first")
    report = take_in()
    assert title(db, "a") == "first"
    assert (report.changed, report.added) == (1, 0)


def test_when_the_first_goes_the_next_is_read(
    folder: Folder, take_in: TakeIn, db: sqlite3.Connection
) -> None:
    folder.article("a.md", title="second")
    folder.article("a.markdown", title="first")
    take_in()
    folder.remove("a.markdown")
    take_in()
    assert title(db, "a") == "second"
    assert across(db) == []


def test_a_first_file_with_an_error_is_the_one_all_the_same(
    folder: Folder, take_in: TakeIn, db: sqlite3.Connection
) -> None:
    folder.article("a.md", title="second")
    folder.write("a.markdown", BROKEN)
    take_in()
    assert db.execute("SELECT count(*) FROM article").fetchone() == (0,)
    assert across(db) == [("duplicate-slug", "a.md", None, None)]


def test_a_later_files_own_problems_are_reported_too(
    folder: Folder, take_in: TakeIn, db: sqlite3.Connection
) -> None:
    folder.article("a.markdown")
    folder.write("a.md", BROKEN)
    take_in()
    codes = db.execute("SELECT code FROM problem WHERE path = 'a.md' ORDER BY code").fetchall()
    assert codes == [("duplicate-slug",), ("no-front-matter",)]


def test_all_but_the_winner_of_a_url_are_warned_at_the_url(
    folder: Folder, take_in: TakeIn, db: sqlite3.Connection
) -> None:
    folder.article("a.md", URL, publishedDateTime="2024-01-03", published=False)
    folder.article("b.md", URL, publishedDateTime="2024-01-01")
    folder.article("c.md", URL, publishedDateTime="2024-01-02")
    take_in()
    assert across(db) == [
        ("duplicate-url", "a.md", 4, 9),
        ("duplicate-url", "b.md", 4, 9),
        ("published-disagrees", "a.md", 5, 12),
    ]
    messages = db.execute("SELECT DISTINCT substr(message, 1, 6) FROM problem").fetchall()
    assert messages == [("`c.md`",)]


def test_published_that_is_not_written_has_no_place(
    folder: Folder, take_in: TakeIn, db: sqlite3.Connection
) -> None:
    folder.article("a.md", URL, published=False)
    folder.article("b.md", URL)
    take_in()
    assert ("published-disagrees", "a.md", 5, 12) in across(db)
    folder.article("a.md", "https://example.com/other", published=False)
    take_in()
    assert across(db) == []


@pytest.mark.parametrize("key", ["ampWebUrl", "cdnAmpWebUrl"])
def test_a_url_that_is_anothers_amp_url_is_no_duplicate(
    folder: Folder, take_in: TakeIn, db: sqlite3.Connection, key: str
) -> None:
    folder.article("a.md", URL)
    folder.article("b.md", "https://example.com/b", **{key: URL})
    take_in()
    assert across(db) == []


def test_a_warning_that_goes_or_names_another_moves_the_editors_version(
    folder: Folder, take_in: TakeIn, db: sqlite3.Connection
) -> None:
    folder.article("a.md", URL, publishedDateTime="2024-01-01")
    folder.article("b.md", URL, publishedDateTime="2024-01-02")
    take_in()
    before = editor_version(db)
    take_in()
    assert editor_version(db) == before
    (folder.root / "b.md").rename(folder.root / "b.markdown")  # the same content under another name
    take_in()
    assert editor_version(db) == before + 1
