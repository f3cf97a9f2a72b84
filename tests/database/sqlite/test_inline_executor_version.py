"""The version of each audience, reported without a reader."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gqlnews.database.sqlite.inline_executor import InlineExecutor
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.errors import DatabaseError
from gqlnews.query.entities import Audience
from tests.product import run_ingest
from tests.server.support import write_articles


@pytest.fixture
def content(tmp_path: Path) -> Path:
    return write_articles(tmp_path / "content")


@pytest.fixture
def revision(database: Path, content: Path) -> Iterator[InlineExecutor]:
    run_ingest(content, database)
    revision = InlineExecutor()
    revision.open(database)
    yield revision
    revision.close()


def versions(revision: InlineExecutor) -> list[bytes | None]:
    return [revision.version(audience) for audience in Audience]


def test_the_version_equals_that_of_the_site_table(revision: InlineExecutor, database: Path) -> None:
    with closing(open_writer(database)) as db:
        stored = db.execute("SELECT version FROM site ORDER BY audience").fetchall()
    assert versions(revision) == [version.encode() for (version,) in stored]


def test_a_change_is_visible_immediately_to_its_audiences(
    revision: InlineExecutor, database: Path, content: Path
) -> None:
    before = versions(revision)
    (content / "unpublished.md").write_text("---\ntitle: A\npublishedDateTime: 2021\npublished: false\n---\n")
    run_ingest(content, database)
    after = versions(revision)
    assert before[Audience.PUBLIC] == after[Audience.PUBLIC]
    assert before[Audience.EDITOR] != after[Audience.EDITOR]


def test_an_ingest_without_changes_keeps_the_versions(
    revision: InlineExecutor, database: Path, content: Path
) -> None:
    before = versions(revision)
    run_ingest(content, database)
    assert versions(revision) == before


def test_a_locked_database_has_no_version_and_does_not_block(database: Path, content: Path) -> None:
    run_ingest(content, database)
    revision = InlineExecutor()
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


def test_a_missing_database_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError):
        InlineExecutor().open(tmp_path / "none.db")
