"""Identical concurrent work runs once (single-flight)."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from gqlnews.server import preparation
from gqlnews.server.preparation import LoopShare, SingleFlight
from tests.server.live import running_site
from tests.server.support import DEADLINE

AT_ONCE = 20
LEAVES = "title excerpt url webUrl type quality slug category heat published wordCount updatedAt"
LINKS = f"nodes {{ {LEAVES} related {{ title article {{ {LEAVES} story {{ id }} }} }} }}"
HEAVY = f"{{ {' '.join(f'a{number}: articles(first: 1) {{ {LINKS} }}' for number in range(12))} }}"
SCHEMA = "{ __schema { types { name fields { name args { name } type { name ofType { name } } } } } }"


@pytest.mark.parametrize(("query", "jobs"), [(HEAVY, 1), (SCHEMA, 2)], ids=["document", "introspection"])
def test_concurrent_requests_with_a_new_document_prepare_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: str, jobs: int
) -> None:
    monkeypatch.setattr(preparation, "MAX_QUEUED_PER_CLIENT", 1)
    with running_site(tmp_path) as site:
        loop = site.loop
        entered, release = asyncio.Event(), asyncio.Event()
        run = site.app_state.offload.run

        async def held(client: str, work: Callable[[], object]) -> object:
            entered.set()
            await release.wait()
            return await run(client, work)

        monkeypatch.setattr(type(site.app_state.offload), "run", lambda _, client, work: held(client, work))
        budget = LoopShare.budget
        monkeypatch.setattr(
            LoopShare, "budget", lambda *given: 60.0 if release.is_set() else min(0.01, budget(*given))
        )
        with ThreadPoolExecutor(AT_ONCE) as pool:
            requests = [pool.submit(httpx2.post, site.url, json={"query": query}) for _ in range(AT_ONCE)]
            waited = asyncio.run_coroutine_threadsafe(entered.wait(), loop)
            waited.result(DEADLINE)
            loop.call_soon_threadsafe(release.set)
            responses = [one.result(DEADLINE) for one in requests]
        assert [response.status_code for response in responses] == [200] * AT_ONCE
        assert {response.content for response in responses} == {responses[0].content}
        assert site.app_state.offload.jobs <= jobs  # a late request may find the result in the cache


def run(test: Callable[[SingleFlight], Awaitable[None]]) -> None:
    async def within_deadline() -> None:
        async with asyncio.timeout(DEADLINE):
            await test(SingleFlight())

    asyncio.run(within_deadline())


def test_a_later_caller_runs_the_work_again() -> None:
    done: list[int] = []

    async def work() -> int:
        await asyncio.sleep(0)
        done.append(len(done))
        return done[-1]

    async def test(flights: SingleFlight) -> None:
        assert await asyncio.gather(*(flights.run("a", work) for _ in range(3))) == [0, 0, 0]
        assert (await flights.run("a", work), await flights.run("b", work)) == (1, 2)

    run(test)


def test_a_failure_reaches_all_waiting_callers_and_is_not_cached() -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError

    async def succeed() -> int:
        return 1

    async def test(flights: SingleFlight) -> None:
        failed = await asyncio.gather(*(flights.run("a", fail) for _ in range(2)), return_exceptions=True)
        assert [type(one) for one in failed] == [ValueError, ValueError]
        assert await flights.run("a", succeed) == 1

    run(test)


def test_a_cancelled_caller_does_not_cancel_the_others() -> None:
    released = asyncio.Event()

    async def work() -> int:
        await released.wait()
        return 1

    async def test(flights: SingleFlight) -> None:
        first = asyncio.ensure_future(flights.run("a", work))
        second = asyncio.ensure_future(flights.run("a", work))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        released.set()
        assert await second == 1
        assert first.cancelled()

    run(test)
