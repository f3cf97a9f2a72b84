"""Delays and costs with many subscribers on one server process."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.live.delay import WARM_UP_EDITS, pause, poll_until_visible
from benchmarks.live.edits import Edits, SavedEdit
from benchmarks.live.statement_counter import read_count
from benchmarks.live.watching import Crowd, DeliveredEvent, Verdict, subscribe_crowd
from benchmarks.processes import pss
from benchmarks.throughput.client import Client
from benchmarks.throughput.process import Server

IDLE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Delay:
    """Seconds from the rename until a query returns the edit, and until subscribers receive it."""

    query: float
    first: float
    median: float
    last: float


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor time in seconds, and memory of the server in bytes.

    - `rest`: processor time of the server per second without changes.
    - `change`, `client`: processor time of the server and of the client per change, without queries.
    - `before`, `after`: memory before the first subscription, and after all edits.
    """

    rest: float
    change: float
    client: float
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class CrowdResult:
    delays: list[Delay]
    cost: Cost
    verdict: Verdict


def measure_crowd(server: Server, edits: Edits, number: int, subscribers: int) -> CrowdResult:
    before = pss(server.pid)
    with subscribe_crowd(server.url, subscribers) as crowd, Client(server.url) as client:
        delays = [_delay(client, crowd, edits) for _ in range(WARM_UP_EDITS + number)][WARM_UP_EDITS:]
        at_rest, change, client_time = _cpu_costs(server, crowd, edits, max(1, number // 4))
        return CrowdResult(
            delays, Cost(at_rest, change, client_time, before, pss(server.pid)), crowd.finish()
        )


def measure_bare(server: Server, number: int, subscribers: int) -> list[float]:
    """Return the delays from write to last subscriber for a server that only writes."""
    with subscribe_crowd(server.url, subscribers) as crowd:
        return [event.last - float(event.title) for event in (crowd.next() for _ in range(number))]


def statements_per_change(server: Server, count: Path, edits: Edits, number: int, subscribers: int) -> float:
    """Return the statements that the server runs per change while no queries are sent."""
    with subscribe_crowd(server.url, subscribers) as crowd:
        _edit(crowd, edits)
        pause()
        before = read_count(count)
        for _ in range(number):
            _edit(crowd, edits)
        pause()
        return (read_count(count) - before) / number


def _delay(client: Client, crowd: Crowd, edits: Edits) -> Delay:
    pause()
    saved = edits.save()
    response = poll_until_visible(client, saved)
    event = crowd.wait_for(saved.title)
    return Delay(response, *_delays_since(saved, event))


def _delays_since(saved: SavedEdit, event: DeliveredEvent) -> tuple[float, float, float]:
    return event.first - saved.saved_at, event.median - saved.saved_at, event.last - saved.saved_at


def _edit(crowd: Crowd, edits: Edits) -> None:
    pause()
    crowd.wait_for(edits.save().title)


def _cpu_costs(server: Server, crowd: Crowd, edits: Edits, number: int) -> tuple[float, float, float]:
    client = Server("client", "", crowd.pid)
    at_rest, _, _ = _cpu_usage(server, client, lambda: time.sleep(IDLE_SECONDS))

    def change() -> None:
        for _ in range(number):
            _edit(crowd, edits)

    per_second, client_time, seconds = _cpu_usage(server, client, change)
    changes = seconds / number  # duration of one change, pause included
    return at_rest, (per_second - at_rest) * changes, client_time * changes


def _cpu_usage(server: Server, client: Server, work: Callable[[], None]) -> tuple[float, float, float]:
    """Return the processor time of both per second, and the elapsed seconds."""
    start, server_cpu, client_cpu = time.monotonic(), server.cpu(), client.cpu()
    work()
    seconds = time.monotonic() - start
    return (server.cpu() - server_cpu) / seconds, (client.cpu() - client_cpu) / seconds, seconds
