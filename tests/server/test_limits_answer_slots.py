"""The number of responses of one client that streams hold in memory at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gqlnews.database.job_queue import ClientSlots
from gqlnews.server.limits import SLOTS_PER_CLIENT
from tests.server.live import COUNT, Site, send_in_one_write
from tests.server.support import DEADLINE


def test_each_client_has_its_own_response_slots() -> None:
    async def run() -> None:
        slots, release, entered = ClientSlots(SLOTS_PER_CLIENT), asyncio.Event(), []

        async def hold(client: str) -> None:
            async with slots.acquire(client):
                entered.append(client)
                await release.wait()

        tasks = [asyncio.create_task(hold(client)) for client in "a" * (SLOTS_PER_CLIENT + 3) + "b"]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert (entered.count("a"), entered.count("b")) == (SLOTS_PER_CLIENT, 1)
        tasks[-2].cancel()  # a waiting one
        release.set()
        await asyncio.wait(tasks)
        assert entered.count("a") == SLOTS_PER_CLIENT + 2
        assert slots._clients == {}

    async def within_deadline() -> None:
        async with asyncio.timeout(DEADLINE):
            await run()

    asyncio.run(within_deadline())


def test_a_client_that_reads_nothing_holds_few_responses(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each operation holds its slot until its response is sent."""
    most = held = 0
    taken = ClientSlots.acquire

    @asynccontextmanager
    async def record_call(self: ClientSlots, client: str) -> AsyncIterator[None]:
        nonlocal most, held
        async with taken(self, client):
            held += 1
            most = max(most, held)
            yield
            held -= 1

    monkeypatch.setattr(ClientSlots, "acquire", record_call)
    messages: list[dict[str, Any]] = [
        {"type": "subscribe", "id": str(number), "payload": {"query": COUNT}} for number in range(30)
    ]
    with site.socket() as socket:
        send_in_one_write(socket.connection, messages)
        kinds = [socket.receive()["type"] for _ in range(60)]
    assert (kinds.count("next"), kinds.count("complete")) == (30, 30)
    assert 0 < most <= SLOTS_PER_CLIENT
