"""Statements that the loop runs itself: only what has proved to be quick, and never for long."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gqlnews.store.connection import Statements
from gqlnews.store.database import open_writer
from gqlnews.store.near import PROVED, QUICK, RARELY, Near
from gqlnews.store.readers import Readers

COUNT = (
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?)"
    " SELECT CAST(max(i) AS TEXT) FROM n"
)
FEW, MANY = 10, 20_000_000  # rows: microseconds, and more than a second


def counting(rows: int) -> Statements:
    return [(COUNT, (rows,))]


@pytest.fixture
def near(database: Path) -> Iterator[Near]:
    open_writer(database).close()
    near = Near()
    near.open(database)
    yield near
    near.close()


def proved(near: Near, seconds: float = 0.0) -> Near:
    for _ in range(PROVED):
        near.learn(counting(FEW), seconds)
    return near


def test_what_is_not_known_goes_to_a_thread(near: Near) -> None:
    assert near.read(counting(FEW)) is None
    for _ in range(PROVED - 1):
        near.learn(counting(FEW), 0.0)
        assert near.read(counting(FEW)) is None


def test_what_has_proved_quick_is_run(near: Near) -> None:
    assert proved(near).read(counting(FEW)) == [b"10"]
    assert near.read([*counting(2), *counting(3)]) == [b"2", b"3"]


def test_what_has_proved_slow_goes_to_a_thread(near: Near) -> None:
    assert proved(near, QUICK * 2).read(counting(FEW)) is None


def test_one_statement_that_is_not_known_takes_all_to_the_thread(near: Near) -> None:
    assert proved(near).read([*counting(FEW), ("SELECT '1'", ())]) is None


def test_what_takes_long_for_once_is_stopped(near: Near) -> None:
    proved(near)
    assert near.read(counting(MANY)) is None  # else it would have its answer
    assert near.read(counting(FEW)) is None  # it has proved to be slow too often
    for _ in range(RARELY):
        near.learn(counting(FEW), 0.0)
    assert near.read(counting(FEW)) == [b"10"]


def test_what_is_stopped_leaves_no_transaction_open(near: Near) -> None:
    proved(near)
    assert near.read([*counting(FEW), *counting(MANY)]) is None
    for _ in range(3 * RARELY):
        near.learn(counting(FEW), 0.0)
    assert near.read([*counting(FEW), *counting(FEW)]) == [b"10", b"10"]


def test_what_is_wrong_is_left_to_a_thread(near: Near) -> None:
    wrong: Statements = [("SELECT nothing", ())]
    for _ in range(PROVED):
        near.learn(wrong, 0.0)
    assert near.read(wrong) is None


def test_it_never_waits_for_another(near: Near, database: Path) -> None:
    proved(near)
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO topic VALUES (0, 'a', 'x', 'A')")
    assert near.read(counting(FEW)) == [b"10"]
    other.execute("ROLLBACK")
    other.close()


def test_a_closed_one_reads_nothing(near: Near) -> None:
    proved(near).close()
    assert near.read(counting(FEW)) is None


@asynccontextmanager
async def pool(database: Path) -> AsyncIterator[Readers]:
    open_writer(database).close()
    readers = Readers()
    await readers.open(database, 1)
    try:
        yield readers
    finally:
        await readers.close()


def test_the_pool_answers_the_same_wherever_it_runs(database: Path) -> None:
    async def answers() -> list[list[bytes | None]]:
        async with pool(database) as readers:
            return [await readers.read(counting(FEW)) for _ in range(3 * PROVED)]

    assert asyncio.run(answers()) == [[b"10"]] * 3 * PROVED


def test_a_failure_is_told_as_by_a_thread(database: Path) -> None:
    async def fail() -> None:
        async with pool(database) as readers:
            readers._near.learn([("SELECT nothing", ())], 0.0)
            for _ in range(2 * PROVED):
                with pytest.raises(sqlite3.OperationalError, match="nothing"):
                    await readers.read([("SELECT nothing", ())])

    asyncio.run(fail())


def test_a_search_always_goes_to_a_thread(near: Near) -> None:
    search: Statements = [("SELECT count(*) FROM search_all WHERE search_all MATCH ?", ("a",))]
    for _ in range(PROVED):
        near.learn(search, 0.0)
    assert near.read(search) is None
