"""A file whose rows cannot be written is skipped with a problem; all others are ingested."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gqlnews.content.models import ParseOptions, ParseResult
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.errors import DamagedDatabaseError
from gqlnews.ingest import pipeline
from gqlnews.ingest.rows import ARTICLE_ROW, FileRows, file_rows
from tests.ingest import dump
from tests.ingest.conftest import RunIngest
from tests.ingest.damaged import damage_root_page
from tests.ingest.folder import Folder

HEAT = ARTICLE_ROW.index("heat")
VALUES = {
    "too large for SQLite": (2**70, "OverflowError: Python int too large"),
    "not UTF-8": ("\udc80", "UnicodeEncodeError: 'utf-8' codec can't encode"),
    "of a type that SQLite does not have": ({}, "type 'dict' is not supported"),
    "of another type than the column": ("warm", "IntegrityError: cannot store TEXT value in INTEGER column"),
}


@pytest.fixture
def spoil(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`spoil(value)` makes the parser return this value in the rows of `bad.md`."""

    def inject(value: object) -> None:
        def spoiled(result: ParseResult) -> FileRows:
            rows = file_rows(result)
            if result.source.path != "bad.md" or rows.article is None:
                return rows
            article = (*rows.article.article[:HEAT], value, *rows.article.article[HEAT + 1 :])
            replaced = msgspec.structs.replace(rows.article, article=article)
            return msgspec.structs.replace(rows, article=replaced)

        monkeypatch.setattr(pipeline, "file_rows", spoiled)

    return inject


def fill(folder: Folder) -> None:
    for name in ("a", "bad", "c"):
        folder.article(f"{name}.md", f"https://example.com/{name}", topics=["T"])


def titles(db: sqlite3.Connection) -> dict[str, str]:
    return dict(db.execute("SELECT slug, title FROM article").fetchall())


def problems(db: sqlite3.Connection) -> list[tuple[str, str, str]]:
    return db.execute("SELECT path, code, message FROM problem").fetchall()


@pytest.mark.parametrize("case", VALUES)
def test_the_first_ingest_skips_it(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, spoil: Any, case: str
) -> None:
    value, error = VALUES[case]
    spoil(value)
    fill(folder)
    assert run_ingest().added == 2
    assert titles(db).keys() == {"a", "c"}
    ((path, code, message),) = problems(db)
    assert (path, code) == ("bad.md", "unreadable")
    assert error in message
    assert message.startswith("gqlnews failed to ingest this file (")
    assert message.endswith("): please report it.")


@pytest.mark.parametrize("case", VALUES)
def test_a_later_ingest_retains_the_previous_version(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, spoil: Any, case: str
) -> None:
    fill(folder)
    run_ingest()
    spoil(VALUES[case][0])
    for name in ("a", "bad"):
        folder.article(f"{name}.md", f"https://example.com/{name}", title="new")
    folder.remove("c.md")
    run_ingest()
    assert titles(db) == {"a": "new", "bad": "T"}
    assert [path for path, _, _ in problems(db)] == ["bad.md"]


def test_it_is_retried_by_the_next_ingest(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, spoil: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(2**70)
    fill(folder)
    run_ingest()
    monkeypatch.setattr(pipeline, "file_rows", file_rows)
    run_ingest()
    assert titles(db).keys() == {"a", "bad", "c"}
    assert problems(db) == []


def test_the_rest_of_the_store_is_that_of_a_folder_without_it(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, spoil: Any, tmp_path: Path
) -> None:
    spoil(2**70)
    fill(folder)
    run_ingest()
    folder.remove("bad.md")
    run_ingest()
    with closing(open_writer(tmp_path / "other.db")) as other:
        pipeline.ingest(other, folder.root, ParseOptions(), processes=1)
        assert dump.content(db) == dump.content(other)


def test_an_error_of_the_database_is_raised(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    fill(folder)
    run_ingest()
    db.execute("CREATE TRIGGER broken BEFORE UPDATE ON article BEGIN SELECT missing(1); END")
    folder.article("a.md", "https://example.com/a", title="new")
    with pytest.raises(sqlite3.OperationalError, match="no such function"):
        run_ingest()
    assert titles(db) == {"a": "T", "bad": "T", "c": "T"}
    assert problems(db) == []


def test_in_a_damaged_database_no_file_is_blamed(folder: Folder, database: Path, spoil: Any) -> None:
    """A constraint may fail because an index is damaged."""
    folder.article("a.md")
    with closing(open_writer(database)) as db:
        pipeline.ingest(db, folder.root, ParseOptions(), processes=1)
    damage_root_page("article_newest_public")(database)
    spoil("warm")
    folder.article("bad.md")
    with closing(open_writer(database)) as db:
        with pytest.raises(DamagedDatabaseError):
            pipeline.ingest(db, folder.root, ParseOptions(), processes=1, paths=["bad.md"])
        assert problems(db) == []
