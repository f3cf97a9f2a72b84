"""Traces of real requests: operation, root field, statement."""

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from starlette.testclient import TestClient, WebSocketTestSession

from gqlnews.app import build_app
from gqlnews.config.settings import ServerSettings
from gqlnews.errors import DatabaseError
from gqlnews.server.observability import tracing
from tests.ingest.watch_process import until
from tests.product import run_ingest
from tests.server.support import DEADLINE, TOKEN, run_cli, serving, write_articles

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TWO = """query Two($slug: String!) { mine: article(slug: $slug) { title } site { articleCount } }"""


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """An exporter that collects the spans in memory."""
    exporter = InMemorySpanExporter()
    monkeypatch.setattr(tracing, "build_processor", lambda: SimpleSpanProcessor(exporter))
    return exporter


@pytest.fixture
def client(server_settings: ServerSettings, exporter: InMemorySpanExporter) -> Iterator[TestClient]:
    with TestClient(build_app(replace(server_settings, tracing=True))) as client:
        yield client


def post_query(
    client: TestClient, query: str, headers: dict[str, str] | None = None, **variables: str
) -> Any:
    return client.post("/graphql", json={"query": query, "variables": variables}, headers=headers).json()


@contextmanager
def open_socket(client: TestClient) -> Iterator[WebSocketTestSession]:
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    with client.websocket_connect("/graphql", ["graphql-transport-ws"], headers=headers) as socket:
        socket.send_json({"type": "connection_init"})
        socket.receive_json()
        yield socket


def exported_spans(exporter: InMemorySpanExporter, *names: str) -> list[ReadableSpan]:
    """Return the finished spans with these names."""
    return [span for span in exporter.get_finished_spans() if span.name in names]


def wait_for(exporter: InMemorySpanExporter, socket: WebSocketTestSession, name: str) -> None:
    """Wait for a span: it ends some loop turns after the operation's last message."""
    until = time.monotonic() + DEADLINE
    while not exported_spans(exporter, name) and time.monotonic() < until:
        socket.send_json({"type": "ping"})
        socket.receive_json()


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def parent_of(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent else None


def identity(span: ReadableSpan) -> int:
    assert span.context is not None
    return int(span.context.span_id)


def test_statement_spans_are_children_of_root_field_spans(
    client: TestClient, exporter: InMemorySpanExporter
) -> None:
    post_query(client, TWO, slug="published")
    (operation,) = exported_spans(exporter, "query")
    fields, statements = exported_spans(exporter, "root field"), exported_spans(exporter, "statement")
    assert [attributes(field) for field in fields] == [{"gqlnews.field": "mine"}, {"gqlnews.field": "site"}]
    assert [parent_of(field) for field in fields] == [identity(operation)] * 2
    assert [parent_of(statement) for statement in statements] == [identity(field) for field in fields]
    assert operation.kind is SpanKind.SERVER
    assert len(exporter.get_finished_spans()) == 5  # none for nested fields


def test_an_operation_span_has_its_name_and_outcome(
    client: TestClient, exporter: InMemorySpanExporter
) -> None:
    for _ in range(2):
        post_query(client, "query Front { site { articleCount } }")
    post_query(client, "query Wrong { nothing }")
    front = {"graphql.operation.name": "Front", "graphql.operation.type": "query", "gqlnews.outcome": "ok"}
    assert [attributes(span) for span in exported_spans(exporter, "query", "operation")] == [
        {**front, "gqlnews.cached": False},
        {**front, "gqlnews.cached": True},
        {"gqlnews.outcome": "refused", "gqlnews.cached": False},
    ]


def test_a_statement_span_has_its_text_and_rows_but_no_values(
    client: TestClient, exporter: InMemorySpanExporter
) -> None:
    post_query(client, TWO, {"authorization": f"Bearer {TOKEN}"}, slug="a-value-of-a-variable")
    post_query(client, '{ article(slug: "a-value-of-an-argument") { title } }')
    statements = [attributes(span) for span in exported_spans(exporter, "statement")]
    assert [one["db.response.returned_rows"] for one in statements] == [0, 1, 0]
    assert all(one["db.query.text"].lstrip().startswith(("SELECT", "WITH")) for one in statements)
    everything = " ".join(span.to_json() for span in exporter.get_finished_spans())
    assert "a-value-of" not in everything
    assert TOKEN not in everything


def test_identical_aliases_share_a_span(client: TestClient, exporter: InMemorySpanExporter) -> None:
    post_query(client, "{ first: site { articleCount } topics { name } second: site { articleCount } }")
    fields = [attributes(field)["gqlnews.field"] for field in exported_spans(exporter, "root field")]
    assert fields == ["first, second", "topics"]


def test_a_cached_root_field_has_no_span(client: TestClient, exporter: InMemorySpanExporter) -> None:
    post_query(client, "{ site { articleCount } }")
    post_query(client, "{ cached: site { articleCount } topics { name } }")
    assert [attributes(field)["gqlnews.field"] for field in exported_spans(exporter, "root field")] == [
        "site",
        "topics",
    ]


def test_the_traceparent_of_the_request_is_the_parent(
    client: TestClient, exporter: InMemorySpanExporter
) -> None:
    post_query(client, "{ site { version } }", {"traceparent": f"00-{TRACE}-{PARENT}-01"})
    (operation,) = exported_spans(exporter, "query")
    assert parent_of(operation) == int(PARENT, 16)
    assert operation.context is not None
    assert operation.context.trace_id == int(TRACE, 16)


@pytest.mark.parametrize("header", ["", "00-zz-zz-01", f"00-{'0' * 32}-{PARENT}-01", "é" * 50])
def test_an_invalid_traceparent_is_ignored(
    client: TestClient, exporter: InMemorySpanExporter, header: str
) -> None:
    client.post(
        "/graphql",
        json={"query": "{ site { version } }"},
        headers=[(b"traceparent", header.encode("latin-1"))],
    )
    (operation,) = exported_spans(exporter, "query")
    assert operation.parent is None


def test_an_unsampled_traceparent_is_not_recorded(client: TestClient, exporter: InMemorySpanExporter) -> None:
    post_query(client, "{ site { version } }", {"traceparent": f"00-{TRACE}-{PARENT}-00"})
    assert exporter.get_finished_spans() == ()


def test_requests_without_an_operation_have_no_span(
    client: TestClient, exporter: InMemorySpanExporter
) -> None:
    assert client.get("/graphql", headers={"accept": "text/html"}).status_code == 200
    assert client.get("/health/ready").status_code == 200
    assert exporter.get_finished_spans() == ()


def test_operations_of_a_socket_have_their_own_spans(
    client: TestClient, exporter: InMemorySpanExporter
) -> None:
    with open_socket(client) as socket:
        for key, query in (("1", "query Front { a: site { version } }"), ("2", "query Wrong { nothing }")):
            socket.send_json({"id": key, "type": "subscribe", "payload": {"query": query}})
            while socket.receive_json()["type"] == "next":
                pass
        wait_for(exporter, socket, "operation")
    spans = exported_spans(exporter, "query", "operation")
    assert [span.name for span in spans] == ["query", "operation"]
    assert {parent_of(span) for span in spans} == {int(PARENT, 16)}
    assert [attributes(span) for span in exported_spans(exporter, "root field")] == [{"gqlnews.field": "a"}]


def test_a_subscription_is_one_span_until_it_ends(client: TestClient, exporter: InMemorySpanExporter) -> None:
    with open_socket(client) as socket:
        watch = {"query": "subscription W { articleChanged { slug } }"}
        socket.send_json({"id": "1", "type": "subscribe", "payload": watch})
        socket.send_json({"type": "ping"})
        socket.receive_json()
        assert exporter.get_finished_spans() == ()
        socket.send_json({"type": "complete", "id": "1"})
        wait_for(exporter, socket, "subscription")
    (span,) = exporter.get_finished_spans()
    assert attributes(span)["graphql.operation.name"] == "W"


def test_incremental_payloads_have_their_own_spans(
    client: TestClient, exporter: InMemorySpanExporter
) -> None:
    query = 'query P { article(slug: "published") { title ... @defer { related { title } } } }'
    response = client.post("/graphql", json={"query": query}, headers={"accept": "multipart/mixed"})
    assert '"hasNext":false' in response.text
    (operation,) = exported_spans(exporter, "query")
    assert attributes(operation)["graphql.operation.name"] == "P"
    assert [attributes(span) for span in exported_spans(exporter, "root field")] == [
        {"gqlnews.field": "article"}
    ] * 2


@pytest.mark.usefixtures("exporter")
def test_a_changed_custom_field_is_served(tmp_path: Path) -> None:
    folder, database = write_articles(tmp_path / "content"), tmp_path / "store.db"
    run_ingest(folder, database)
    with TestClient(build_app(ServerSettings(database, tracing=True))) as client:
        (folder / "gqlnews.toml").write_text("[fields.sponsor]\n")
        run_ingest(folder, database)
        query = '{ article(slug: "published") { sponsor } }'
        until(lambda: "errors" not in post_query(client, query), "the new field is not served")


@pytest.mark.usefixtures("no_inline_execution")
def test_an_internal_error_sets_the_span_status(
    client: TestClient, exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*given: object) -> None:
        raise DatabaseError("of the test")

    monkeypatch.setattr("gqlnews.database.sqlite.read_pool.ReadPool.execute_batch", fail)
    post_query(client, "query Front { site { articleCount } }")
    (operation,), (statement,) = exported_spans(exporter, "query"), exported_spans(exporter, "statement")
    assert (operation.status.status_code, statement.status.status_code) == (StatusCode.ERROR,) * 2
    assert attributes(operation)["gqlnews.outcome"] == "failed"
    assert "db.response.returned_rows" not in attributes(statement)


def test_the_service_is_named_unless_the_environment_names_it(
    client: TestClient, exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    post_query(client, "{ site { version } }")
    assert exporter.get_finished_spans()[0].resource.attributes["service.name"] == "gqlnews"
    monkeypatch.setenv("OTEL_SERVICE_NAME", "news")
    assert tracing._resource().attributes["service.name"] == "news"


def test_an_unresponsive_collector_delays_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "FLUSH_SECONDS", 0.01)
    taken = threading.Event()

    class Stuck(SpanProcessor):
        def shutdown(self) -> None:
            taken.wait(60)

    async def close() -> None:
        await tracing.Tracer(Stuck()).close()

    try:
        asyncio.run(asyncio.wait_for(close(), 30))
    finally:
        taken.set()


def test_a_server_without_its_collector_serves_and_stops(tmp_path: Path) -> None:
    folder = write_articles(tmp_path / "content")
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    with serving(tmp_path, folder, env=env) as (_, run):
        run.stop(signal.SIGINT)
    assert run.process.returncode == 0


def test_without_tracing_nothing_is_imported() -> None:
    code = (
        "import sys; from pathlib import Path; from gqlnews.app import build_app;"
        " from gqlnews.config.settings import ServerSettings; build_app(ServerSettings(Path('x')));"
        " sys.exit(any(name.startswith(('opentelemetry', 'prometheus')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 - our own


def test_tracing_without_the_extra_is_rejected_in_one_line(tmp_path: Path) -> None:
    folder = write_articles(tmp_path / "content")
    hidden = tmp_path / "hidden" / "opentelemetry"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("")  # an empty package that shadows the installed one
    done = run_cli(tmp_path, "serve", folder, "--tracing", "--port", "0", PYTHONPATH=str(hidden.parent))
    assert done.returncode == 2
    assert done.stderr == "gqlnews: --tracing needs OpenTelemetry: pip install 'gqlnews[otel]'\n"
