"""Limits seen by a client: the same error over every transport, and the cost if it is requested."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from starlette.testclient import TestClient

from gqlnews.app import build_app
from gqlnews.config.settings import Limits, ServerSettings
from tests.ingest.folder import keys_of, text_of
from tests.product import run_ingest
from tests.server.support import DEADLINE, write_articles

QUERY = "{ articles(first: 20) { nodes { related { title } } } }"
ASKS = {"cost": True}
NEWER = "application/graphql-response+json"


@pytest.fixture(params=[221, 220])
def limit(request: pytest.FixtureRequest) -> int:
    value: int = request.param
    return value


@pytest.fixture
def client(tmp_path: Path, limit: int) -> Iterator[TestClient]:
    run_ingest(write_articles(tmp_path / "content"), tmp_path / "store.db")
    settings = ServerSettings(tmp_path / "store.db", explorer=False, limits=Limits(max_cost=limit))
    with TestClient(build_app(settings)) as made:
        yield made


def check(answer: dict[str, Any], limit: int) -> None:
    scan = {"requested": 0, "limit": None}
    assert answer["extensions"] == {"cost": {"requested": 221, "limit": limit, "scan": scan}}
    assert ("data" in answer, "errors" in answer) == (limit >= 221, limit < 221)


def test_repeated_posts(client: TestClient, limit: int) -> None:
    for _ in range(2):
        check(client.post("/graphql", json={"query": QUERY, "extensions": ASKS}).json(), limit)
    assert "extensions" not in client.post("/graphql", json={"query": QUERY}).json()


def test_by_get(client: TestClient, limit: int) -> None:
    parameters = {"query": QUERY, "extensions": json.dumps(ASKS)}
    check(client.get("/graphql", params=parameters).json(), limit)


@pytest.mark.parametrize(("accept", "status"), [(NEWER, 400), ("application/json", 200)])
def test_an_exceeded_limit_has_the_status_of_other_graphql_errors(
    client: TestClient, limit: int, accept: str, status: int
) -> None:
    response = client.post("/graphql", json={"query": QUERY}, headers={"accept": accept})
    assert response.status_code == (200 if limit >= 221 else status)


def test_over_a_websocket(client: TestClient, limit: int) -> None:
    with client.websocket_connect("/graphql", subprotocols=["graphql-transport-ws"]) as socket:
        socket.send_json({"type": "connection_init"})
        assert socket.receive_json() == {"type": "connection_ack"}
        payload = {"query": QUERY, "extensions": ASKS}
        socket.send_json({"id": "1", "type": "subscribe", "payload": payload})
        message = socket.receive_json()
        if limit >= 221:
            check(message["payload"], limit)
        else:  # the protocol has no field for anything but errors
            assert [error["extensions"]["code"] for error in message["payload"]] == ["TOO_COSTLY"]


SCANS = {"query": '{ articles(where: {title: {contains: "x"}}) { totalCount facets { types { count } } } }'}
"""Two scans of the one public article: 28 and 98 comparisons."""
COMPARISONS = 126


def write_many_articles(folder: Path, count: int) -> Path:
    text = "---\ntitle: A\npublishedDateTime: 2021-04-15\nwebUrl: https://x.example/{0}\n---\n"
    return write_articles(folder, {f"{number}.md": text.format(number) for number in range(count)})


@contextmanager
def serving_many(folder: Path, limits: Limits, count: int = 40, **settings: Any) -> Iterator[TestClient]:
    run_ingest(write_many_articles(folder / "content", count), folder / "store.db")
    settings_with_limits = ServerSettings(folder / "store.db", explorer=False, limits=limits, **settings)
    with TestClient(build_app(settings_with_limits)) as client:
        yield client


SCAN = 1 + 40 * COMPARISONS // 1_000


@pytest.mark.parametrize(("most", "passes"), [(0, True), (SCAN, True), (SCAN - 1, False)])
def test_too_much_scan_work_is_rejected_before_it_runs(tmp_path: Path, most: int, passes: bool) -> None:
    with serving_many(tmp_path, Limits(max_scan=most)) as client:
        requests = client.post("/graphql", json={**SCANS, "extensions": ASKS}, headers={"accept": NEWER})
    response = requests.json()
    assert requests.status_code == (200 if passes else 400)
    assert response["extensions"]["cost"]["scan"] == {"requested": SCAN, "limit": most or None}
    if not passes:
        (error,) = response["errors"]
        assert error["extensions"]["code"] == "TOO_COSTLY"
        assert f"{SCAN} thousand comparisons, and the limit is {most}" in error["message"]
        assert "data" not in response


def test_the_error_is_the_same_over_every_transport(tmp_path: Path) -> None:
    parts = {"query": SCANS["query"].replace("facets {", "... @defer { facets {") + " }"}
    with serving_many(tmp_path, Limits(max_scan=1)) as client:
        for accept in (NEWER, "text/event-stream", "multipart/mixed"):
            for one in (SCANS, parts):
                body = client.post("/graphql", json=one, headers={"accept": accept}).text
                assert "TOO_COSTLY" in body
                assert '"data":{' not in body
        with client.websocket_connect("/graphql", subprotocols=["graphql-transport-ws"]) as socket:
            socket.send_json({"type": "connection_init"})
            socket.receive_json()
            socket.send_json({"id": "1", "type": "subscribe", "payload": SCANS})
            assert socket.receive_json()["payload"][0]["extensions"]["code"] == "TOO_COSTLY"


def test_the_scan_of_a_prepared_request_grows_with_the_content(tmp_path: Path) -> None:
    def scan(client: TestClient) -> int:
        response = client.post("/graphql", json={**SCANS, "extensions": ASKS}).json()
        return int(response["extensions"]["cost"]["scan"]["requested"])

    with serving_many(tmp_path, Limits(), response_cache_bytes=0) as client:
        assert scan(client) == SCAN
        run_ingest(write_many_articles(tmp_path / "content", 200), tmp_path / "store.db")
        until = monotonic() + DEADLINE
        while scan(client) == SCAN and monotonic() < until:
            pass
        assert scan(client) == 1 + 200 * COMPARISONS // 1_000


def test_a_cost_error_contains_the_scan_work(tmp_path: Path) -> None:
    with serving_many(tmp_path, Limits(max_cost=1)) as client:
        response = client.post("/graphql", json={**SCANS, "extensions": ASKS}).json()
    assert response["errors"][0]["extensions"]["code"] == "TOO_COSTLY"
    assert response["extensions"]["cost"]["scan"]["requested"] == SCAN


@pytest.fixture
def busy(tmp_path: Path, no_inline_execution: None) -> Iterator[TestClient]:
    """A server whose readers are all at work, as it were."""
    with serving_many(
        tmp_path, Limits(timeout_seconds=0.1), count=1, response_cache_bytes=0, field_cache_bytes=0
    ) as client:
        readers = client.app.state.app_state.store._pool  # type: ignore[attr-defined]
        idle, readers._idle = readers._idle, []
        yield client
        readers._idle = idle


@pytest.mark.parametrize("accept", [NEWER, "application/json"])
@pytest.mark.parametrize("query", [QUERY, "{ __typename site { version } }"])
def test_a_job_that_waits_too_long_is_503(busy: TestClient, accept: str, query: str) -> None:
    response = busy.post("/graphql", json={"query": query}, headers={"accept": accept})
    (error,) = response.json()["errors"]
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert error["extensions"]["code"] == "OVERLOADED"
    assert "data" not in response.json()


@pytest.mark.parametrize("accept", ["text/event-stream", "multipart/mixed"])
def test_a_stream_reports_overload_as_an_error(busy: TestClient, accept: str) -> None:
    query = "{ articles { totalCount ... @defer { nodes { slug } } } }"
    assert "OVERLOADED" in busy.post("/graphql", json={"query": query}, headers={"accept": accept}).text


def test_a_websocket_reports_overload_as_an_error(busy: TestClient) -> None:
    with busy.websocket_connect("/graphql", subprotocols=["graphql-transport-ws"]) as socket:
        socket.send_json({"type": "connection_init"})
        socket.receive_json()
        socket.send_json({"id": "1", "type": "subscribe", "payload": {"query": QUERY}})
        assert socket.receive_json()["payload"][0]["extensions"]["code"] == "OVERLOADED"


# Hints travel like the cost: over every transport, and only where a client wants them.

HINTED = '{ articles(where: {topic: {any: ["Machine Learning"]}}) { totalCount } }'
WANTS_HINTS = {"hints": True}


@pytest.fixture
def hinting(tmp_path: Path) -> Iterator[TestClient]:
    folder = write_articles(tmp_path / "content")
    keys = keys_of("https://example.com/t", topics=["Machine Learning"])
    (folder / "hinted.md").write_text(text_of(keys))
    run_ingest(folder, tmp_path / "store.db")
    with TestClient(build_app(ServerSettings(tmp_path / "store.db", explorer=False))) as made:
        yield made


def is_hinted(answer: dict[str, Any]) -> bool:
    if "extensions" not in answer:
        return False
    (hint,) = answer["extensions"]["hints"]
    return list(hint["suggestions"]) == ["machine-learning"]


def test_hints_are_sent_over_http_only_where_they_are_wanted(hinting: TestClient) -> None:
    plain, hinted = {"query": HINTED}, {"query": HINTED, "extensions": WANTS_HINTS}
    for payload in (plain, hinted, plain, hinted):  # the second two come from the response cache
        answer = hinting.post("/graphql", json=payload).json()
        assert answer["data"] == {"articles": {"totalCount": 0}}
        assert is_hinted(answer) is (payload is hinted)
    parameters = {"query": HINTED, "extensions": json.dumps(WANTS_HINTS)}
    responses = [hinting.get("/graphql", params=params) for params in (plain, parameters)]
    assert [is_hinted(response.json()) for response in responses] == [False, True]
    tags = [response.headers["etag"] for response in responses]
    assert tags[0] != tags[1]
    assert hinting.get("/graphql", params=parameters, headers={"if-none-match": tags[1]}).status_code == 304


def test_hints_are_sent_over_a_websocket(hinting: TestClient) -> None:
    with hinting.websocket_connect("/graphql", subprotocols=["graphql-transport-ws"]) as socket:
        socket.send_json({"type": "connection_init"})
        assert socket.receive_json()["type"] == "connection_ack"
        payload = {"query": HINTED, "extensions": WANTS_HINTS}
        socket.send_json({"type": "subscribe", "id": "1", "payload": payload})
        assert is_hinted(socket.receive_json()["payload"])


def test_a_request_for_hints_that_exceeds_a_limit_gets_the_error_of_the_limit(tmp_path: Path) -> None:
    folder = write_articles(tmp_path / "content")
    keys = keys_of("https://example.com/t", title="T" * 700, topics=["Machine Learning"])
    (folder / "long.md").write_text(text_of(keys))
    run_ingest(folder, tmp_path / "store.db")
    query = '{ articles(where: {topic: {any: ["machine-learning"]}}) { nodes { title a: title } } }'
    settings = ServerSettings(tmp_path / "store.db", limits=Limits(max_response_bytes=1_000))
    with TestClient(build_app(settings)) as client:
        payloads = [{"query": query}, {"query": query, "extensions": WANTS_HINTS}]
        answers = [client.post("/graphql", json=payload).json() for payload in payloads]
    assert answers[0] == answers[1]
    assert answers[1]["errors"][0]["extensions"]["code"] == "ANSWER_TOO_LARGE"
