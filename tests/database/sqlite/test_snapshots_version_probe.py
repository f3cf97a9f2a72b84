"""The version of each audience, reported without a reader."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gqlnews.database.sqlite.snapshots import VersionProbe
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.errors import DatabaseError
from gqlnews.query.fields import Audience
from tests.product import take_in
from tests.server.support import write_articles


@pytest.fixture
def content(tmp_path: Path) -> Path:
    return write_articles(tmp_path / "content")


@pytest.fixture
def revision(database: Path, content: Path) -> Iterator[VersionProbe]:
    take_in(content, database)
    revision = VersionProbe()
    revision.open(database)
    yield revision
    revision.close()


def versions(revision: VersionProbe) -> list[bytes | None]:
    return [revision.version(audience) for audience in Audience]


def test_it_tells_what_the_site_tells(revision: VersionProbe, database: Path) -> None:
    with closing(open_writer(database)) as db:
        stored = db.execute("SELECT version FROM site ORDER BY audience").fetchall()
    assert versions(revision) == [version.encode() for (version,) in stored]


def test_a_change_shows_at_once_to_who_may_see_it(
    revision: VersionProbe, database: Path, content: Path
) -> None:
    before = versions(revision)
    (content / "unpublished.md").write_text("---\ntitle: A\npublishedDateTime: 2021\npublished: false\n---\n")
    take_in(content, database)
    after = versions(revision)
    assert before[Audience.PUBLIC] == after[Audience.PUBLIC]
    assert before[Audience.EDITOR] != after[Audience.EDITOR]


def test_an_ingest_that_finds_nothing_new_changes_no_version(
    revision: VersionProbe, database: Path, content: Path
) -> None:
    before = versions(revision)
    take_in(content, database)
    assert versions(revision) == before


def test_a_database_that_another_keeps_to_itself_tells_nothing_and_waits_for_nobody(
    database: Path, content: Path
) -> None:
    take_in(content, database)
    revision = VersionProbe()
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = DELETE").fetchone()
        revision.open(database)
        assert None not in versions(revision)
        other.execute("BEGIN EXCLUSIVE")
        assert versions(revision) == [None, None, None]
        other.execute("ROLLBACK")
        assert None not in versions(revision)
    revision.close()
    assert versions(revision) == [None, None, None]


def test_a_database_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError):
        VersionProbe().open(tmp_path / "none.db")
