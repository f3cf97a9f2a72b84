"""The order in which queued jobs are served."""

import asyncio
import math
from collections.abc import Iterator

import pytest

from gqlnews.database.job_queue import SHORT_SECONDS, JobQueue
from gqlnews.database.sqlite.read_worker import ReadJob
from gqlnews.errors import OverloadedError

DEAR = 1.0
LOOP = asyncio.new_event_loop()


@pytest.fixture(scope="module", autouse=True)
def _closed() -> Iterator[None]:
    yield
    LOOP.close()


def call(address: str, expected: float = DEAR, asked: float = 0.0) -> ReadJob:
    return ReadJob(LOOP.create_future(), asked, address, expected)


def filled(*calls: ReadJob, most: int = 1_000) -> JobQueue[ReadJob]:
    queue: JobQueue[ReadJob] = JobQueue(most)
    for one in calls:
        queue.put(one)
    return queue


def served(queue: JobQueue[ReadJob], *, short: bool = False) -> list[ReadJob]:
    calls = []
    while (one := queue.pop(short=short)) is not None:
        calls.append(one)
    return calls


def test_clients_take_turns_whatever_their_number_of_jobs() -> None:
    many = [call("a") for _ in range(100)]
    few = [call("b"), call("b")]
    last = call("c")
    order = served(filled(*many, *few, last))
    assert order[:5] == [many[0], few[0], last, many[1], few[1]]
    assert order[5:] == many[2:]


def test_a_returning_client_is_served_after_all_others() -> None:
    first, second, again = call("a"), call("b"), call("a")
    queue = filled(first, second)
    assert queue.pop() is first
    queue.put(again)
    assert served(queue) == [second, again]


def test_a_clients_shortest_job_is_first_then_the_oldest() -> None:
    unknown, dear, equal = call("a", math.inf), call("a", 1.0), call("a", 1.01)
    cheap, about = call("a", 0.0003), call("a", 0.0002)
    assert served(filled(unknown, dear, equal, cheap, about)) == [cheap, about, dear, equal, unknown]


def test_a_reserved_reader_skips_clients_without_short_jobs() -> None:
    dear, short, unknown, other = call("a"), call("b", SHORT_SECONDS), call("c", math.inf), call("d", 0.0)
    queue = filled(dear, short, unknown, other)
    assert served(queue, short=True) == [short, other]
    assert not queue.has(short=True)
    assert served(queue) == [dear, unknown]


def test_jobs_with_continuations_are_never_short() -> None:
    parts = call("a", 0.0)
    parts.continuations = (call("a", 0.0),)
    assert filled(parts).pop(short=True) is None


def test_one_client_may_fill_half_of_the_queue() -> None:
    queue = filled(*(call("a") for _ in range(5)), most=10)
    with pytest.raises(OverloadedError, match="of your requests"):
        queue.put(call("a"))
    for number in range(5):
        assert queue.put(call(f"b{number}")) is None
    assert len(queue) == 10
    queue.requeue(call("a"))  # a call that has run before is not rejected


def test_a_full_queue_displaces_a_job_of_the_client_with_the_most() -> None:
    first, second, third = call("a"), call("a"), call("a")
    queue = filled(first, second, third, *(call(client) for client in "bcd"), most=6)
    assert queue.put(call("e")) is third
    assert queue.put(call("f")) is second
    with pytest.raises(OverloadedError, match="Too many requests are waiting"):
        queue.put(call("g"))
    assert len(queue) == 6


def test_a_discarded_job_frees_its_slot() -> None:
    first, second = call("a"), call("b")
    queue = filled(first, second, most=2)
    assert queue.discard(first)
    assert not queue.discard(first)
    queue.put(third := call("c"))
    assert served(queue) == [second, third]
    assert len(queue) == 0


def test_overdue_jobs_are_removed() -> None:
    calls = [call("a", asked=1.0), call("b", asked=2.0), call("a", asked=3.0)]
    queue = filled(*calls)
    assert queue.oldest_queued_at() == 1.0
    assert queue.pop_overdue(2.0) == calls[:2]
    assert queue.oldest_queued_at() == 3.0
    assert served(queue) == calls[2:]
    assert queue.oldest_queued_at() is None
