"""The read pool, over a real file."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from gqlnews.config.settings import UNLIMITED, Limits
from gqlnews.database.job_queue import SHORT_SECONDS, JobQueue, client_var, expected_seconds_var
from gqlnews.database.protocol import Statements
from gqlnews.database.sqlite.inline_executor import MIN_SAMPLES
from gqlnews.database.sqlite.read_pool import DELIVERY_BYTES, ReadPool
from gqlnews.database.sqlite.read_worker import ReadWorker
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.errors import DatabaseError, OverloadedError, UnknownDatabaseError

LINE: Statements = [("SELECT line FROM store", ())]
COUNT = ("SELECT CAST(count(*) AS TEXT) FROM topic", ())
COUNT_TOO = ("SELECT CAST(count(*) AS TEXT) FROM topic WHERE true", ())
NOTHING = ("SELECT NULL", ())
ONE = ("SELECT '1'", ())
NUMBERS = (
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n{}) SELECT CAST(max(i) AS TEXT) FROM n"
)
ENDLESS: Statements = [(NUMBERS.format(""), ())]
SLOW = (NUMBERS.format(" LIMIT 3000000"), ())
SLOW_TOO = (NUMBERS.format(" LIMIT 3000001"), ())
MIDDLING = (NUMBERS.format(" LIMIT 3000"), ())  # some milliseconds, also on a slow machine
pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_inline_execution")]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _made(database: Path) -> None:
    open_writer(database).close()


@asynccontextmanager
async def pool(database: Path, count: int = 2, limits: Limits = UNLIMITED) -> AsyncIterator[ReadPool]:
    readers = ReadPool(limits)
    await readers.open(database, count)
    try:
        yield readers
    finally:
        await readers.close()


def started(readers: ReadPool, statements: Statements, count: int) -> list[asyncio.Task[list[bytes | None]]]:
    return [asyncio.create_task(readers.execute_batch(statements)) for _ in range(count)]


def asking(
    readers: ReadPool, statements: Statements, address: str, expected: float | None
) -> asyncio.Task[list[bytes | None]]:
    """Start a call for a client address with an expected duration in seconds."""

    async def ask() -> list[bytes | None]:
        client_var.set(address)
        expected_seconds_var.set(expected)
        return await readers.execute_batch(statements)

    return asyncio.create_task(ask())


async def test_each_statement_returns_the_bytes_of_its_value(database: Path) -> None:
    async with pool(database) as readers:
        answers = await readers.execute_batch(
            [
                ("SELECT json_object('a', ?)", (1,)),
                ("SELECT json_object('b', ?2, 'c', ?1)", ("ü", None)),
                ("SELECT NULL", ()),
                ("SELECT line FROM store WHERE line = ?", ("none such",)),
            ]
        )
    assert answers == [b'{"a":1}', '{"b":null,"c":"ü"}'.encode(), None, None]


async def test_all_statements_of_a_request_see_the_same_content(database: Path) -> None:
    writer = open_writer(database)
    async with pool(database) as readers:
        slow_runs = await statement_started(readers, "RECURSIVE")
        reading = asyncio.create_task(readers.execute_batch([COUNT, SLOW, COUNT]))
        await slow_runs.wait()
        writer.execute("INSERT INTO topic VALUES (0, 'a', 'x', 'A', 0)")
        first, _, last = await reading
        assert first == last
        assert await readers.execute_batch([COUNT]) == [b"1"]
    writer.close()


async def test_it_cannot_write(database: Path) -> None:
    async with pool(database) as readers:
        with pytest.raises(DatabaseError, match="cannot be written"):
            await readers.execute_batch([("DELETE FROM store", ())])


async def test_an_invalid_statement_raises_and_the_pool_stays_usable(database: Path) -> None:
    async with pool(database, count=1) as readers:
        for statements in ([("SELECT nothing", ())], [*LINE, ("SELECT nothing", ())], [("SELECT ?", ())]):
            with pytest.raises(sqlite3.Error):
                await readers.execute_batch(statements)
        assert await readers.execute_batch(LINE) != [None]


async def test_queued_requests_are_served_in_order_of_arrival(database: Path) -> None:
    served: list[int] = []

    async def read(number: int) -> None:
        await readers.execute_batch(LINE)
        served.append(number)

    async with pool(database, count=1) as readers:
        await asyncio.gather(*(read(number) for number in range(20)))
    assert served == list(range(20))


async def test_queued_reads_share_one_thread_dispatch(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatches: list[None] = []
    work = ReadWorker.work

    def counted(reader: ReadWorker, *arguments: Any) -> "asyncio.Future[None]":
        dispatches.append(None)
        return work(reader, *arguments)

    monkeypatch.setattr(ReadWorker, "work", counted)
    async with pool(database, count=1) as readers:
        await asyncio.gather(*started(readers, LINE, 50))
        assert len(dispatches) < 5
        await readers.execute_batch(LINE)
        await asyncio.sleep(0)
        assert len(dispatches) < 7


async def test_a_failure_is_not_cached(database: Path) -> None:
    async with pool(database, count=1) as readers:
        ends = await ended(started(readers, [COUNT, ("SELECT wrong", ())], 10))
        assert [str(end) for end in ends] == ["no such column: wrong"] * 10
        assert await readers.execute_batch([COUNT]) == [b"0"]


async def test_other_requests_are_served_while_a_statement_runs(database: Path) -> None:
    async with pool(database) as readers:
        running = await statement_started(readers, "RECURSIVE")
        (slow,) = started(readers, ENDLESS, 1)
        await running.wait()
        async with asyncio.timeout(10):
            for _ in range(20):
                await asyncio.gather(*(asking(readers, LINE, "", 0.0) for _ in range(10)))
        assert not slow.done()
        slow.cancel()
        await ended([slow])


async def test_the_reserved_reader_runs_only_short_jobs(database: Path) -> None:
    async with pool(database) as readers:
        running = await statement_started(readers, "RECURSIVE")
        dear = [asking(readers, ENDLESS, str(number), known) for number, known in enumerate((5.0, None, 1.0))]
        await running.wait()
        async with asyncio.timeout(10):
            for number in range(20):
                assert await asking(readers, [(f"SELECT '{number}'", ())], "other", SHORT_SECONDS)
        assert not any(one.done() for one in dear)
        assert [reader.current for reader in readers._readers if reader.reserved] == [None]
        for one in dear:
            one.cancel()
        await ended(dear)


async def test_large_results_are_delivered_over_several_turns(database: Path) -> None:
    """The receiver copies and writes each result, so other tasks must run in between."""
    large: Statements = [("SELECT CAST(zeroblob(?) AS TEXT)", (DELIVERY_BYTES + 1,))]
    async with pool(database) as readers:
        asking = [asyncio.create_task(readers.execute_batch(large)) for _ in range(5)]
        turns = []
        while not all(task.done() for task in asking):
            await asyncio.sleep(0)
            turns.append(sum(task.done() for task in asking))
        assert (
            max(after - before for before, after in pairwise([0, *turns])) <= 2
        )  # a worker may end meanwhile
        assert {len((await task)[0] or b"") for task in asking} == {DELIVERY_BYTES + 1}


async def test_a_measured_cpu_time_takes_precedence_over_an_estimate(database: Path) -> None:
    async with pool(database) as readers:
        for _ in range(MIN_SAMPLES):
            await readers.execute_batch([MIDDLING])
        running = await statement_started(readers, "i + 1 FROM n)")
        endless = asking(readers, ENDLESS, "other", None)
        await running.wait()
        # A job that a busy machine holds up for 45 ms is preempted, and then waits for the endless one.
        for _ in range(5):
            with suppress(TimeoutError):
                async with asyncio.timeout(5):
                    assert await asking(readers, [MIDDLING], "a", 5.0) == [b"3000"]
                break
        else:
            pytest.fail("it waits for the endless statement each time")
        endless.cancel()
        await ended([endless])


async def test_a_job_longer_than_expected_is_preempted(database: Path) -> None:
    async with pool(database) as readers:
        wrong = [asking(readers, ENDLESS, str(number), 0.0) for number in range(3)]
        slow = asking(readers, [SLOW], "slow", 0.0)
        async with asyncio.timeout(10):
            for number in range(20):
                assert await asking(readers, [(f"SELECT '{number}'", ())], "other", 0.0)
            while any(reader.reserved and reader.current is not None for reader in readers._readers):
                assert await asking(readers, LINE, "other", 0.0)
        for one in wrong:
            one.cancel()
        await ended(wrong)
        async with asyncio.timeout(10):
            assert await slow == [b"3000000"]


async def test_a_cheap_client_is_served_between_expensive_jobs_of_others(database: Path) -> None:
    """Measured by the number of statements that ran before, whatever time they took."""
    order: list[str] = []

    async def ask(statement: str, address: str, expected: float | None) -> None:
        await asking(readers, [(statement, ())], address, expected)
        order.append(address)

    async with pool(database, count=1) as readers:
        running = await statement_started(readers, "RECURSIVE")
        blocking = asking(readers, [SLOW], "first", None)
        await running.wait()
        dear = [ask(f"SELECT '{number}'", "dear", 1.0) for number in range(100)]
        cheap = [ask(f"SELECT 'cheap {number}'", "cheap", 0.001) for number in range(3)]
        unknown = [ask("SELECT 'u'", "unknown", None)]
        await asyncio.gather(blocking, *dear, *cheap, *unknown)
    assert order[:8] == ["dear", "cheap", "unknown", "dear", "cheap", "dear", "cheap", "dear"]


async def test_a_full_queue_rejects_until_a_request_is_cancelled(database: Path) -> None:
    async with pool(database, count=1) as readers:
        readers._queue = JobQueue(max_jobs=4)
        running = await statement_started(readers, "RECURSIVE")
        blocking = asking(readers, ENDLESS, "first", None)
        await running.wait()
        two = [asking(readers, LINE, "a", None) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError, match="of your requests"):
            await asking(readers, LINE, "a", None)
        two.pop().cancel()
        await asyncio.sleep(0)
        two.append(asking(readers, LINE, "a", None))
        blocking.cancel()
        await asyncio.gather(*two)


async def test_parts_are_queued_and_cleaned_up(database: Path) -> None:
    async with pool(database, count=1) as readers:
        running = await statement_started(readers, "RECURSIVE")
        blocking = asking(readers, ENDLESS, "first", None)
        await running.wait()
        parts = readers.execute_parts([LINE, LINE])
        first = asyncio.ensure_future(anext(parts))
        await asyncio.sleep(0)
        assert len(readers._queue) == 1
        first.cancel()
        await asyncio.wait([first])
        assert len(readers._queue) == 0
        blocking.cancel()
        await ended([blocking])


async def test_a_result_is_delivered_before_a_long_job_begins(database: Path) -> None:
    async with pool(database, count=1) as readers:
        quick, slow = started(readers, LINE, 1) + started(readers, ENDLESS, 1)
        async with asyncio.timeout(10):
            assert await quick != [None]
        slow.cancel()
        await ended([slow])


async def test_a_cancelled_request_loses_no_reader(database: Path) -> None:
    async with pool(database) as readers:
        calls = started(readers, ENDLESS, 5)  # two run, three wait
        await asyncio.sleep(0)
        for call in calls:
            call.cancel()
        assert all(isinstance(end, asyncio.CancelledError) for end in await ended(calls))
        async with asyncio.timeout(10):
            await asyncio.gather(*started(readers, [*LINE, *LINE], 5))


async def test_a_job_cancelled_while_running_leaves_no_transaction_open(database: Path) -> None:
    async with pool(database, count=1) as readers:
        running = await statement_started(readers, "RECURSIVE")
        (call,) = started(readers, [*LINE, *ENDLESS, *LINE], 1)
        await running.wait()
        call.cancel()
        await ended([call])
        await readers.execute_batch([*LINE, *LINE])  # BEGIN would fail within a transaction


async def test_a_job_cancelled_at_its_turn_frees_the_reader(database: Path) -> None:
    async with pool(database, count=1) as readers:

        async def read_and_cancel_the_next() -> list[bytes | None]:
            answers = await readers.execute_batch(LINE)
            second.cancel()  # it has a reader, and has not resumed yet
            return answers

        first = asyncio.create_task(read_and_cancel_the_next())
        second, third = started(readers, LINE, 2)
        async with asyncio.timeout(10):
            ends = await ended([first, second, third])
        assert [type(end) for end in ends] == [list, asyncio.CancelledError, list]


async def test_a_closed_pool_leaves_no_thread_and_fails_requests(database: Path) -> None:
    before = threading.active_count()
    readers = ReadPool()
    await readers.open(database, 3)
    calls = started(readers, ENDLESS, 6)
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await readers.close()
        ends = await ended(calls)
    assert [str(end) for end in ends] == [f"database {database} is closed"] * 6
    assert threading.active_count() == before
    with pytest.raises(DatabaseError, match="closed"):
        await readers.execute_batch(LINE)


async def test_closing_waits_for_cancelled_jobs(database: Path) -> None:
    before = threading.active_count()
    async with pool(database) as readers:
        calls = started(readers, ENDLESS, 4)  # two run, two wait
        await asyncio.sleep(0)
        for call in calls:
            call.cancel()
    assert all(isinstance(end, asyncio.CancelledError) for end in await ended(calls))
    assert threading.active_count() == before


async def test_the_trace_hook_gets_every_statement(database: Path) -> None:
    seen: list[str] = []
    async with pool(database) as readers:
        await readers.trace(seen.append)
        await readers.execute_batch(LINE)
        await readers.execute_batch([*LINE, ONE])
        await readers.trace(None)
        await readers.execute_batch(LINE)
    (line, _), (one, _) = *LINE, ONE
    assert seen == [line, "BEGIN", line, one, "ROLLBACK"]


async def test_a_missing_database_is_rejected(tmp_path: Path) -> None:
    before = threading.active_count()
    with pytest.raises(DatabaseError, match="cannot be opened"):
        await ReadPool().open(tmp_path / "none.db")
    assert threading.active_count() == before


async def test_a_database_of_another_application_is_rejected(tmp_path: Path) -> None:
    theirs = sqlite3.connect(tmp_path / "theirs.db")
    theirs.execute("CREATE TABLE theirs (x)")
    theirs.close()
    with pytest.raises(UnknownDatabaseError):
        await ReadPool().open(tmp_path / "theirs.db")


async def test_a_database_that_breaks_while_open_is_reported(database: Path) -> None:
    async with pool(database, count=1) as readers:
        overwrite_after_the_first_page(database)
        with pytest.raises(DatabaseError, match=r"is damaged .*--rebuild"):
            await readers.execute_batch([("SELECT name FROM topic", ())])


async def test_a_path_may_contain_characters_that_are_special_in_uris(tmp_path: Path) -> None:
    unusual = tmp_path / "100% of #1?mode=rw&x.db"
    open_writer(unusual).close()
    async with pool(unusual) as readers:
        assert await readers.execute_batch(LINE) != [None]


async def statement_started(readers: ReadPool, word: str) -> asyncio.Event:
    """Return an event that is set when a statement that contains `word` starts."""
    event, loop = asyncio.Event(), asyncio.get_running_loop()

    def hook(sql: str) -> None:
        if word in sql:
            loop.call_soon_threadsafe(event.set)

    await readers.trace(hook)
    return event


def overwrite_after_the_first_page(database: Path) -> None:
    content = bytearray(database.read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)
    database.write_bytes(content)


async def ended(calls: list[asyncio.Task[list[bytes | None]]]) -> list[list[bytes | None] | BaseException]:
    return await asyncio.gather(*calls, return_exceptions=True)
