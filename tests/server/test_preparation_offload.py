"""The worker thread: clients take turns, the queue is short, and clients do not affect each other."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import TypeVar

import pytest

from gqlnews.server import preparation
from gqlnews.server.preparation import MAX_QUEUED, MAX_QUEUED_PER_CLIENT, OffloadQueue
from gqlnews.server.response import HTTPError
from gqlnews.time_budget import TimeBudgetExceeded, check_time_budget
from tests.server.support import DEADLINE

T = TypeVar("T")


class Gate:
    """Work that blocks until it is released."""

    def __init__(self) -> None:
        self.entered, self.opened = threading.Event(), threading.Event()

    def __call__(self) -> None:
        self.entered.set()
        assert self.opened.wait(DEADLINE)


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.opened.set()


def run(test: Callable[[OffloadQueue], Awaitable[T]]) -> T:
    async def with_queue() -> T:
        queue = OffloadQueue()
        try:
            async with asyncio.timeout(DEADLINE):
                return await test(queue)
        finally:
            queue.close()

    return asyncio.run(with_queue())


async def start(queue: OffloadQueue, client: str, work: Callable[[], T]) -> "asyncio.Task[T]":
    """Start work; it is queued or running when this returns."""
    task = asyncio.ensure_future(queue.run(client, work))
    await asyncio.sleep(0)
    return task


def test_a_thread_that_cannot_be_started_is_503_and_later_jobs_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def test(queue: OffloadQueue) -> None:
        with monkeypatch.context() as context:
            context.setattr(threading.Thread, "start", fail)
            with pytest.raises(HTTPError) as error:
                await queue.run("a", lambda: 1)
        assert error.value.status == 503
        assert await queue.run("a", lambda: 2) == 2

    run(test)


def test_without_a_limit_a_job_has_no_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "JOB_SECONDS", 0.0)

    async def test() -> None:
        queue = OffloadQueue(has_time_limit=False)
        await queue.run("a", check_time_budget)
        queue.close()

    asyncio.run(test())


def test_the_result_and_the_failure_reach_the_caller() -> None:
    async def test(queue: OffloadQueue) -> None:
        assert (
            await queue.run("a", lambda: threading.current_thread().name) != threading.current_thread().name
        )
        with pytest.raises(ZeroDivisionError):
            await queue.run("a", lambda: 1 // 0)
        assert await queue.run("a", lambda: 7) == 7

    run(test)


def test_the_event_loop_is_free_meanwhile(gate: Gate) -> None:
    async def test(queue: OffloadQueue) -> None:
        waiting = await start(queue, "a", gate)
        assert await asyncio.to_thread(gate.entered.wait, DEADLINE)
        gate.opened.set()
        await waiting

    run(test)


def test_clients_are_served_round_robin(gate: Gate) -> None:
    order: list[str] = []

    async def test(queue: OffloadQueue) -> None:
        first = await start(queue, "a", gate)
        tasks = [
            await start(queue, client, partial(order.append, client))
            for client in ("a", "a", "a", "b", "c", "b")
        ]
        gate.opened.set()
        await asyncio.gather(first, *tasks)

    run(test)
    assert order == ["a", "b", "c", "a", "b", "a"]


@pytest.mark.parametrize(
    ("clients", "fit"),
    [
        (["a"] * (MAX_QUEUED_PER_CLIENT + 1), MAX_QUEUED_PER_CLIENT),
        ([str(n) for n in range(MAX_QUEUED + 1)], MAX_QUEUED),
    ],
    ids=["of one client", "of all"],
)
def test_past_the_queue_is_503(gate: Gate, clients: list[str], fit: int) -> None:
    async def test(queue: OffloadQueue) -> None:
        first = await start(queue, "other", gate)
        tasks = [await start(queue, client, lambda: None) for client in clients[:fit]]
        with pytest.raises(HTTPError) as error:
            await queue.run(clients[fit], lambda: None)
        assert (error.value.status, error.value.code) == (503, "OVERLOADED")
        assert error.value.headers == {"Retry-After": "1"}
        gate.opened.set()
        await asyncio.gather(first, *tasks)
        assert await queue.run(clients[fit], lambda: 1) == 1

    run(test)


def test_a_full_queue_evicts_a_job_of_the_busiest_client(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "MAX_QUEUED", 3)

    async def test(queue: OffloadQueue) -> None:
        running = await start(queue, "other", gate)
        first, second, third = [await start(queue, "a", lambda: 1) for _ in range(3)]
        newcomer = await start(queue, "b", lambda: 2)
        with pytest.raises(HTTPError):
            await third
        gate.opened.set()
        assert [await first, await second, await newcomer] == [1, 1, 2]
        await running

    run(test)


def test_close_stops_the_running_job_and_cancels_queued_ones() -> None:
    entered = threading.Event()

    def endless() -> None:
        entered.set()
        while True:
            check_time_budget()

    async def test() -> None:
        queue = OffloadQueue()
        running, waiting = await start(queue, "a", endless), await start(queue, "a", endless)
        assert await asyncio.to_thread(entered.wait, DEADLINE)
        queue.close()
        with pytest.raises(TimeBudgetExceeded):
            await running
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(test())


def test_requests_of_disconnected_clients_are_dropped(gate: Gate) -> None:
    ran: list[int] = []

    async def test(queue: OffloadQueue) -> None:
        first = await start(queue, "a", gate)
        leaving = await start(queue, "a", lambda: ran.append(1))
        leaving.cancel()
        gate.opened.set()
        await first
        await queue.run("a", lambda: ran.append(2))
        assert len(queue) == 0

    run(test)
    assert ran == [2]


def test_requests_that_wait_too_long_are_rejected(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "MAX_WAIT_SECONDS", -1.0)

    async def test(queue: OffloadQueue) -> None:
        with pytest.raises(HTTPError) as error:
            await queue.run("a", lambda: None)
        assert error.value.status == 503

    run(test)


def test_work_has_a_time_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "JOB_SECONDS", 0.0)

    async def test(queue: OffloadQueue) -> None:
        with pytest.raises(TimeBudgetExceeded):
            await queue.run("a", check_time_budget)

    run(test)
    check_time_budget()
