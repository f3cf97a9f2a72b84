"""Coalescing of identical queued statements, over a real file."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from gqlnews.database.sqlite.connection import connect_to_read
from gqlnews.database.sqlite.read_worker import ENTRY_OVERHEAD, ResultCoalescer
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.errors import ResourceLimitError

COUNT = ("SELECT CAST(count(*) AS TEXT) FROM topic", ())
COUNT_TOO = ("SELECT CAST(count(*) AS TEXT) FROM topic WHERE true", ())
WIDE = "SELECT hex(zeroblob(?))"
BEFORE = 0.0  # queued before any statement ran


@pytest.fixture
def writer(database: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_writer(database)) as db:
        yield db


@pytest.fixture
def reader(writer: sqlite3.Connection, database: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect_to_read(database, max_bytes=6_000)) as db:
        yield db


@pytest.mark.parametrize("step", ["BEGIN", "PRAGMA data_version", COUNT_TOO[0], "ROLLBACK"])
def test_a_change_at_any_step_is_in_all_results_or_none(
    writer: sqlite3.Connection, reader: sqlite3.Connection, step: str
) -> None:
    def write(sql: str) -> None:
        if sql == step:
            writer.execute("INSERT INTO topic VALUES (0, 'a', 'x', 'A')")
            reader.set_trace_callback(None)

    recent = ResultCoalescer()
    recent.run(reader, [COUNT], BEFORE)
    reader.set_trace_callback(write)
    (first, last), _ = recent.run(reader, [COUNT, COUNT_TOO], BEFORE)
    assert first == last
    assert recent.run(reader, [COUNT, COUNT_TOO], BEFORE)[0] == [b"1", b"1"]


def test_other_parameters_are_not_coalesced(reader: sqlite3.Connection) -> None:
    recent, sql = ResultCoalescer(), "SELECT CAST(? AS TEXT)"
    for bound in (1, 1.0, "1.0", "1", None, 2**53, 2**53 + 1, float(2**53), "None"):
        expected = [reader.execute(sql, (bound,)).fetchone()[0]]
        assert recent.run(reader, [(sql, (bound,))], BEFORE) == (expected, 0)
        assert recent.run(reader, [(sql, (bound,))], BEFORE) == (expected, 1)


def test_results_for_long_parameters_are_not_cached(reader: sqlite3.Connection) -> None:
    recent, long = (
        ResultCoalescer(),
        ("SELECT CAST(length(?) + length(?) AS TEXT)", ("x" * 3_000, "y" * 2_000)),
    )
    for _ in range(2):
        assert recent.run(reader, [long, long], BEFORE) == ([b"5000", b"5000"], 0)


def test_a_result_older_than_the_request_is_not_reused(reader: sqlite3.Connection) -> None:
    recent = ResultCoalescer()
    recent.run(reader, [COUNT], BEFORE)
    assert recent.run(reader, [COUNT], time.monotonic()) == ([b"0"], 0)


def test_an_interruption_in_a_batch_leaves_no_transaction_open(reader: sqlite3.Connection) -> None:
    """At any step of SQLite's virtual machine, including those of BEGIN."""
    recent = ResultCoalescer()
    for steps in range(1, 40):
        reader.set_progress_handler(lambda: True, steps)
        with suppress(sqlite3.OperationalError):
            recent.run(reader, [COUNT, COUNT_TOO], BEFORE)
        reader.set_progress_handler(None, 0)
        assert not reader.in_transaction
        assert recent.run(reader, [COUNT], BEFORE)[0] == [b"0"]


def test_coalesced_results_count_toward_the_size_limit(reader: sqlite3.Connection) -> None:
    recent, one, other = ResultCoalescer(), (WIDE, (2_000,)), (WIDE, (1_800,))
    recent.run(reader, [one], BEFORE)
    recent.run(reader, [other], BEFORE)
    with pytest.raises(ResourceLimitError, match="larger than 6,000 bytes"):
        recent.run(reader, [one, other], BEFORE)
    assert not reader.in_transaction


def test_the_result_cache_is_bounded(reader: sqlite3.Connection) -> None:
    recent = ResultCoalescer(max_bytes=10 * (ENTRY_OVERHEAD + 500))
    for number in range(50):
        recent.run(reader, [(WIDE, (200 + number,))], BEFORE)
    assert 1 < len(recent) < 10
    recent.clear()
    assert len(recent) == 0
