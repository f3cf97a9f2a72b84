"""The order in which queued calls are served."""

import asyncio
import math
from collections.abc import Iterator

import pytest

from gqlnews.database.sqlite.job_queue import SHORT, JobQueue, ReadJob
from gqlnews.errors import OverloadedError

DEAR = 1.0
LOOP = asyncio.new_event_loop()


@pytest.fixture(scope="module", autouse=True)
def _closed() -> Iterator[None]:
    yield
    LOOP.close()


def call(address: str, expected: float = DEAR, asked: float = 0.0) -> ReadJob:
    return ReadJob((), LOOP.create_future(), asked, address, expected)


def filled(*calls: ReadJob, most: int = 1_000) -> JobQueue:
    queue = JobQueue(most)
    for one in calls:
        queue.put(one)
    return queue


def served(queue: JobQueue, *, short: bool = False) -> list[ReadJob]:
    calls = []
    while (one := queue.take(short=short)) is not None:
        calls.append(one)
    return calls


def test_clients_take_turns_however_many_calls_each_has() -> None:
    many = [call("a") for _ in range(100)]
    few = [call("b"), call("b")]
    last = call("c")
    order = served(filled(*many, *few, last))
    assert order[:5] == [many[0], few[0], last, many[1], few[1]]
    assert order[5:] == many[2:]


def test_a_client_that_comes_back_has_its_next_turn_after_all_others() -> None:
    first, second, again = call("a"), call("b"), call("a")
    queue = filled(first, second)
    assert queue.take() is first
    queue.put(again)
    assert served(queue) == [second, again]


def test_in_its_turn_a_clients_cheapest_call_is_first_and_of_equals_the_one_that_came_first() -> None:
    unknown, dear, equal = call("a", math.inf), call("a", 1.0), call("a", 1.01)
    cheap, about = call("a", 0.0003), call("a", 0.0002)
    assert served(filled(unknown, dear, equal, cheap, about)) == [cheap, about, dear, equal, unknown]


def test_a_reader_for_short_calls_passes_over_those_that_have_none() -> None:
    dear, short, unknown, other = call("a"), call("b", SHORT), call("c", math.inf), call("d", 0.0)
    queue = filled(dear, short, unknown, other)
    assert served(queue, short=True) == [short, other]
    assert not queue.has(short=True)
    assert served(queue) == [dear, unknown]


def test_parts_are_never_short() -> None:
    parts = call("a", 0.0)
    parts.rest = (call("a", 0.0),)
    assert filled(parts).take(short=True) is None


def test_there_is_room_for_so_many_and_for_half_as_many_of_one_client() -> None:
    queue = filled(*(call("a") for _ in range(5)), most=10)
    with pytest.raises(OverloadedError, match="your address"):
        queue.put(call("a"))
    for number in range(5):
        assert queue.put(call(f"b{number}")) is None
    assert len(queue) == 10
    queue.put_back(call("a"))  # a call that has run before is not rejected


def test_where_it_is_full_the_client_with_most_makes_room_for_one_with_less() -> None:
    first, second, third = call("a"), call("a"), call("a")
    queue = filled(first, second, third, *(call(client) for client in "bcd"), most=6)
    assert queue.put(call("e")) is third
    assert queue.put(call("f")) is second
    with pytest.raises(OverloadedError, match="More requests wait"):
        queue.put(call("g"))
    assert len(queue) == 6


def test_what_is_discarded_gives_its_room_back() -> None:
    first, second = call("a"), call("b")
    queue = filled(first, second, most=2)
    assert queue.discard(first)
    assert not queue.discard(first)
    queue.put(third := call("c"))
    assert served(queue) == [second, third]
    assert len(queue) == 0


def test_what_has_waited_since_before_a_time_is_taken_out() -> None:
    calls = [call("a", asked=1.0), call("b", asked=2.0), call("a", asked=3.0)]
    queue = filled(*calls)
    assert queue.oldest() == 1.0
    assert queue.late(2.0) == calls[:2]
    assert queue.oldest() == 3.0
    assert served(queue) == calls[2:]
    assert queue.oldest() is None
