"""One client, which subscribes, disconnects, and resumes from the last version that it saw."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from benchmarks.soak.copy import Copy
from benchmarks.soak.interest import Interest
from benchmarks.soak.query_client import QueryClient
from benchmarks.soak.streams import (
    Change,
    DisconnectedError,
    OpenStream,
    RejectedError,
    connect,
    events,
    websocket,
)

CONNECTED_SECONDS = 1.0, 15.0  # minimum and maximum
AWAY_SECONDS = 0.0, 4.0
COPY_LOST = 0.05  # share of reconnecting clients that have lost their copy
ABORTS = 0.3  # share of disconnects without a close handshake


@dataclass
class Counts:
    """Totals over all subscribers. `longest` is the longest recent delay of a steady subscriber."""

    connected: int = 0
    events: int = 0
    connects: int = 0
    longest: float = 0.0
    faults: list[str] = field(default_factory=list)


class Subscriber:
    """A client. `steady` ones never disconnect on their own."""

    def __init__(
        self, url: str, interest: Interest, counts: Counts, rng: random.Random, *, steady: bool
    ) -> None:
        self.interest = interest
        self.copy = Copy(strict=steady)
        self.received = 0  # events
        self._known: set[str] = set()  # titles
        self._url, self._counts, self._rng, self._steady = url, counts, rng, steady
        self._watch: OpenStream = rng.choice((websocket, events))

    def __str__(self) -> str:
        return f"{self.interest} by {self._watch.__name__}"

    async def run(self, written: Mapping[str, float], until: asyncio.Event) -> None:
        """Connect and disconnect until the end, and then stay connected."""
        while True:
            try:
                if self.copy.version is None or (not self._steady and self._rng.random() < COPY_LOST):
                    await self._begin()
                last = self._steady or until.is_set()
                await self._read_events(
                    written, until, None if last else self._rng.uniform(*CONNECTED_SECONDS)
                )
            except (AssertionError, RejectedError, DisconnectedError, OSError, EOFError) as error:
                self._counts.faults.append(f"{self}: {type(error).__name__} {error}"[:500])
            if not until.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(until.wait(), self._rng.uniform(*AWAY_SECONDS))

    async def _begin(self) -> None:
        client = QueryClient(self._url, self.interest)
        try:
            if self.interest.is_everything:
                self.copy.begin(*await client.changes())
            else:
                page = await client.first_page()
                assert page is not None, f"more than a page of {self.interest}"
                self.copy.begin(*page)
        finally:
            client.close()

    async def _read_events(
        self, written: Mapping[str, float], until: asyncio.Event, seconds: float | None
    ) -> None:
        streams = await connect(self._url)
        self._counts.connected += 1
        self._counts.connects += 1
        changes = self._watch(streams, self._url, self.interest, self.copy.version)
        receiving = asyncio.create_task(self._receive(changes, written))
        ending = asyncio.create_task(until.wait())
        try:
            if seconds is None:
                await receiving
            else:
                await asyncio.wait((receiving, ending), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
                if receiving.done():
                    await receiving
        finally:
            receiving.cancel()
            ending.cancel()
            with suppress(asyncio.CancelledError, RejectedError, DisconnectedError, OSError, EOFError):
                await receiving
            self._counts.connected -= 1
            if self._rng.random() < ABORTS:
                streams[1].transport.abort()
            else:
                streams[1].close()

    async def _receive(self, changes: AsyncIterator[Change], written: Mapping[str, float]) -> None:
        async for change in changes:
            self.copy.apply(change)
            self._counts.events += 1
            self.received += 1
            if self._steady:
                self._record(change, written)

    def _record(self, change: Change, written: Mapping[str, float]) -> None:
        title = change["article"] and change["article"]["title"]
        if title in written and title not in self._known:  # other changes do not alter the title
            self._known.add(title)
            self._counts.longest = max(self._counts.longest, time.monotonic() - written[title])
