"""The change log, and the version of each audience."""

import sqlite3
from typing import Any

import pytest

from tests.store.conftest import TakeIn
from tests.store.folder import BROKEN, Folder

URL = "https://example.com/{}"


def numbers(db: sqlite3.Connection) -> list[int]:
    found = db.execute("SELECT version FROM site ORDER BY audience").fetchall()
    return [int(text.partition("-")[2]) for (text,) in found]


def log(db: sqlite3.Connection, since: int = 0) -> list[Any]:
    return db.execute("SELECT * FROM change WHERE version > ? ORDER BY version", (since,)).fetchall()


@pytest.fixture
def started(folder: Folder, take_in: TakeIn, db: sqlite3.Connection) -> int:
    """A store of a published article and of an unpublished one; the last version."""
    folder.article("open.md", URL.format("open"))
    folder.article("hidden.md", URL.format("hidden"), published=False)
    take_in()
    return max(numbers(db))


def test_each_article_has_a_version_of_its_own_by_slug(started: int, db: sqlite3.Connection) -> None:
    assert log(db) == [(1, "hidden", "ADDED", 0, 0), (2, "open", "ADDED", 0, 1)]
    assert numbers(db) == [2, 2, 2]


CHANGES = [
    # what happens, the entry in the log, whether the public, everyone where all is open, an editor see it
    (("open.md", {"title": "new"}), ("open", "UPDATED", 1, 1), (True, True, True)),
    (("open.md", {"published": False}), ("open", "UPDATED", 1, 0), (True, True, True)),
    (("open.md", None), ("open", "REMOVED", 1, 0), (True, True, True)),
    (("hidden.md", {"published": False, "title": "new"}), ("hidden", "UPDATED", 0, 0), (False, True, True)),
    (("hidden.md", {"published": True}), ("hidden", "UPDATED", 0, 1), (True, True, True)),
    (("hidden.md", None), ("hidden", "REMOVED", 0, 0), (False, True, True)),
    (("new.md", {"published": False}), ("new", "ADDED", 0, 0), (False, True, True)),
]


@pytest.mark.parametrize(("edit", "entry", "seen"), CHANGES)
def test_a_change_moves_the_version_of_who_sees_it(
    folder: Folder,
    take_in: TakeIn,
    db: sqlite3.Connection,
    started: int,
    edit: tuple[str, dict[str, Any] | None],
    entry: tuple[Any, ...],
    seen: tuple[bool, ...],
) -> None:
    path, keys = edit
    if keys is None:
        folder.remove(path)
    else:
        folder.article(path, URL.format(path.removesuffix(".md")), **keys)
    take_in()
    assert log(db, started) == [(started + 1, *entry)]
    assert numbers(db) == [started + moved for moved in seen]


def test_problems_alone_move_the_editors_version(
    folder: Folder, take_in: TakeIn, db: sqlite3.Connection, started: int
) -> None:
    folder.write("bad.md", BROKEN)
    take_in()
    assert numbers(db) == [started, started, started + 1]
    folder.remove("bad.md")
    take_in()
    assert numbers(db) == [started, started, started + 2]
    assert log(db, started) == []


def test_a_version_is_never_given_twice(
    folder: Folder, take_in: TakeIn, db: sqlite3.Connection, started: int
) -> None:
    folder.write("bad.md", BROKEN)
    take_in()
    folder.article("open.md", URL.format("open"), title="new")
    take_in()
    assert log(db, started) == [(started + 2, "open", "UPDATED", 1, 1)]
    assert numbers(db) == [started + 2] * 3


def test_the_time_of_a_version_is_that_of_the_ingest_that_made_it(
    folder: Folder, take_in: TakeIn, db: sqlite3.Connection
) -> None:
    day = 86_400_000_000_000
    folder.article("hidden.md", published=False)
    take_in(now_ns=lambda: 20_000 * day)
    take_in(now_ns=lambda: 20_001 * day)
    folder.write("bad.md", BROKEN)
    take_in(now_ns=lambda: 20_002 * day)
    assert db.execute("SELECT ingested_at FROM site ORDER BY audience").fetchall() == [
        (None,),
        ("2024-10-04T00:00:00Z",),
        ("2024-10-06T00:00:00Z",),
    ]


def test_what_is_told_of_the_whole_is_told_for_each_audience(
    folder: Folder, take_in: TakeIn, db: sqlite3.Connection
) -> None:
    provider = {"name": "P", "domain": "p.example"}
    folder.article("a.md", publishedDateTime="2024-01-02", provider=provider, topics=["AI"])
    folder.article("b.md", publishedDateTime="2024-01-01T10:00:00.50Z", published=False, topics=["AI", "Art"])
    folder.article("c.md", publishedDateTime="2024-01-01T12:00:00.5+02:00", published=False)
    take_in()
    public = (1, 1, 1, "2024-01-02T00:00:00Z", "2024-01-02T00:00:00Z")
    everyone = (3, 1, 2, "2024-01-01T10:00:00.50Z", "2024-01-02T00:00:00Z")
    assert db.execute(
        "SELECT article_count, provider_count, topic_count, first_published, last_published"
        " FROM site ORDER BY audience"
    ).fetchall() == [public, everyone, everyone]
