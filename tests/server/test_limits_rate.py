"""Admission limits: concurrent operations, and cost per second and address."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from gqlnews.app import build_app
from gqlnews.config.settings import HttpSettings, ServerSettings
from gqlnews.server.limits import (
    ConcurrencyLimiter,
    StreamLimiter,
    TokenBucketLimiter,
    client_address,
    client_key,
)
from gqlnews.server.response import HTTPError

QUERY = {"query": "{ site { articleCount } }"}


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def count_acquired(rate_limit: TokenBucketLimiter, address: str, cost: int, times: int) -> int:
    """Count how many of these calls succeed."""
    done = 0
    for _ in range(times):
        try:
            rate_limit.acquire(address, cost)
        except HTTPError:
            continue
        done += 1
    return done


def test_unused_tokens_accumulate_up_to_the_bucket_size(clock: Clock) -> None:
    limits = TokenBucketLimiter(10, clock)
    assert count_acquired(limits, "a", 1, 50) == 20
    clock.now += 0.5
    assert count_acquired(limits, "a", 1, 50) == 5
    clock.now += 1000
    assert count_acquired(limits, "a", 1, 50) == 20


def test_every_address_has_its_own_bucket(clock: Clock) -> None:
    limits = TokenBucketLimiter(10, clock)
    assert [count_acquired(limits, address, 1, 50) for address in "ab"] == [20, 20]


def test_an_operation_over_the_remaining_tokens_runs_into_debt(clock: Clock) -> None:
    limits = TokenBucketLimiter(10, clock)
    limits.acquire("a", 100)
    with pytest.raises(HTTPError) as error:
        limits.acquire("a", 1)
    assert (error.value.status, error.value.headers["Retry-After"]) == (429, "9")
    clock.now += 9
    limits.acquire("a", 1)


def test_later_requests_pay_for_a_cost_underestimate(clock: Clock) -> None:
    limits = TokenBucketLimiter(10, clock)
    limits.acquire("a", 1)
    limits.charge("a", 49)
    assert count_acquired(limits, "a", 1, 5) == 0
    clock.now += 3.2
    assert count_acquired(limits, "a", 1, 1) == 1
    limits.charge("of nobody", 5)


def test_a_rate_of_zero_disables_the_limit(clock: Clock) -> None:
    assert count_acquired(TokenBucketLimiter(0, clock), "a", 1_000, 50) == 50


def test_the_number_of_tracked_addresses_is_limited(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gqlnews.server.limits.MAX_ADDRESSES", 10)
    limits = TokenBucketLimiter(1, clock)
    for number in range(100):
        limits.acquire(f"10.0.0.{number}", 1)
    assert len(limits._buckets) == 10


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("unix:", "unix:"),
    ],
)
def test_an_address_identifies_a_client(host: str, address: str) -> None:
    assert client_address({"client": (host, 1)}) == address


def test_without_an_address_all_clients_share_a_bucket() -> None:
    assert client_address({}) == client_address({"client": None}) == ""


def test_slots_are_released() -> None:
    places = ConcurrencyLimiter(1)
    for _ in range(3):
        with places, pytest.raises(HTTPError) as error, places:
            raise AssertionError
        assert (error.value.status, error.value.headers) == (503, {"Retry-After": "1"})
    assert places.count == 0


def test_zero_disables_the_limit() -> None:
    places = ConcurrencyLimiter(0)
    with places, places, places:
        assert places.count == 3


@pytest.fixture
def limited(server_settings: ServerSettings) -> Iterator[TestClient]:
    with TestClient(build_app(replace(server_settings, http=HttpSettings(rate_limit=1)))) as client:
        yield client


def code(answer: Any) -> str:
    return str(answer.json()["errors"][0]["extensions"]["code"])


def test_a_client_over_the_limit_gets_retry_after(limited: TestClient) -> None:
    responses = [limited.post("/graphql", json=QUERY) for _ in range(10)]
    assert responses[0].status_code == 200
    last = responses[-1]
    assert (last.status_code, code(last), last.headers["retry-after"]) == (429, "RATE_LIMITED", "1")


def test_operations_are_charged_by_cost(server_settings: ServerSettings) -> None:
    dear = {"query": "{ articles(first: 100) { nodes { related { title } } } }"}  # over a thousand
    with TestClient(build_app(replace(server_settings, http=HttpSettings(rate_limit=100)))) as client:
        assert client.post("/graphql", json=dear).status_code == 200
        response = client.post("/graphql", json=QUERY)
        assert (response.status_code, int(response.headers["retry-after"]) > 5) == (429, True)


def test_scan_work_is_charged_too(server_settings: ServerSettings) -> None:
    """One comparison with each article, as if there were 100,000."""
    scans = {"query": '{ articles(where: {title: {contains: "x"}}) { totalCount } }'}
    app = build_app(replace(server_settings, http=HttpSettings(rate_limit=100)))
    with TestClient(app) as client:
        app.state.app_state.store._sizes = ({"": 100_000},) * 2
        assert client.post("/graphql", json=scans).status_code == 200
        response = client.post("/graphql", json=QUERY)
        assert (response.status_code, int(response.headers["retry-after"]) > 20) == (429, True)


@pytest.mark.usefixtures("no_inline_execution")
def test_statements_run_for_the_address_of_their_client(server_settings: ServerSettings) -> None:
    app = build_app(replace(server_settings, response_cache_bytes=0, field_cache_bytes=0))
    with TestClient(app) as client:
        readers, seen = app.state.app_state.store._pool, []
        enqueue = readers._enqueue

        def record_call(call: Any) -> None:
            seen.append((call.client, call.expected < 1))
            enqueue(call)

        readers._enqueue = record_call
        parts = {"query": "{ articles { totalCount ... @defer { nodes { slug } } } }"}
        for accept in ("application/json", "text/event-stream", "multipart/mixed"):
            client.post("/graphql", json=parts, headers={"accept": accept})
        with client.websocket_connect("/graphql", ["graphql-transport-ws"]) as socket:
            socket.send_json({"type": "connection_init"})
            socket.receive_json()
            socket.send_json({"id": "1", "type": "subscribe", "payload": QUERY})
            assert socket.receive_json()["type"] == "next"
    assert seen == [("testclient", True)] * 4


def test_operations_of_a_websocket_count_too(limited: TestClient) -> None:
    with limited.websocket_connect("/graphql", ["graphql-transport-ws"]) as socket:
        socket.send_json({"type": "connection_init"})
        socket.receive_json()
        for number in range(10):
            socket.send_json({"id": str(number), "type": "subscribe", "payload": QUERY})
        responses = [socket.receive_json() for _ in range(10)]
    errors = [
        response["payload"][0]["extensions"]["code"] for response in responses if response["type"] == "error"
    ]
    assert set(errors) == {"RATE_LIMITED"}


def test_past_the_concurrency_limit_is_503(server_settings: ServerSettings) -> None:
    app = build_app(
        replace(server_settings, response_cache_bytes=0, http=HttpSettings(max_concurrent_requests=1))
    )
    with TestClient(app) as client:
        app.state.app_state.concurrency_limiter.count = 1  # as if one ran
        response = client.post("/graphql", json=QUERY)
        assert (response.status_code, code(response), response.headers["retry-after"]) == (
            503,
            "OVERLOADED",
            "1",
        )
        app.state.app_state.concurrency_limiter.count = 0
        assert client.post("/graphql", json=QUERY).status_code == 200


DEFERRED = {"query": "query Deferred { articles { totalCount ... @defer { nodes { slug } } } }"}
STREAMED = {"query": "query Streamed { articles { nodes @stream(initialCount: 1) { slug } } }"}
NAMED = {"query": "query Named { site { articleCount } }"}


@pytest.mark.parametrize(
    ("accept", "request_"),
    [
        ("multipart/mixed", DEFERRED),
        ("multipart/mixed; deferSpec=20220824, application/json", DEFERRED),
        ("multipart/mixed", STREAMED),
        ("multipart/mixed", NAMED),
        ("text/event-stream", NAMED),
    ],
)
def test_a_stream_past_the_concurrency_limit_is_503(
    server_settings: ServerSettings, accept: str, request_: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gqlnews")
    app = build_app(
        replace(server_settings, response_cache_bytes=0, http=HttpSettings(max_concurrent_requests=1))
    )
    with TestClient(app) as client:
        app_state = app.state.app_state
        app_state.concurrency_limiter.count = 1  # as if one ran
        response = client.post("/graphql", json=request_, headers={"accept": accept})
        assert (response.status_code, code(response), response.headers["retry-after"]) == (
            503,
            "OVERLOADED",
            "1",
        )
        assert response.headers["content-type"].startswith("application/json")
        assert set(response.json()) == {"errors"}
        assert sum(sum(counts) for counts in app_state.metrics.outcome_counts.values()) == 1
        assert app_state.stream_limiter.count == 0
        app_state.concurrency_limiter.count = 0
        assert client.post("/graphql", json=request_, headers={"accept": accept}).status_code == 200
    lines = [record.__dict__["fields"] for record in caplog.records if record.name == "gqlnews"]
    assert [fields.get("code") for fields in lines] == ["OVERLOADED", None]


@pytest.mark.parametrize(
    ("by_address", "alike"),
    [(True, True), (False, False)],
)
def test_a_client_is_an_address_or_a_connection(by_address: bool, alike: bool) -> None:
    first, second = ({"client": ("10.0.0.1", port)} for port in (1, 2))
    assert (client_key(first, by_address=by_address) == client_key(second, by_address=by_address)) is alike
    assert client_key(first, by_address=by_address) == client_key(first, by_address=by_address)


ONE, SAME_NETWORK, ANOTHER = (
    {"client": (host, 1)} for host in ("2001:db8::1", "2001:db8::2", "2001:db8:1::1")
)


def test_addresses_of_an_ipv6_network_share_the_limit_of_streams() -> None:
    streams = StreamLimiter(0, 1)
    with streams.acquire(ONE, "websocket"):
        with pytest.raises(HTTPError) as error, streams.acquire(SAME_NETWORK, "events"):
            raise AssertionError
        assert error.value.status == 429
        with streams.acquire(ANOTHER, "events"):
            assert streams.count == 2


def test_addresses_of_an_ipv6_network_are_one_client() -> None:
    """For the limits of subscriptions, bodies and responses, and for fair scheduling."""
    keys = [client_key(scope, by_address=True) for scope in (ONE, SAME_NETWORK, ANOTHER)]
    assert (keys[0] == keys[1], keys[0] == keys[2]) == (True, False)


def test_connections_of_an_ipv6_network_are_several_clients() -> None:
    """If each connection is a client, even if two of them have the same port."""
    assert client_key(ONE, by_address=False) != client_key(SAME_NETWORK, by_address=False)


def test_clients_without_an_address_share_a_key() -> None:
    assert client_key({"client": None}, by_address=False) == ""
