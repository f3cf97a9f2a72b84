"""The transactional outbox: consumers, retention, and the rows of a batch."""

import os
import shutil
import sqlite3
import tracemalloc
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from gqlnews.database.sqlite import outbox
from gqlnews.database.sqlite.migrations import migrations
from gqlnews.database.sqlite.outbox import (
    Consumer,
    OutboxPosition,
    Row,
    acknowledge,
    current_position,
    list_consumers,
    read_batches,
    read_changes,
    record_changes,
    register,
    unregister,
)
from gqlnews.database.sqlite.rebuild import rebuild
from gqlnews.database.sqlite.writer import open_writer, transaction
from gqlnews.errors import CopyRequiredError
from tests.ingest.conftest import RunIngest
from tests.ingest.folder import Folder
from tests.ingest.model import run_ingest as ingest_folder

PARENT = "CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT UNIQUE, value ANY) STRICT"
CHILD = (
    "CREATE TABLE child (parent_id INTEGER REFERENCES parent ON DELETE CASCADE, position INTEGER,"
    " PRIMARY KEY (parent_id, position)) STRICT, WITHOUT ROWID"
)

Changes = dict[str, tuple[list[Row], list[Row]]]
"""Present rows and keys of deleted rows, by table."""


@pytest.fixture
def consumed(db: sqlite3.Connection) -> sqlite3.Connection:
    """A store with two tables of its own and the consumer `a`."""
    db.execute(PARENT)
    db.execute(CHILD)
    register(db, "a")
    return db


@contextmanager
def recorded(db: sqlite3.Connection) -> Iterator[None]:
    with transaction(db), record_changes(db):
        yield


def insert(db: sqlite3.Connection, rows: Iterable[Row]) -> None:
    with recorded(db):
        db.executemany("INSERT INTO parent VALUES (?, ?, ?)", rows)


def add(db: sqlite3.Connection, number: int) -> None:
    """Append a batch."""
    insert(db, [(number, f"name {number}", None)])


def large_rows() -> Iterator[Row]:
    """Yield rows with a megabyte in all, which cannot be compressed."""
    return ((number, str(number), os.urandom(1000)) for number in range(1000))


def last_changes(db: sqlite3.Connection) -> Changes:
    """Return the changes of the last batch, in lists, and acknowledge it."""
    *_, batch = read_batches(db, "a")
    found: Changes = {}
    for changes in read_changes(db, "a", batch):
        rows, deleted = found.setdefault(changes.table, ([], []))
        rows += changes.rows
        deleted += changes.deleted
    acknowledge(db, "a", batch.position)
    return found


def sequences(db: sqlite3.Connection) -> list[int]:
    """Return the numbers of the retained batches, relative to the position of the store."""
    last = current_position(db).sequence
    rows = db.execute("SELECT sequence FROM outbox_batch ORDER BY sequence").fetchall()
    assert {(sequence,) for (sequence,) in rows} == set(
        db.execute("SELECT DISTINCT sequence FROM outbox_page").fetchall()
    )
    return [sequence - last for (sequence,) in rows]


# The rows of a batch.


@pytest.mark.parametrize(
    ("statement", "parents", "children"),
    [
        ("INSERT INTO parent VALUES (3, 'c', 3)", ([[3, "c", 3]], []), None),
        ("INSERT OR IGNORE INTO parent VALUES (1, 'z', 0), (3, 'c', 3)", ([[3, "c", 3]], []), None),
        ("UPDATE parent SET value = 5 WHERE id = 2", ([[2, "b", 5]], []), None),
        ("UPDATE OR IGNORE parent SET value = 5 WHERE id = 2", ([[2, "b", 5]], []), None),
        # an update of the key concerns two keys
        ("UPDATE parent SET id = 9 WHERE id = 2", ([[9, "b", 2]], [[2]]), None),
        ("UPDATE child SET position = position - 1", None, ([[1, 0], [1, 1]], [[1, 2]])),
        # REPLACE deletes the row with the same key, and another one with the same name
        ("INSERT OR REPLACE INTO parent VALUES (2, 'x', 0)", ([[2, "x", 0]], []), None),
        ("INSERT OR REPLACE INTO parent VALUES (5, 'b', 0)", ([[5, "b", 0]], [[2]]), None),
        ("UPDATE OR REPLACE parent SET name = 'b' WHERE id = 4", ([[4, "b", 4]], [[2]]), None),
        (
            "INSERT INTO parent VALUES (2, 'x', 0) ON CONFLICT (id) DO UPDATE SET value = 7",
            ([[2, "b", 7]], []),
            None,
        ),
        # a foreign key deletes the children
        ("DELETE FROM parent WHERE id = 1", ([], [[1]]), ([], [[1, 1], [1, 2]])),
        ("DELETE FROM parent", ([], [[1], [2], [4]]), ([], [[1, 1], [1, 2]])),
        ("DELETE FROM child", None, ([], [[1, 1], [1, 2]])),
    ],
)
def test_a_batch_has_the_present_row_or_the_deletion_of_each_changed_key(
    consumed: sqlite3.Connection,
    statement: str,
    parents: tuple[list[Row], list[Row]] | None,
    children: tuple[list[Row], list[Row]] | None,
) -> None:
    with recorded(consumed):
        consumed.execute("INSERT INTO parent VALUES (1, 'a', 1), (2, 'b', 2), (4, 'd', 4)")
        consumed.execute("INSERT INTO child VALUES (1, 1), (1, 2)")
    last_changes(consumed)
    with recorded(consumed):
        consumed.execute(statement)
    expected = {"parent": parents, "child": children}
    assert last_changes(consumed) == {table: rows for table, rows in expected.items() if rows is not None}


def test_a_row_that_changes_repeatedly_is_in_the_batch_once(consumed: sqlite3.Connection) -> None:
    with recorded(consumed):
        for value in range(3):
            consumed.execute("INSERT OR REPLACE INTO parent VALUES (1, 'a', ?)", (value,))
        consumed.execute("INSERT INTO parent VALUES (2, 'b', 0)")
        consumed.execute("DELETE FROM parent WHERE id = 2")
    assert last_changes(consumed) == {"parent": ([[1, "a", 2]], [[2]])}


def test_what_a_savepoint_rolls_back_is_not_in_the_batch(consumed: sqlite3.Connection) -> None:
    with recorded(consumed):
        consumed.execute("INSERT INTO parent VALUES (1, 'a', 1)")
        consumed.execute("SAVEPOINT files")
        consumed.execute("INSERT INTO parent VALUES (2, 'b', 2)")
        consumed.execute("ROLLBACK TO files")
    assert last_changes(consumed) == {"parent": ([[1, "a", 1]], [])}


def test_a_failed_transaction_leaves_nothing_for_the_next_batch(consumed: sqlite3.Connection) -> None:
    for before in (1, 2):  # the first failure also rolls back the triggers
        with pytest.raises(sqlite3.IntegrityError):
            insert(consumed, [(1, "a", 1), (1, "a", 1)])
        insert(consumed, [(before + 1, f"b{before}", 2)])
        assert last_changes(consumed) == {"parent": ([[before + 1, f"b{before}", 2]], [])}


@pytest.mark.parametrize(
    "value",
    [
        *(None, 0, -1, 2**63 - 1, -(2**63), 2**53 + 1),
        *(0.1, 1.0, -0.0, 5e-324, 1.7976931348623157e308, float("inf"), 1 / 3, 2.0**53),
        *("", "a\0b", "\x00", "\ud7ff\ue000\U0010ffff", "e\u0301", "1", "1.0", "[]"),
        *(b"", b"\x00\xff", b"text"),
    ],
)
def test_values_are_exact(consumed: sqlite3.Connection, value: object) -> None:
    insert(consumed, [(1, "a", value)])
    ((_, _, read),) = last_changes(consumed)["parent"][0]
    assert type(read) is type(value)
    assert repr(read) == repr(consumed.execute("SELECT value FROM parent").fetchone()[0])
    assert value is None or read == value


@pytest.mark.parametrize("key", ["", "a\0b", "1", "1.0", "\U0010ffff"])
def test_keys_are_exact(consumed: sqlite3.Connection, key: str) -> None:
    with recorded(consumed):
        consumed.execute("INSERT INTO site_url VALUES (?, 'https://example.com/')", (key,))
    assert last_changes(consumed) == {"site_url": ([[key, "https://example.com/"]], [])}
    with recorded(consumed):
        consumed.execute("DELETE FROM site_url")
    assert last_changes(consumed) == {"site_url": ([], [[key]])}


def test_the_row_of_store_comes_first(consumed: sqlite3.Connection) -> None:
    with recorded(consumed):
        consumed.execute("INSERT INTO parent VALUES (1, 'a', 1)")
        consumed.execute("INSERT INTO article_link SELECT 'x', id FROM article")
        consumed.execute("UPDATE store SET fingerprint = 'new'")
    assert list(last_changes(consumed)) == ["store", "parent"]


def test_every_table_of_the_schema_is_recorded(consumed: sqlite3.Connection) -> None:
    """Except those of the outbox, and those of the full-text indexes."""
    tables = {
        name
        for (name,) in consumed.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'outbox%'"
            " AND name NOT LIKE 'search_public%' AND name NOT LIKE 'search_all%'"
        )
    }
    add(consumed, 1)
    assert {name for (name,) in consumed.execute("SELECT name FROM temp.outbox_table")} == tables
    assert {"article", "search_word", "site", "store", "source", "problem", "article_change"} < tables


def test_a_large_batch_needs_no_memory_for_all_of_its_rows(consumed: sqlite3.Connection) -> None:
    size, count = 2000, 10_000  # 20 MB
    tracemalloc.start()
    try:
        insert(consumed, ((number, str(number), os.urandom(size)) for number in range(count)))
        (batch,) = read_batches(consumed, "a")
        rows = sum(len(changes.rows) for changes in read_changes(consumed, "a", batch))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert rows == batch.rows == count
    assert batch.bytes > count * size
    assert batch.pages > 50
    assert peak < 3_000_000


# An ingest.


def test_without_a_consumer_an_ingest_writes_nothing_and_creates_no_trigger(
    db: sqlite3.Connection, folder: Folder, run_ingest: RunIngest
) -> None:
    folder.article("a.md")
    before = current_position(db)
    run_ingest()
    assert current_position(db) == before
    assert sequences(db) == []
    assert db.execute("SELECT name FROM sqlite_temp_master").fetchall() == []


def test_the_triggers_go_with_the_last_consumer(
    db: sqlite3.Connection, folder: Folder, run_ingest: RunIngest
) -> None:
    register(db, "a")
    folder.article("a.md")
    run_ingest()
    assert db.execute("SELECT count(*) > 0 FROM sqlite_temp_master").fetchone() == (1,)
    unregister(db, "a")
    folder.remove("a.md")
    run_ingest()
    assert db.execute("SELECT name FROM sqlite_temp_master").fetchall() == []
    assert sequences(db) == []


def test_an_ingest_without_changes_appends_no_batch(
    db: sqlite3.Connection, folder: Folder, run_ingest: RunIngest
) -> None:
    register(db, "a")
    folder.article("a.md")
    folder.write("b.md", "no front matter\n")
    run_ingest()
    assert sequences(db) == [0]
    run_ingest()
    run_ingest(paths=["a.md"])
    assert sequences(db) == [0]


# Consumers.


def test_a_registration_is_idempotent(consumed: sqlite3.Connection) -> None:
    first = current_position(consumed)
    assert register(consumed, "a") == first
    add(consumed, 1)
    assert register(consumed, "a") == current_position(consumed) != first
    assert list_consumers(consumed)[0].position == first


def test_a_batch_is_pruned_when_all_consumers_have_acknowledged_it(consumed: sqlite3.Connection) -> None:
    register(consumed, "b")
    for number in range(3):
        add(consumed, number)
    one, two, three = read_batches(consumed, "a")
    acknowledge(consumed, "a", two.position)
    assert sequences(consumed) == [-2, -1, 0]
    acknowledge(consumed, "b", one.position)
    assert sequences(consumed) == [-1, 0]
    assert list_consumers(consumed) == [
        Consumer("a", two.position, 1, three.bytes),
        Consumer("b", one.position, 2, two.bytes + three.bytes),
    ]
    unregister(consumed, "b")
    assert sequences(consumed) == [0]
    unregister(consumed, "a")
    unregister(consumed, "a")
    assert sequences(consumed) == []


def test_an_acknowledgement_never_goes_backwards(consumed: sqlite3.Connection) -> None:
    start = current_position(consumed)
    for number in range(3):
        add(consumed, number)
    one, two, _ = (batch.position for batch in read_batches(consumed, "a"))
    for position in (two, two, one, start):
        acknowledge(consumed, "a", position)
        assert list_consumers(consumed)[0].position == two


def test_a_consumer_continues_at_the_position_of_its_copy(
    consumed: sqlite3.Connection, tmp_path: Path
) -> None:
    add(consumed, 1)
    consumed.execute("VACUUM INTO ?", (str(tmp_path / "copy.db"),))
    add(consumed, 2)
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        position = current_position(copy)
    (batch,) = read_batches(consumed, "a", after=position)
    assert batch.position == current_position(consumed)
    assert list(read_batches(consumed, "a", after=batch.position)) == []


@pytest.mark.parametrize(("name", "limit"), [("MAX_BATCHES", 2), ("MAX_BYTES", 200)])
def test_a_consumer_that_lacks_pruned_batches_has_to_start_from_a_copy(
    consumed: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, name: str, limit: int
) -> None:
    monkeypatch.setattr(outbox, name, limit)
    register(consumed, "b")
    for number in range(8):
        add(consumed, number)
        if number < 7:
            acknowledge(consumed, "b", current_position(consumed))
    assert sequences(consumed) == [0]
    with pytest.raises(CopyRequiredError, match=r"consumer a .* copy"):
        next(read_batches(consumed, "a"))
    with pytest.raises(CopyRequiredError):
        acknowledge(consumed, "a", current_position(consumed))
    assert [consumer.position is None for consumer in list_consumers(consumed)] == [True, False]
    assert len(list(read_batches(consumed, "b"))) == 1
    position = register(consumed, "a")
    add(consumed, 9)
    assert len(list(read_batches(consumed, "a", after=position))) == 1


def test_the_oldest_batches_are_retained_up_to_the_limit(
    consumed: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MAX_BATCHES", 3)
    for number in range(3):
        add(consumed, number)
    assert len(list(read_batches(consumed, "a"))) == 3


def test_a_batch_beyond_the_limit_is_not_stored(
    consumed: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MAX_BYTES", 300_000)
    insert(consumed, large_rows())
    assert sequences(consumed) == []
    assert consumed.execute("SELECT count(*) FROM temp.outbox_key").fetchone() == (0,)
    with pytest.raises(CopyRequiredError):
        next(read_batches(consumed, "a"))


def test_a_consumer_that_is_not_registered_has_to_start_from_a_copy(consumed: sqlite3.Connection) -> None:
    position = current_position(consumed)
    for use in (
        lambda: next(read_batches(consumed, "z", after=position)),
        lambda: acknowledge(consumed, "z", position),
    ):
        with pytest.raises(CopyRequiredError, match=r"consumer z .* not registered"):
            use()


def test_a_batch_that_is_pruned_while_it_is_read_raises(consumed: sqlite3.Connection) -> None:
    insert(consumed, large_rows())
    (batch,) = read_batches(consumed, "a")
    changes = read_changes(consumed, "a", batch)
    next(changes)
    acknowledge(consumed, "a", batch.position)
    with pytest.raises(CopyRequiredError):
        list(changes)


def test_changes_without_a_consumer_end_all_former_positions(consumed: sqlite3.Connection) -> None:
    position = current_position(consumed)
    unregister(consumed, "a")
    add(consumed, 1)
    register(consumed, "a")
    with pytest.raises(CopyRequiredError):
        next(read_batches(consumed, "a", after=position))


def test_a_lost_transaction_is_noticed(consumed: sqlite3.Connection, database: Path, tmp_path: Path) -> None:
    """As after a power failure, or if the database is restored from a backup."""
    add(consumed, 1)
    consumed.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(database, tmp_path / "restored.db")
    add(consumed, 2)
    position = current_position(consumed)
    with closing(open_writer(tmp_path / "restored.db")) as restored:
        with pytest.raises(CopyRequiredError):
            next(read_batches(restored, "a", after=position))
        add(restored, 3)
        assert current_position(restored).sequence == position.sequence
        add(restored, 4)
        with pytest.raises(CopyRequiredError):
            next(read_batches(restored, "a", after=position))
        with pytest.raises(CopyRequiredError):
            acknowledge(restored, "a", OutboxPosition(position.sequence, "other"))


def test_a_migration_makes_all_consumers_start_from_a_copy(
    consumed: sqlite3.Connection, database: Path
) -> None:
    add(consumed, 1)
    newest = max(number for number, _ in migrations())
    known = [*migrations(), (newest + 1, "UPDATE parent SET value = 1;")]
    with closing(open_writer(database, known_migrations=known)) as migrated:
        assert sequences(migrated) == []
        with pytest.raises(CopyRequiredError, match="migrated"):
            next(read_batches(migrated, "a"))
        assert register(migrated, "a") == current_position(migrated)


def test_consumers_of_a_replaced_database_have_to_start_from_a_copy(folder: Folder, tmp_path: Path) -> None:
    database = tmp_path / "replaced.db"
    with closing(open_writer(database)) as db:
        position = register(db, "a")
    rebuild(database, lambda db: ingest_folder(db, folder))
    with closing(open_writer(database)) as db:
        with pytest.raises(CopyRequiredError, match="not registered"):
            next(read_batches(db, "a", after=position))
        register(db, "a")
        with pytest.raises(CopyRequiredError):
            next(read_batches(db, "a", after=position))
