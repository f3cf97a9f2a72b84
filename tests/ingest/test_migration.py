"""A store of the first schema version: migrated, and then completed by an ingest."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gqlnews.database.sqlite.migrations import migrations
from gqlnews.database.sqlite.writer import open_writer
from tests.ingest import dump
from tests.ingest.conftest import RunIngest
from tests.ingest.folder import Folder
from tests.ingest.model import run_ingest as take_in_folder

# ruff: noqa: S608 - the names in these statements are this program's

URL = "https://example.com/{}"

# The first version's change log for the history in `lived`.
LOG = [
    (1, "a", "ADDED", 0, 1),
    (2, "b", "ADDED", 0, 0),
    (3, "c", "ADDED", 0, 1),
    (4, "d", "ADDED", 0, 1),
    (5, "e", "ADDED", 0, 0),
    (6, "a", "UPDATED", 1, 1),
    (7, "b", "UPDATED", 0, 1),
    (8, "c", "UPDATED", 1, 0),
    (9, "d", "REMOVED", 1, 0),
    (10, "e", "REMOVED", 0, 0),
    (11, "c", "UPDATED", 0, 0),
    (12, "d", "ADDED", 0, 1),
]


def write(folder: Folder, name: str, **keys: object) -> None:
    related = [{"title": "R", "webUrl": URL.format(other)} for other in "abcde"]
    folder.article(f"{name}.md", URL.format(name), related=related, topics=["AI"], **keys)


@pytest.fixture
def lived(folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection) -> sqlite3.Connection:
    """A store of the present version whose articles were added, changed, hidden, removed and restored."""
    for name in "abcde":
        write(folder, name, published=name not in "be")
    run_ingest()
    write(folder, "a", title="new")
    write(folder, "b")
    write(folder, "c", published=False)
    folder.remove("d.md")
    folder.remove("e.md")
    run_ingest()
    write(folder, "c", published=False, title="new")
    write(folder, "d")
    run_ingest()
    db.execute("DELETE FROM article_before")  # a migrated store has no images of earlier changes
    db.execute("UPDATE site SET images_pruned = number")
    return db


@pytest.fixture
def old(lived: sqlite3.Connection, tmp_path: Path) -> Path:
    """The same store in the format of the first version."""
    path = tmp_path / "old.db"
    db = open_writer(path, known_migrations=migrations()[:1])
    db.execute("PRAGMA foreign_keys = OFF")
    db.execute("ATTACH ? AS now", (str(tmp_path / "store.db"),))
    tables = db.execute(
        "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT IN ('change', 'store')"
    )
    for (table,) in tables.fetchall():
        names = ", ".join(name for (name,) in db.execute(f"SELECT name FROM pragma_table_info('{table}')"))
        db.execute(f"DELETE FROM main.{table}")
        db.execute(f"INSERT INTO main.{table} ({names}) SELECT {names} FROM now.{table}")
    db.execute("UPDATE main.store SET (line, fingerprint) = (SELECT line, fingerprint FROM now.store)")
    last = LOG[-1][0]  # of each audience, because the public sees the last change too
    db.execute("UPDATE main.store SET last_version = ?", (last,))
    db.execute("UPDATE main.site SET version = (SELECT line FROM main.store) || '-' || ?", (last,))
    db.executemany("INSERT INTO change VALUES (?, ?, ?, ?, ?)", LOG)
    db.close()
    return path


@pytest.fixture
def migrated(old: Path) -> Iterator[sqlite3.Connection]:
    db = open_writer(old)
    yield db
    db.close()


def test_the_change_log_is_migrated(lived: sqlite3.Connection, migrated: sqlite3.Connection) -> None:
    rows = "SELECT * FROM article_change ORDER BY scope, slug"
    assert migrated.execute(rows).fetchall() == lived.execute(rows).fetchall()
    sites = "SELECT * FROM site ORDER BY audience"
    assert migrated.execute(sites).fetchall() == lived.execute(sites).fetchall()
    assert migrated.execute("SELECT 1 FROM sqlite_master WHERE name = 'change'").fetchone() is None


def test_the_next_ingest_completes_the_migration_without_changes(
    lived: sqlite3.Connection, migrated: sqlite3.Connection, folder: Folder
) -> None:
    assert migrated.execute("SELECT count(*) FROM story").fetchone() == (0,)
    take_in_folder(migrated, folder)
    assert migrated.execute("SELECT size FROM story ORDER BY scope").fetchall() == [(3,), (4,)]
    assert dump.everything(migrated) == dump.everything(lived)


def test_changes_are_logged_after_the_migration(
    lived: sqlite3.Connection, migrated: sqlite3.Connection, folder: Folder
) -> None:
    folder.remove("a.md")
    write(folder, "e")
    for db in (lived, migrated):
        take_in_folder(db, folder)
    assert dump.everything(migrated) == dump.everything(lived)


@pytest.mark.parametrize("fraction", ["", ".5", ".123", ".000000001", ".120000001", ".123456789"])
def test_times_are_rounded_down_to_milliseconds(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, tmp_path: Path, fraction: str
) -> None:
    write(folder, "a")
    run_ingest()
    key, served = f"2024-05-01T12:00:00{fraction}", f"2024-05-01T12:00:00{fraction[:4]}".removesuffix(".000")
    served = served.rstrip("0") if "." in served else served
    db.execute("UPDATE article SET updated_key = ?1, updated_at = ?1 || 'Z'", (key,))
    db.execute("UPDATE site SET ingested_at = ? || 'Z'", (key,))
    db.execute("PRAGMA user_version = 15")
    versions = db.execute("SELECT version, number FROM site ORDER BY audience").fetchall()
    with closing(open_writer(tmp_path / "store.db", known_migrations=migrations()[:16])) as migrated:
        times = migrated.execute("SELECT updated_key, updated_at FROM article").fetchall()
        assert times == [(served, f"{served}Z")]
        assert migrated.execute("SELECT DISTINCT ingested_at FROM site").fetchall() == [(f"{served}Z",)]
        later = migrated.execute("SELECT version, number FROM site ORDER BY audience").fetchall()
        rounded = len(fraction) > 4
        for (_, before), (version, number) in zip(versions, later, strict=True):
            assert number == before + rounded
            assert version.endswith(f"-{number}")
        assert (later != versions) is rounded
        write(folder, "b")
        take_in_folder(migrated, folder)
        assert [number for (number,) in migrated.execute("SELECT number FROM site ORDER BY audience")] == [
            number + 1 for _, number in later
        ]
