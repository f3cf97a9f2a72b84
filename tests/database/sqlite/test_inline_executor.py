"""Statements that run inline on the event loop within a budget."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gqlnews.database.protocol import Statements
from gqlnews.database.sqlite import inline_executor
from gqlnews.database.sqlite.inline_executor import (
    BUDGET_SECONDS,
    BUDGET_STEPS,
    FIRST_BACKOFF,
    MAX_BACKOFF,
    MAX_SECONDS,
    MIN_SAMPLES,
    InlineExecutor,
)
from gqlnews.database.sqlite.read_pool import ReadPool
from gqlnews.database.sqlite.writer import open_writer

COUNT = (
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?)"
    " SELECT CAST(max(i) AS TEXT) FROM n"
)
FEW, MANY = 10, 20_000_000  # rows: microseconds, and more than a second


def counting(rows: int) -> Statements:
    return [(COUNT, (rows,))]


@pytest.fixture
def inline(database: Path) -> Iterator[InlineExecutor]:
    open_writer(database).close()
    inline = InlineExecutor()
    inline.open(database)
    yield inline
    inline.close()


def skipped(inline: InlineExecutor, statements: Statements) -> int:
    """Count the requests that go to a thread before one runs on the loop."""
    return next(count for count in range(MAX_BACKOFF + 2) if inline.try_execute(statements) is not None)


def test_a_statement_is_tried_from_its_first_request_on(inline: InlineExecutor) -> None:
    assert inline.try_execute(counting(FEW)) == [b"10"]
    assert inline.try_execute([*counting(2), *counting(3)]) == [b"2", b"3"]


def test_a_statement_over_its_budget_is_interrupted(inline: InlineExecutor) -> None:
    start = time.thread_time()
    assert inline.try_execute(counting(MANY)) is None
    interrupted = time.thread_time() - start
    connection = sqlite3.connect(":memory:")
    start = time.thread_time()
    connection.execute(*counting(MANY // 100)[0]).fetchone()
    assert interrupted < time.thread_time() - start
    connection.close()


def test_the_budget_counts_instructions(inline: InlineExecutor) -> None:
    """A budget of steps makes the decision independent of the machine and its load."""
    within, beyond = 0, BUDGET_STEPS
    while beyond - within > 1:  # rows
        rows = (within + beyond) // 2
        fits = fresh(inline).try_execute(counting(rows)) is not None
        within, beyond = (rows, beyond) if fits else (within, rows)
    assert BUDGET_STEPS / 20 < within < BUDGET_STEPS / 5  # about ten instructions per row


def fresh(inline: InlineExecutor) -> InlineExecutor:
    inline._stats.clear()
    return inline


class Clock:
    """A CPU clock that advances by `seconds` each time it is read, which is once per check."""

    def __init__(self) -> None:
        self.seconds = self._now = 0.0

    def thread_time(self) -> float:
        self._now += self.seconds
        return self._now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(inline_executor, "time", clock)
    return clock


SEVERAL = 500  # rows: some 9,000 instructions, four or five checks
QUICK, INFLATED = (
    BUDGET_SECONDS / 10,
    BUDGET_SECONDS / 2,
)  # between two checks


def test_slow_instructions_are_interrupted(inline: InlineExecutor, clock: Clock) -> None:
    clock.seconds = INFLATED
    assert inline.try_execute(counting(SEVERAL)) is None


def test_work_on_the_same_core_does_not_change_the_decision(inline: InlineExecutor, clock: Clock) -> None:
    clock.seconds = QUICK
    assert inline.try_execute(counting(SEVERAL)) is not None
    clock.seconds = INFLATED
    assert all(inline.try_execute(counting(SEVERAL)) is not None for _ in range(100))
    clock.seconds = MAX_SECONDS
    assert inline.try_execute(counting(SEVERAL)) is None


def test_one_quick_run_among_inflated_ones_suffices(inline: InlineExecutor, clock: Clock) -> None:
    clock.seconds = INFLATED
    for _ in range(100):
        inline.try_execute(counting(SEVERAL))
    clock.seconds = QUICK
    assert skipped(inline, counting(SEVERAL)) <= MAX_BACKOFF
    clock.seconds = INFLATED
    assert all(inline.try_execute(counting(SEVERAL)) is not None for _ in range(100))


def test_instructions_that_stay_slow_are_interrupted(
    inline: InlineExecutor, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inline_executor, "STEP_SECONDS_GROWTH", 1.01)
    clock.seconds = QUICK
    assert inline.try_execute(counting(SEVERAL)) is not None
    clock.seconds = INFLATED
    assert None in [inline.try_execute(counting(SEVERAL)) for _ in range(100)]


def test_interruptions_back_off_exponentially(
    inline: InlineExecutor,
) -> None:
    waited = []
    for _ in range(10):
        assert inline.try_execute(counting(MANY)) is None
        waited.append(skipped_by_interruption(inline))
    assert waited == sorted(waited)
    assert (waited[0], waited[-1]) == (FIRST_BACKOFF, MAX_BACKOFF)


def skipped_by_interruption(inline: InlineExecutor) -> int:
    """Make as many requests as are skipped now, and return their number."""
    (stats,) = inline._stats.values()
    count = stats.skips
    for _ in range(count):
        assert inline.try_execute(counting(FEW)) is None
    return count


def test_the_decision_follows_a_statement_that_becomes_cheap(inline: InlineExecutor) -> None:
    for _ in range(3 * MAX_BACKOFF):
        assert inline.try_execute(counting(MANY)) is None
    assert skipped(inline, counting(FEW)) <= MAX_BACKOFF
    assert [inline.try_execute(counting(FEW)) for _ in range(100)] == [[b"10"]] * 100


def test_a_single_interruption_is_soon_retried(inline: InlineExecutor) -> None:
    for _ in range(20):
        assert inline.try_execute(counting(MANY)) is None
        assert skipped(inline, counting(FEW)) == FIRST_BACKOFF
        for _ in range(5):
            assert inline.try_execute(counting(FEW)) == [b"10"]


def test_an_interruption_leaves_no_transaction_open(inline: InlineExecutor) -> None:
    batch = [*counting(FEW), *counting(MANY)]
    assert inline.try_execute(batch) is None
    assert skipped(inline, [*counting(FEW), *counting(FEW)]) == FIRST_BACKOFF


def test_statistics_are_kept_per_batch(inline: InlineExecutor) -> None:
    for _ in range(10):
        assert inline.try_execute([*counting(FEW), *counting(MANY)]) is None
        assert inline.try_execute(counting(FEW)) == [b"10"]


def test_errors_are_left_to_a_thread(inline: InlineExecutor) -> None:
    for _ in range(3):
        assert inline.try_execute([("SELECT nothing", ())]) is None


def test_it_never_waits_for_a_lock(inline: InlineExecutor, database: Path) -> None:
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO topic VALUES (0, 'a', 'x', 'A', 0)")
    assert inline.try_execute(counting(FEW)) == [b"10"]
    other.execute("ROLLBACK")
    other.close()


def test_a_closed_executor_runs_no_statement(inline: InlineExecutor) -> None:
    inline.close()
    assert inline.try_execute(counting(FEW)) is None


def test_cpu_time_is_known_after_some_runs_and_adapts(inline: InlineExecutor) -> None:
    for _ in range(MIN_SAMPLES):
        assert inline.cpu_seconds(counting(FEW)) is None
        inline.record(counting(FEW), 0.2)
    assert inline.cpu_seconds(counting(FEW)) == pytest.approx(0.2)
    for _ in range(100):
        inline.record(counting(FEW), 0.01)
    assert inline.cpu_seconds(counting(FEW)) == pytest.approx(0.01)


@asynccontextmanager
async def pool(database: Path) -> AsyncIterator[ReadPool]:
    open_writer(database).close()
    readers = ReadPool()
    await readers.open(database, 1)
    try:
        yield readers
    finally:
        await readers.close()


def test_the_pool_returns_the_same_inline_and_on_threads(database: Path) -> None:
    async def answers() -> list[list[bytes | None]]:
        async with pool(database) as readers:
            return [await readers.execute_batch(counting(rows)) for rows in (FEW, MANY // 1_000) * 20]

    assert asyncio.run(answers()) == [[b"10"], [b"20000"]] * 20


def test_a_failure_is_reported_as_by_a_thread(database: Path) -> None:
    async def fail() -> None:
        async with pool(database) as readers:
            for _ in range(6):
                with pytest.raises(sqlite3.OperationalError, match="nothing"):
                    await readers.execute_batch([("SELECT nothing", ())])

    asyncio.run(fail())


def test_a_search_always_goes_to_a_thread(inline: InlineExecutor) -> None:
    search: Statements = [("SELECT count(*) FROM search_all WHERE search_all MATCH ?", ("a",))]
    assert inline.try_execute(search) is None
