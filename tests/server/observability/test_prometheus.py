"""`/metrics`, tested with real requests."""

import asyncio
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient, WebSocketDenialResponse

from gqlnews.app import build_app
from gqlnews.config.settings import ServerSettings
from gqlnews.content.models import ParseOptions
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.ingest.pipeline import ingest
from gqlnews.query.entities import Audience
from gqlnews.server.app_state import AppState
from gqlnews.server.forwarded import is_private_address
from tests.server.support import DEADLINE, PUBLISHED, TOKEN, write_articles

DOCS = (Path(__file__).parents[3] / "docs" / "operations.md").read_text("utf-8")
FRONT = {"query": "query Front { site { articleCount } }"}
SLOW = (
    "WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 30000) SELECT CAST(max(i) AS TEXT) FROM n",
    (),
)
SUBSCRIPTION = "subscription Watch { articleChanged { slug } }"

Samples = dict[tuple[str, tuple[str, ...]], float]
"""(name, label values in the order of the label names) → value."""


@contextmanager
def serving(settings: ServerSettings, host: str = "127.0.0.1") -> Iterator[TestClient]:
    with TestClient(build_app(replace(settings, metrics=True)), client=(host, 50000)) as client:
        yield client


@pytest.fixture
def client(server_settings: ServerSettings) -> Iterator[TestClient]:
    with serving(server_settings) as client:
        yield client


def families(client: TestClient) -> list[Any]:
    response = client.get("/metrics")
    assert response.status_code == 200
    return list(text_string_to_metric_families(response.text))


def samples(client: TestClient) -> Samples:
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families(client)
        for sample in family.samples
    }


def scrapes(client: TestClient) -> Iterator[Samples]:
    """Scrape repeatedly, until the server has recorded what happened."""
    until = time.monotonic() + DEADLINE
    while time.monotonic() < until:
        yield samples(client)


def post_query(client: TestClient, query: str) -> Any:
    return client.post("/graphql", json={"query": query}).json()


def test_metrics_are_off_by_default(server_settings: ServerSettings) -> None:
    with TestClient(build_app(server_settings), client=("127.0.0.1", 50000)) as client:
        assert client.get("/metrics").status_code == 404


def test_for_public_addresses_the_path_does_not_exist(server_settings: ServerSettings) -> None:
    with serving(server_settings, "8.8.8.8") as client:
        nowhere = client.get("/nowhere")
        assert (client.get("/metrics").status_code, client.get("/metrics").json()) == (404, nowhere.json())


@pytest.mark.parametrize(
    ("host", "inside"),
    [
        (None, True),
        ("127.0.0.1", True),
        ("::1", True),
        ("10.1.2.3", True),
        ("192.168.0.9", True),
        ("fd00::1", True),
        ("fe80::1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:8.8.8.8", False),
        ("8.8.8.8", False),
        ("2001:4860:4860::8888", False),
        ("testclient", False),
        ("", False),
    ],
)
def test_private_addresses(host: str | None, inside: bool) -> None:
    assert is_private_address(host) is inside


def test_operations_are_counted_by_name_and_outcome(client: TestClient) -> None:
    client.post("/graphql", json=FRONT)
    client.post("/graphql", json=FRONT)
    client.get("/graphql", params={"query": "{ site { version } }"})
    post_query(client, "query Front { nothing }")
    post_query(client, "query Invalid { ")
    client.post("/graphql", content="no JSON", headers={"content-type": "application/json"})
    counted = {
        labels: value
        for (name, labels), value in samples(client).items()
        if name == "gqlnews_operations_total"
    }
    assert counted == {("Front", "ok"): 2, ("-", "ok"): 1, ("-", "refused"): 3}


def test_errors_are_counted_by_code(client: TestClient) -> None:
    post_query(client, "{ articles(first: 1000) { nodes { slug } } }")
    client.post("/graphql", content="x" * 300_000, headers={"content-type": "application/json"})
    client.post("/graphql", json=FRONT, headers={"authorization": "Bearer wrong"})
    counted = samples(client)
    for code in ("BAD_PAGE", "BODY_TOO_LARGE", "UNAUTHENTICATED"):
        assert counted["gqlnews_errors_total", (code,)] == 1


def test_response_cache_lookups_and_statements_are_counted(client: TestClient) -> None:
    before = samples(client)
    for _ in range(3):
        client.post("/graphql", json=FRONT)
    after = samples(client)
    assert after["gqlnews_response_cache_lookups_total", ("hit",)] == 2
    assert after["gqlnews_response_cache_lookups_total", ("miss",)] == 1
    assert after["gqlnews_response_cache_bytes", ()] > 0
    assert after["gqlnews_statements_total", ()] == before["gqlnews_statements_total", ()] + 1


def test_field_cache_lookups_are_counted(client: TestClient) -> None:
    before = samples(client)
    for more in ("", "site { articleCount }"):
        post_query(client, f"{{ topics {{ name }} {more} }}")
    after = samples(client)
    assert after["gqlnews_field_cache_lookups_total", ("hit",)] == 1
    assert after["gqlnews_field_cache_lookups_total", ("miss",)] == 2
    assert after["gqlnews_field_cache_bytes", ()] > 0
    assert after["gqlnews_prepared_cache_bytes", ()] > before["gqlnews_prepared_cache_bytes", ()]
    assert after["gqlnews_statements_total", ()] == before["gqlnews_statements_total", ()] + 2


@pytest.mark.usefixtures("no_inline_execution")
def test_coalesced_statements_are_counted(client: TestClient) -> None:
    app_state: AppState = client.app.state.app_state  # type: ignore[attr-defined]
    fields = app_state.engine.field_cache

    async def read(count: int) -> None:
        await asyncio.gather(*(fields.read(Audience.PUBLIC, [SLOW]) for _ in range(count)))

    before = samples(client)
    assert client.portal is not None
    client.portal.call(read, 20)
    after = samples(client)
    assert after["gqlnews_statements_total", ()] == before["gqlnews_statements_total", ()] + 1
    assert after["gqlnews_coalesced_statements_total", ()] == 19


def test_a_304_is_counted(client: TestClient) -> None:
    first = client.get("/graphql", params=FRONT)
    again = client.get("/graphql", params=FRONT, headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert samples(client)["gqlnews_operations_total", ("Front", "ok")] == 2


def test_operation_durations_are_recorded(client: TestClient) -> None:
    client.post("/graphql", json=FRONT)
    counted = samples(client)
    assert counted["gqlnews_operation_seconds_bucket", ("+Inf",)] == 1
    assert counted["gqlnews_operation_seconds_count", ()] == 1
    assert 0 < counted["gqlnews_operation_seconds_sum", ()] < 60


def test_a_socket_and_its_operations_are_counted(client: TestClient) -> None:
    with client.websocket_connect("/graphql", subprotocols=["graphql-transport-ws"]) as socket:
        socket.send_json({"type": "connection_init"})
        socket.receive_json()
        socket.send_json({"id": "1", "type": "subscribe", "payload": FRONT})
        socket.receive_json()
        assert socket.receive_json()["type"] == "complete"
        socket.send_json({"id": "2", "type": "subscribe", "payload": {"query": SUBSCRIPTION}})
        socket.send_json({"type": "ping"})
        assert socket.receive_json()["type"] == "pong"
        counted = samples(client)
        assert counted["gqlnews_open_streams", ("websocket",)] == 1
        assert counted["gqlnews_active_subscriptions", ()] == 1
        assert counted["gqlnews_operations_total", ("Front", "ok")] == 1
    watched = "gqlnews_operations_total", ("Watch", "ok")
    after = next(after for after in scrapes(client) if watched in after)
    assert after[watched] == 1
    assert after["gqlnews_open_streams", ("websocket",)] == 0
    assert after["gqlnews_operation_seconds_count", ()] == 1  # subscriptions last as long as the client


def test_events_and_changes_are_counted(tmp_path: Path) -> None:
    folder = write_articles(tmp_path / "content")
    with closing(open_writer(tmp_path / "news.db")) as db:
        ingest(db, folder, ParseOptions(), processes=1)
        with (
            serving(ServerSettings(tmp_path / "news.db")) as client,
            client.websocket_connect("/graphql", subprotocols=["graphql-transport-ws"]) as socket,
        ):
            socket.send_json({"type": "connection_init"})
            socket.receive_json()
            socket.send_json({"id": "1", "type": "subscribe", "payload": {"query": SUBSCRIPTION}})
            socket.send_json({"type": "ping"})
            socket.receive_json()
            write_articles(folder, {"published.md": PUBLISHED.replace("A body", "Another")})
            ingest(db, folder, ParseOptions(), processes=1)
            assert socket.receive_json()["type"] == "next"
            counted = samples(client)
            assert counted["gqlnews_events_total", ()] == 1
            assert counted["gqlnews_changes_total", ("public",)] == 2


def test_limits_of_streams_are_counted(server_settings: ServerSettings) -> None:
    with (
        serving(replace(server_settings, max_streams=1)) as client,
        client.websocket_connect("/graphql", subprotocols=["graphql-transport-ws"]),
    ):
        events = client.post(
            "/graphql", json={"query": SUBSCRIPTION}, headers={"accept": "text/event-stream"}
        )
        assert events.status_code == 503
        with pytest.raises(WebSocketDenialResponse):
            client.websocket_connect("/graphql", subprotocols=["graphql-transport-ws"]).__enter__()
        assert samples(client)["gqlnews_errors_total", ("TOO_MANY_STREAMS",)] == 2


def test_the_content_is_counted(client: TestClient) -> None:
    counted = samples(client)
    assert (counted["gqlnews_articles", ("public",)], counted["gqlnews_articles", ("all",)]) == (1, 2)
    assert counted["gqlnews_problems", ("error",)] == 1
    assert counted["gqlnews_changes_total", ("public",)] == 1
    assert counted["gqlnews_changes_total", ("all",)] == 2


def test_when_the_database_does_not_respond_the_other_metrics_are_exposed(
    database: Path, tmp_path: Path, server_settings: ServerSettings
) -> None:
    copy = Path(shutil.copy(database, tmp_path))
    with serving(replace(server_settings, database=copy)) as client:
        with closing(sqlite3.connect(copy)) as db:
            db.execute("DROP TABLE problem")
        counted = samples(client)
        assert ("gqlnews_problems", ("error",)) not in counted
        assert ("gqlnews_active_subscriptions", ()) in counted


def test_openmetrics_is_served_on_request(client: TestClient) -> None:
    response = client.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert response.text.endswith("# EOF\n")


def test_no_metric_contains_a_token(client: TestClient) -> None:
    client.post("/graphql", json=FRONT, headers={"authorization": f"Bearer {TOKEN}"})
    assert TOKEN not in client.get("/metrics").text


def test_the_documentation_has_every_metric_and_no_other(client: TestClient) -> None:
    client.post("/graphql", json={"query": "{ nothing }"})
    ours = [family for family in families(client) if family.name.startswith("gqlnews_")]
    labelled = {
        family.name + ("_total" if family.type == "counter" else ""): (
            family.type,
            {label for sample in family.samples for label in sample.labels} - {"le"},
        )
        for family in ours
    }
    # tests/server/test_postgres_server.py reads those with PostgreSQL.
    row = r"^\| `(gqlnews_\w+)` \| (\w+) \| (.*?) \| (?!With PostgreSQL)\S"
    rows = re.findall(row, DOCS, re.MULTILINE)
    assert labelled == {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    assert any(family.name.startswith("process_") for family in families(client))
