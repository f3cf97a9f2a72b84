"""Stores for an engine without a server: one that may not be read, and one over a read pool."""

from collections.abc import AsyncGenerator, Sequence

from gqlnews.database.protocol import BatchResults, Sizes, SnapshotId, Statements
from gqlnews.database.sqlite.read_pool import ReadPool


class UnreadStore:
    """A store without snapshots and table sizes, whose statements must not run."""

    def snapshot_id(self, audience: int) -> SnapshotId | None:
        return None

    def sizes(self, audience: int) -> Sizes:
        return {}

    def execute_inline(self, statements: Statements) -> Sequence[bytes | None] | None:
        return None

    async def execute_batch(self, statements: Statements) -> BatchResults:
        raise AssertionError(statements)

    def execute_parts(self, parts: Sequence[Statements]) -> AsyncGenerator[Sequence[bytes | None], None]:
        raise AssertionError(parts)


class PoolStore(UnreadStore):
    """A store over a read pool. `dispatches` counts the batches that it runs, inline or not."""

    def __init__(self, pool: ReadPool) -> None:
        self._pool = pool
        self.dispatches = 0

    def execute_inline(self, statements: Statements) -> Sequence[bytes | None] | None:
        results = self._pool.inline.try_execute(statements)
        self.dispatches += results is not None
        return results

    async def execute_batch(self, statements: Statements) -> BatchResults:
        self.dispatches += 1
        return BatchResults(await self._pool.execute_batch(statements))

    def execute_parts(self, parts: Sequence[Statements]) -> AsyncGenerator[Sequence[bytes | None], None]:
        return self._pool.execute_parts(parts)
