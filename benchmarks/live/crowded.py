"""Delays and costs with many subscribers on one server process."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.live.alone import WARMING, rest, see
from benchmarks.live.counted import counted
from benchmarks.live.edits import Edits, Saved
from benchmarks.live.watching import Crowd, Seen, Verdict, watching
from benchmarks.processes import pss
from benchmarks.throughput.client import Client
from benchmarks.throughput.process import Server

AT_REST = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class Delay:
    """Seconds from the rename of one edit; `answer` is the delay of a query, the others of subscribers."""

    answer: float
    first: float
    median: float
    last: float


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor time in seconds, and memory of the server in bytes.

    - `rest`: the server, per second without changes.
    - `change`, `client`: the server and the client, per change, while no queries are sent.
    - `before`, `after`: memory before anyone subscribes, and after.
    """

    rest: float
    change: float
    client: float
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Crowded:
    delays: list[Delay]
    cost: Cost
    verdict: Verdict


def crowded(server: Server, edits: Edits, number: int, subscribers: int) -> Crowded:
    before = pss(server.pid)
    with watching(server.url, subscribers) as crowd, Client(server.url) as client:
        delays = [_delay(client, crowd, edits) for _ in range(WARMING + number)][WARMING:]
        at_rest, change, mine = _processor(server, crowd, edits, max(1, number // 4))
        return Crowded(delays, Cost(at_rest, change, mine, before, pss(server.pid)), crowd.end())


def bare(server: Server, number: int, subscribers: int) -> list[float]:
    """Return the delays from write to last subscriber for a server that does nothing but write."""
    with watching(server.url, subscribers) as crowd:
        return [seen.last - float(seen.title) for seen in (crowd.next() for _ in range(number))]


def statements(server: Server, count: Path, edits: Edits, number: int, subscribers: int) -> float:
    """Return the statements that the server runs per change while no queries are sent."""
    with watching(server.url, subscribers) as crowd:
        _edit(crowd, edits)
        rest()
        before = counted(count)
        for _ in range(number):
            _edit(crowd, edits)
        rest()
        return (counted(count) - before) / number


def _delay(client: Client, crowd: Crowd, edits: Edits) -> Delay:
    rest()
    saved = edits.save()
    answer = see(client, saved)
    seen = crowd.wait_for(saved.title)
    return Delay(answer, *_since(saved, seen))


def _since(saved: Saved, seen: Seen) -> tuple[float, float, float]:
    return seen.first - saved.at, seen.median - saved.at, seen.last - saved.at


def _edit(crowd: Crowd, edits: Edits) -> None:
    rest()
    crowd.wait_for(edits.save().title)


def _processor(server: Server, crowd: Crowd, edits: Edits, number: int) -> tuple[float, float, float]:
    client = Server("client", "", crowd.pid)
    at_rest, _, _ = _used(server, client, lambda: time.sleep(AT_REST))

    def change() -> None:
        for _ in range(number):
            _edit(crowd, edits)

    per_second, mine, seconds = _used(server, client, change)
    changes = seconds / number  # duration of one change, pause included
    return at_rest, (per_second - at_rest) * changes, mine * changes


def _used(server: Server, client: Server, what: Callable[[], None]) -> tuple[float, float, float]:
    """Return the processor time of both per second, and the elapsed seconds."""
    start, ours, theirs = time.monotonic(), server.cpu(), client.cpu()
    what()
    seconds = time.monotonic() - start
    return (server.cpu() - ours) / seconds, (client.cpu() - theirs) / seconds, seconds
