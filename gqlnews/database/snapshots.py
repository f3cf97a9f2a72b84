"""Snapshots of the content that subscriptions read, whichever database it is in.

A snapshot has the changes since a version, and what the articles were before them.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Generic, NamedTuple, Protocol, TypeVar

import orjson

from gqlnews.database.protocol import RequiredVersion

T = TypeVar("T")


class VersionState(NamedTuple):
    """Version state of one audience: `epoch`, which ends with `-`, and `number` form its version.

    `last_pruned` is the version of the newest removal that was pruned from the change log, `images_pruned`
    that of the newest before-image that was pruned.
    """

    epoch: str
    number: int
    last_pruned: int
    images_pruned: int


class BeforeImage(NamedTuple):
    """Before-image of the change with version `number`; without an article if it did not exist before."""

    number: int
    id: int
    has_article: bool


class Change(NamedTuple):
    """Latest change of an article in one scope; the numbers are version numbers.

    `images` are the before-images of all its changes since the version that was asked for, oldest first. The
    change that added it first has none.
    """

    slug: str
    number: int
    first_added: int
    added: int
    removed: int
    images: tuple[BeforeImage, ...] = ()


def decode_images(images: bytes | str) -> tuple[BeforeImage, ...]:
    """Decode a JSON array of `[number, id, has_article]`."""
    return tuple(BeforeImage(number, id_, bool(exists)) for number, id_, exists in orjson.loads(images))


class Snapshot(Protocol):
    """Read transaction with its version states. Use it only on the thread that began it."""

    @property
    def version_states(self) -> Sequence[VersionState]:
        """Version states by audience."""
        ...

    def statement_seconds(self) -> float:
        """Return how long the statements of the reader have taken so far, in total."""
        ...

    def limit_statement_time(self, seconds: float) -> AbstractContextManager[None]:
        """Limit the time of all statements in the block together, as `statement_seconds` measures it."""
        ...

    def changes(self, scope: int, after: int, limit: int, *, since: int) -> list[Change]:
        """Return up to `limit` changes of a scope after a version number, oldest first.

        They contain the before-images of all changes after `since`.
        """
        ...

    def load_texts(self, images: Collection[int]) -> None:
        """Load the searchable texts of these before-images into the index that `matches` reads.

        Raises ResourceLimitError if that takes longer than the limit.
        """
        ...

    def fetch_value(self, sql: str, params: Sequence[object]) -> bytes | None:
        """Return a statement's one value as bytes. Raises ResourceLimitError; the snapshot remains usable."""
        ...


S_co = TypeVar("S_co", bound=Snapshot, covariant=True)


class SnapshotReader(ABC, Generic[S_co]):
    """Reader of one snapshot at a time. `open` and `close` it on the event loop; work runs on its own thread.

    No transaction is open between two snapshots.
    """

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._snapshot: S_co | None = None

    async def open(self) -> None:
        """Connect to the database. Raises DatabaseError or a subclass."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gqlnews-snapshots")
        try:
            await self._run(self._connect)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close the connection and end the thread, even if the caller is cancelled."""
        if self._thread is not None:
            thread, self._thread = self._thread, None
            closing = asyncio.get_running_loop().run_in_executor(thread, self._close)
            thread.shutdown(wait=False)  # after that
            await asyncio.shield(closing)
            thread.shutdown()

    @asynccontextmanager
    async def snapshot(
        self, required: Sequence[RequiredVersion] = (), seconds: float = 0.0
    ) -> AsyncIterator[Sequence[VersionState]]:
        """Begin a snapshot of the current content; it ends with the block. Yields its version states.

        If the database is a replica, wait up to `seconds` for the required versions, then ask the primary.
        Raises DatabaseError or a subclass, and BehindError if neither has them but another server may have
        answered with them.
        """
        try:
            yield await self._run(lambda: self._begin(required, seconds))
        finally:
            await self._run(self._end)

    async def run(self, work: Callable[[S_co], T]) -> T:
        """Run `work` on the snapshot; only within `snapshot`. Raises DatabaseError or a subclass."""
        return await self._run(lambda: work(self._current))

    async def _run(self, work: Callable[[], T]) -> T:
        assert self._thread is not None, "it is open"
        with self._reporting():
            future = asyncio.get_running_loop().run_in_executor(self._thread, work)
            try:
                return await asyncio.shield(future)
            except asyncio.CancelledError:
                await asyncio.wait([future])  # the thread continues; later calls must find it done
                raise

    @property
    def _current(self) -> S_co:
        assert self._snapshot is not None, "a snapshot has begun"
        return self._snapshot

    def _reporting(self) -> AbstractContextManager[None]:
        """Translate and report the errors of work."""
        return nullcontext()

    # On the thread:

    @abstractmethod
    def _connect(self) -> None: ...

    @abstractmethod
    def _begin(self, required: Sequence[RequiredVersion], seconds: float) -> Sequence[VersionState]: ...

    @abstractmethod
    def _end(self) -> None: ...

    @abstractmethod
    def _close(self) -> None:
        """Close the connection, which ends its transaction."""
