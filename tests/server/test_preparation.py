"""A request that takes long to prepare is prepared off the event loop, with the same result."""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from gqlnews.app import build_app
from gqlnews.config.settings import ServerSettings
from gqlnews.server import preparation
from gqlnews.server.app_state import AppState
from gqlnews.server.endpoint import OVERLOAD_DELAY_SECONDS
from gqlnews.server.preparation import (
    CLIENT_BURST_SECONDS,
    FREE_SECONDS,
    MAX_SECONDS,
    MIN_SECONDS,
    LoopShare,
    OffloadQueue,
)

FACETS = "facets { topics { topic { slug } count } providers { provider { domain } count } }"
TESTS = ",".join(f'{{title: {{contains: "{number}"}}}}' for number in range(90))
WIDE = f"query ($w: ArticleFilter) {{ articles(where: $w) {{ totalCount nodes {{ slug }} {FACETS} }} }}"
REQUESTS: dict[str, dict[str, Any]] = {
    "a long document": {"query": '{ article(slug: "' + "x" * 100_000 + '") { slug } }'},
    "a document with many errors": {"query": f"{{ articles(where: {{{'x:1,' * 200}}}) {{ totalCount }} }}"},
    "a filter with many tests": {
        "query": f"{{ articles(where: {{or: [{TESTS}]}}) {{ totalCount {FACETS} }} }}"
    },
    "variables with many tests": {
        "query": WIDE,
        "variables": {"w": {"or": [{"title": {"contains": str(number)}} for number in range(90)]}},
    },
    "many values": {"query": WIDE, "variables": {"w": {"quality": {"in": list(range(150))}}}},
    "too many values": {"query": WIDE, "variables": {"w": {"or": [{}] * 19_000}}},
    "introspection": {"query": "{ __schema { types { name fields { name } } } articles { totalCount } }"},
    "a list in parts": {"query": "{ articles { nodes @stream(initialCount: 0) { slug } } }"},
    "a subscription": {"query": "subscription { articleChanged { kind } }"},
    "no such variable": {"query": WIDE, "variables": {"w": {"titel": 1}}},
}


@pytest.fixture
def app_settings(server_settings: ServerSettings) -> ServerSettings:
    return replace(server_settings, explorer=False, response_cache_bytes=0, field_cache_bytes=0)


@pytest.fixture
def client(app_settings: ServerSettings) -> Iterator[TestClient]:
    with TestClient(build_app(app_settings)) as client:
        yield client


@pytest.fixture
def offloaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The clients whose work was given to the thread."""
    clients: list[str] = []
    run = OffloadQueue.run

    async def record_call(self: OffloadQueue, client: str, work: Any) -> Any:
        clients.append(client)
        return await run(self, client, work)

    monkeypatch.setattr(OffloadQueue, "run", record_call)
    return clients


@pytest.mark.parametrize("name", REQUESTS)
def test_the_response_is_the_same_off_the_loop(
    app_settings: ServerSettings, offloaded: list[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    responses = []
    monkeypatch.setattr(preparation, "JOB_SECONDS", 60.0)  # a busy machine takes long
    for budget in (60.0, -1.0):
        offloaded.clear()
        monkeypatch.setattr(LoopShare, "budget", lambda *_, budget=budget: budget)
        with TestClient(build_app(app_settings)) as client:
            response = client.post("/graphql", json=REQUESTS[name])
        responses.append((response.status_code, response.content))
        assert bool(offloaded) is (budget < 0 or name == "introspection")
    assert responses[0] == responses[1]


def test_a_request_prepared_off_the_loop_is_cached(
    client: TestClient, offloaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    body = REQUESTS["a filter with many tests"]
    first = client.post("/graphql", json=body)
    offloaded.clear()
    monkeypatch.setattr(LoopShare, "budget", lambda *_: 60.0)
    again = client.post("/graphql", json={**body, "variables": {"unused": 1}})
    assert not offloaded
    assert first.content == again.content


@pytest.mark.parametrize("name", ["a long document", "too many values", "a filter with many tests"])
def test_slow_preparations_move_off_the_loop(client: TestClient, offloaded: list[str], name: str) -> None:
    client.post("/graphql", json=REQUESTS[name])
    assert offloaded == ["testclient"]


def test_a_request_too_slow_for_the_worker_thread_is_rejected(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gqlnews.server.preparation.JOB_SECONDS", 0.0)
    response = client.post("/graphql", json=REQUESTS["a filter with many tests"]).json()
    assert [error["extensions"]["code"] for error in response["errors"]] == ["TOO_WIDE"]


def test_endless_introspection_is_stopped(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    body = REQUESTS["introspection"]
    client.post("/graphql", json=body)
    monkeypatch.setattr("gqlnews.server.preparation.JOB_SECONDS", 0.0)
    response = client.post("/graphql", json=body).json()
    assert [error["extensions"]["code"] for error in response["errors"]] == ["TIMED_OUT"]
    assert "data" not in response


def test_an_overload_response_is_delayed(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    paused: list[float] = []
    sleep = asyncio.sleep

    async def record_call(seconds: float) -> None:
        paused.append(seconds)
        await sleep(0)

    monkeypatch.setattr("gqlnews.server.endpoint.asyncio.sleep", record_call)
    app_state: AppState = client.app.state.app_state  # type: ignore[attr-defined]
    monkeypatch.setattr(app_state.offload._queued, "_max_jobs_per_client", 0)
    response = client.post("/graphql", json=REQUESTS["a filter with many tests"])
    assert (response.status_code, paused.count(OVERLOAD_DELAY_SECONDS)) == (503, 1)


def test_many_at_once_are_each_answered(client: TestClient) -> None:
    """The thread and the loop share the document's plans, yet every response is correct."""

    def ask(number: int) -> Any:
        where = {"or": [{"title": {"contains": word}} for word in ["Publish"] * (1 + number % 60)]}
        return client.post("/graphql", json={"query": WIDE, "variables": {"w": where}}).json()

    with ThreadPoolExecutor(8) as pool:
        responses = [json.dumps(response) for response in pool.map(ask, range(120))]
    assert {response for response in responses if "OVERLOADED" not in response} == {responses[0]}
    assert "errors" not in responses[0]


def test_the_loop_share_is_used_up_and_refilled() -> None:
    share, now = LoopShare(), 100.0
    assert share.budget("a", now) == MAX_SECONDS
    for _ in range(2):
        share.spend("a", MAX_SECONDS, now)
    assert share.budget("a", now) == MIN_SECONDS
    share.spend("a", FREE_SECONDS, now)  # so short a time is free
    assert MIN_SECONDS < share.budget("a", now + 0.1) < MAX_SECONDS
    assert share.budget("a", now + 60) == MAX_SECONDS


def test_an_idle_client_keeps_its_own_share() -> None:
    share, now = LoopShare(), 100.0
    for _ in range(100):
        share.spend("a", MAX_SECONDS, now)
    assert (share.budget("a", now), share.budget("b", now)) == (MIN_SECONDS, CLIENT_BURST_SECONDS)
    share.spend("b", CLIENT_BURST_SECONDS, now)
    assert (share.budget("b", now), share.budget("c", now)) == (MIN_SECONDS, CLIENT_BURST_SECONDS)
    assert share.budget("b", now + 1) == CLIENT_BURST_SECONDS
