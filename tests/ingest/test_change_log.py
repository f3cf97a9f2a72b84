"""The change log of each scope, and the version of each audience."""

import sqlite3
from typing import Any

import pytest

from tests.ingest.conftest import RunIngest
from tests.ingest.folder import BROKEN, Folder

URL = "https://example.com/{}"


def numbers(db: sqlite3.Connection) -> list[int]:
    found = db.execute("SELECT version FROM site ORDER BY audience").fetchall()
    return [int(text.partition("-")[2]) for (text,) in found]


def changed(db: sqlite3.Connection, since: tuple[int, int] = (0, 0)) -> list[Any]:
    """Return (scope, slug, version, first_added, added, removed) of the changes after a version per scope."""
    rows = db.execute("SELECT * FROM article_change ORDER BY scope, version").fetchall()
    return [row for row in rows if row[2] > since[row[0]]]


@pytest.fixture
def started(folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection) -> tuple[int, int]:
    """A store of a published and an unpublished article; the last change number of each scope."""
    folder.article("open.md", URL.format("open"))
    folder.article("hidden.md", URL.format("hidden"), published=False)
    run_ingest()
    public, _, editor = numbers(db)
    return public, editor


def test_each_scope_numbers_its_articles_by_slug(started: tuple[int, int], db: sqlite3.Connection) -> None:
    assert changed(db) == [(0, "open", 1, 1, 1, 0), (1, "hidden", 1, 1, 1, 0), (1, "open", 2, 2, 2, 0)]
    assert numbers(db) == [1, 2, 2]


def test_versions_of_different_scopes_differ(started: tuple[int, int], db: sqlite3.Connection) -> None:
    (line,) = db.execute("SELECT line FROM store").fetchone()
    found = [text for (text,) in db.execute("SELECT version FROM site ORDER BY audience")]
    assert found == [f"{line}0-1", f"{line}1-2", f"{line}1-2"]


CHANGES = [
    # (edit; (slug, added, removed) in the public log and in the other one)
    (("open.md", {"title": "new"}), ("open", 1, 0), ("open", 2, 0)),
    (("open.md", {"published": False}), ("open", 1, 1), ("open", 2, 0)),
    (("open.md", None), ("open", 1, 1), ("open", 2, 1)),
    (("hidden.md", {"published": False, "title": "new"}), None, ("hidden", 1, 0)),
    (("hidden.md", {"published": True}), ("hidden", 2, 0), ("hidden", 1, 0)),
    (("hidden.md", None), None, ("hidden", 1, 1)),
    (("new.md", {"published": False}), None, ("new", 3, 0)),
    (("new.md", {}), ("new", 2, 0), ("new", 3, 0)),
]


@pytest.mark.parametrize(("edit", "public", "everyone"), CHANGES)
def test_a_change_advances_the_versions_of_audiences_that_see_it(
    folder: Folder,
    run_ingest: RunIngest,
    db: sqlite3.Connection,
    started: tuple[int, int],
    edit: tuple[str, dict[str, Any] | None],
    public: tuple[str, int, int] | None,
    everyone: tuple[str, int, int],
) -> None:
    path, keys = edit
    if keys is None:
        folder.remove(path)
    else:
        folder.article(path, URL.format(path.removesuffix(".md")), **keys)
    run_ingest()
    expected = [
        (scope, entry[0], started[scope] + 1, entry[1], *entry[1:])
        for scope, entry in enumerate((public, everyone))
        if entry is not None
    ]
    assert changed(db, started) == expected
    assert numbers(db) == [1 + (public is not None), 3, 3]


def test_an_article_that_comes_back_keeps_first_added(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, started: tuple[int, int]
) -> None:
    folder.article("open.md", URL.format("open"), published=False)
    run_ingest()
    folder.article("open.md", URL.format("open"))
    run_ingest()
    assert changed(db, started) == [(0, "open", 3, 1, 3, 0), (1, "open", 4, 2, 2, 0)]


def test_changed_problems_advance_only_the_editors_version(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, started: tuple[int, int]
) -> None:
    folder.write("bad.md", BROKEN)
    run_ingest()
    assert numbers(db) == [1, 2, 3]
    folder.remove("bad.md")
    run_ingest()
    assert numbers(db) == [1, 2, 4]
    assert changed(db, started) == []


def test_a_version_is_never_reused(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, started: tuple[int, int]
) -> None:
    folder.write("bad.md", BROKEN)
    run_ingest()
    folder.article("open.md", URL.format("open"), title="new")
    run_ingest()
    assert [entry[:3] for entry in changed(db, started)] == [(0, "open", 2), (1, "open", 4)]
    assert numbers(db) == [2, 4, 4]


def test_ingested_at_is_the_time_of_the_ingest(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    day = 86_400_000_000_000
    folder.article("hidden.md", published=False)
    run_ingest(now_ns=lambda: 20_000 * day)
    run_ingest(now_ns=lambda: 20_001 * day)
    folder.write("bad.md", BROKEN)
    run_ingest(now_ns=lambda: 20_002 * day)
    assert db.execute("SELECT ingested_at FROM site ORDER BY audience").fetchall() == [
        (None,),
        ("2024-10-04T00:00:00Z",),
        ("2024-10-06T00:00:00Z",),
    ]


def test_totals_are_recorded_for_each_audience(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    provider = {"name": "P", "domain": "p.example"}
    folder.article("a.md", publishedDateTime="2024-01-02", provider=provider, topics=["AI"])
    folder.article("b.md", publishedDateTime="2024-01-01T10:00:00.50Z", published=False, topics=["AI", "Art"])
    folder.article("c.md", publishedDateTime="2024-01-01T12:00:00.5+02:00", published=False)
    run_ingest()
    public = (1, 1, 1, "2024-01-02T00:00:00Z", "2024-01-02T00:00:00Z")
    everyone = (3, 1, 2, "2024-01-01T10:00:00.50Z", "2024-01-02T00:00:00Z")
    assert db.execute(
        "SELECT article_count, provider_count, topic_count, first_published, last_published"
        " FROM site ORDER BY audience"
    ).fetchall() == [public, everyone, everyone]
