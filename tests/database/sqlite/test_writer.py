"""Opening the writer's database."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from gqlnews.database.sqlite.damage import APPLICATION_ID
from gqlnews.database.sqlite.migrations import migrations, statements
from gqlnews.database.sqlite.writer import PAGE_BYTES, open_writer
from gqlnews.errors import DatabaseError, LockedDatabaseError, NewerDatabaseError, UnknownDatabaseError


def pragma(db: sqlite3.Connection, name: str) -> object:
    return db.execute(f"PRAGMA {name}").fetchone()[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("journal_mode", "wal"),
        ("foreign_keys", 1),
        ("page_size", PAGE_BYTES),
        ("application_id", APPLICATION_ID),
        ("user_version", max(version for version, _ in migrations())),
    ],
)
def test_a_new_database_is_set_up(db: sqlite3.Connection, name: str, value: object) -> None:
    assert pragma(db, name) == value


def test_every_table_is_strict(db: sqlite3.Connection) -> None:
    loose = db.execute(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT strict"
    ).fetchall()
    assert loose == [("sqlite_schema",)]


def test_an_audience_starts_at_version_0_of_its_epoch(db: sqlite3.Connection) -> None:
    (line,) = db.execute("SELECT line FROM store").fetchone()
    assert [row for (row,) in db.execute("SELECT version FROM site ORDER BY audience")] == [
        f"{line}{scope}-0" for scope in (0, 1, 1)
    ]


def test_the_parent_folder_is_created(tmp_path: Path) -> None:
    open_writer(tmp_path / "a" / "b" / "store.db").close()
    assert (tmp_path / "a" / "b" / "store.db").exists()


def line_of(path: Path) -> str:
    db = open_writer(path)
    try:
        return str(db.execute("SELECT line FROM store").fetchone()[0])
    finally:
        db.close()


def test_a_store_keeps_its_unique_epoch(tmp_path: Path) -> None:
    first = line_of(tmp_path / "one.db")
    assert line_of(tmp_path / "one.db") == first
    assert line_of(tmp_path / "two.db") != first


def test_concurrent_creation_gives_one_store(database: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(line_of, [database] * 8))) == 1


def refusal(path: Path, kind: type[DatabaseError], **options: float) -> str:
    """Return the message of the error that opening raises. It is a single line that names the file."""
    with pytest.raises(DatabaseError) as caught:
        open_writer(path, **options)  # type: ignore[arg-type]
    assert type(caught.value) is kind
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("content", [b"# Notes\n" * 200, bytes(4096), b"SQLite format 3\x00" + b"x" * 4000])
def test_a_file_that_is_no_database_is_rejected_untouched(database: Path, content: bytes) -> None:
    database.write_bytes(content)
    assert "--db" in refusal(database, UnknownDatabaseError)
    assert database.read_bytes() == content


@pytest.mark.parametrize(
    "script",
    ["CREATE TABLE theirs (x)", "PRAGMA application_id = 7", "PRAGMA user_version = 3"],
)
def test_a_database_of_another_application_is_rejected_untouched(database: Path, script: str) -> None:
    theirs = sqlite3.connect(database)
    theirs.execute(script)
    theirs.close()
    before = database.read_bytes()
    refusal(database, UnknownDatabaseError)
    assert database.read_bytes() == before


def test_a_database_of_a_newer_program_is_rejected(database: Path) -> None:
    newer = [*migrations(), (9000, "CREATE TABLE later (x INTEGER) STRICT;")]
    open_writer(database, known_migrations=newer).close()
    assert "9000" in refusal(database, NewerDatabaseError)


def test_an_older_database_is_migrated_in_place(database: Path) -> None:
    line = line_of(database)
    newer = [*migrations(), (9000, "CREATE TABLE later (x INTEGER) STRICT; INSERT INTO later VALUES (5);")]
    db = open_writer(database, known_migrations=newer)
    found = db.execute("SELECT line, x, (SELECT count(*) FROM site) FROM store, later").fetchone()
    assert found == (line, 5, 3)
    db.close()


def test_a_failed_migration_keeps_the_earlier_version(database: Path) -> None:
    open_writer(database).close()
    with pytest.raises(sqlite3.OperationalError, match="no such table: missing"):
        open_writer(
            database, known_migrations=[*migrations(), (9000, "CREATE TABLE half (x);\nDROP TABLE missing;")]
        )
    db = open_writer(database)
    assert db.execute("SELECT name FROM sqlite_master WHERE name = 'half'").fetchall() == []
    db.close()


def indexes(db: sqlite3.Connection) -> dict[str, str]:
    return dict(db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"))


def test_a_covering_index_of_other_columns_is_created_again(database: Path) -> None:
    with closing(open_writer(database)) as db:
        expected = indexes(db)
        db.execute("DROP INDEX article_newest")
        db.execute("CREATE INDEX article_newest ON article (published_at DESC, slug)")
        db.execute("DROP INDEX article_topic_newest_public")
    with closing(open_writer(database)) as db:
        assert indexes(db) == expected


def test_covering_indexes_are_created_once(database: Path) -> None:
    open_writer(database).close()
    with closing(open_writer(database)) as db:
        version = pragma(db, "schema_version")
    with closing(open_writer(database)) as db:
        assert pragma(db, "schema_version") == version


def test_an_incomplete_statement_in_a_migration_is_an_error() -> None:
    with pytest.raises(ValueError, match="CREATE TABLE half"):
        list(statements("CREATE TABLE whole (x);\nCREATE TABLE half (x"))


def test_a_locked_database_is_rejected_after_the_timeout(database: Path) -> None:
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    refusal(database, LockedDatabaseError, busy_timeout=0.05)
    other.close()


@pytest.fixture
def read_by_another(database: Path) -> Iterator[sqlite3.Connection]:
    """Another connection that reads the database, which is not in WAL mode yet."""
    open_writer(database).close()
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("PRAGMA journal_mode = DELETE")
    other.execute("BEGIN")
    other.execute("SELECT * FROM store").fetchall()
    yield other
    other.close()


def test_it_waits_for_a_reader_of_the_database(database: Path, read_by_another: sqlite3.Connection) -> None:
    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(line_of, database)
        read_by_another.execute("ROLLBACK")
        assert opening.result()


def test_a_database_read_for_long_is_rejected(database: Path, read_by_another: sqlite3.Connection) -> None:
    assert read_by_another.in_transaction
    refusal(database, LockedDatabaseError, busy_timeout=0.05)


def test_a_folder_at_the_path_is_rejected(tmp_path: Path) -> None:
    refusal(tmp_path, DatabaseError)


def test_a_file_as_parent_folder_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refusal(tmp_path / "file" / "store.db", DatabaseError)


def test_a_path_without_wal_support_is_rejected() -> None:
    with pytest.raises(DatabaseError, match="journal mode memory"):
        open_writer(Path(":memory:"))
