"""Stores that say which snapshot their results were read from, which may be newer than the last known one."""

import pytest

from gqlnews.database.protocol import BatchResults, SnapshotId, Statement, Statements
from gqlnews.engine.execution import FieldCache, FieldResults
from gqlnews.query.entities import Audience
from tests.store import UnreadStore

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


A: Statement = ("SELECT a", ())
B: Statement = ("SELECT b", ())


def snapshot(number: int) -> SnapshotId:
    return SnapshotId(0, b"e-%d" % number)


class PollingStore(UnreadStore):
    """A store at version `current`, of which `polled` was the newest when it was last polled."""

    def __init__(self) -> None:
        self.polled = self.current = 1
        self.batches: list[list[Statement]] = []

    def snapshot_id(self, audience: int) -> SnapshotId | None:
        return snapshot(self.polled)

    async def execute_batch(self, statements: Statements) -> BatchResults:
        self.batches.append(list(statements))
        self.polled = self.current
        values = [f"{sql[-1]}{self.current}".encode() for sql, _ in statements]
        return BatchResults(values, [snapshot(self.current)] * len(Audience))


async def test_results_are_cached_by_the_snapshot_that_they_name() -> None:
    store = PollingStore()
    cache = FieldCache(store, 1 << 20)
    store.current = 2
    for _ in range(2):
        assert await cache.read(Audience.PUBLIC, [A]) == FieldResults([b"a2"], snapshot(2))
    assert store.batches == [[A]]


async def test_a_result_of_a_newer_snapshot_is_not_mixed_with_cached_ones() -> None:
    store = PollingStore()
    cache = FieldCache(store, 1 << 20)
    assert await cache.read(Audience.PUBLIC, [A]) == FieldResults([b"a1"], snapshot(1))
    store.current = 2
    assert await cache.read(Audience.PUBLIC, [A, B]) == FieldResults([b"a2", b"b2"], snapshot(2))
    assert store.batches == [[A], [B], [A, B]]


async def test_cached_results_and_new_ones_of_the_same_snapshot_are_mixed() -> None:
    store = PollingStore()
    cache = FieldCache(store, 1 << 20)
    await cache.read(Audience.PUBLIC, [A])
    assert await cache.read(Audience.PUBLIC, [A, B]) == FieldResults([b"a1", b"b1"], snapshot(1))
    assert store.batches == [[A], [B]]
