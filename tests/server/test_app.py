"""The application: routes, response headers, health checks, and construction."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from gqlnews.app import build_app, from_environment
from gqlnews.config.settings import HttpSettings, Limits, ServerSettings
from gqlnews.content.models import ParseOptions
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.errors import DatabaseError, NotStartedError, SettingsError
from gqlnews.ingest.pipeline import ingest
from gqlnews.server.graphiql import page
from gqlnews.server.observability.metrics import OperationOutcome
from tests.server.live import running_site
from tests.server.support import DEADLINE, TOKEN_HASH, write_articles

SECURE = {"x-content-type-options": "nosniff", "x-frame-options": "DENY", "referrer-policy": "no-referrer"}
BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
COUNT = {"query": "{ site { articleCount } }"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 303),
        ("/graphql", 200),
        ("/graphql?query={site{version}}", 200),
        ("/health/live", 200),
        ("/health/ready", 200),
        ("/nowhere", 404),
        ("/explorer/nothing.js", 404),
    ],
)
def test_every_response_has_the_security_headers(client: TestClient, path: str, status: int) -> None:
    response = client.get(path, headers=BROWSER)
    assert response.status_code == status
    assert SECURE.items() <= dict(response.headers).items()
    assert "frame-ancestors 'none'" in response.headers["content-security-policy"]


def test_the_root_sends_a_browser_to_graphql(client: TestClient) -> None:
    assert client.get("/").headers["location"] == "/graphql"


def test_an_unknown_path_gets_a_graphql_error(client: TestClient) -> None:
    assert client.get("/nowhere").json() == {
        "errors": [{"message": "Not Found", "extensions": {"code": "NOT_FOUND"}}]
    }


@pytest.mark.parametrize("root_path", ["", "/news"])
def test_a_slash_at_the_end_of_the_endpoint_changes_nothing(
    server_settings: ServerSettings, root_path: str
) -> None:
    app = build_app(replace(server_settings, http=HttpSettings(allow_origins=("https://a.example",))))
    with TestClient(app, root_path=root_path) as client:
        for path in (f"{root_path}/graphql", f"{root_path}/graphql/"):
            assert client.post(path, json=COUNT).json() == {"data": {"site": {"articleCount": 1}}}
            assert client.get(path, params=COUNT).json() == {"data": {"site": {"articleCount": 1}}}
            assert client.get(path, headers=BROWSER).headers["content-type"] == "text/html; charset=utf-8"
            assert client.put(path).status_code == 405
            cross_origin = client.post(path, json=COUNT, headers={"origin": "https://a.example"})
            assert cross_origin.headers["access-control-allow-origin"] == "https://a.example"
            with client.websocket_connect(path, ["graphql-transport-ws"]) as socket:
                socket.send_json({"type": "connection_init"})
                assert socket.receive_json() == {"type": "connection_ack"}
        assert client.get(f"{root_path}/graphql//").status_code == 404


def test_a_browser_gets_the_page_and_a_client_gets_json(client: TestClient) -> None:
    assert client.get("/graphql", headers=BROWSER).headers["content-type"].startswith("text/html")
    assert client.get("/graphql", headers={"accept": "*/*"}).status_code == 400


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder in place of the built explorer."""
    (tmp_path / "manifest.json").write_text('{"script": "a.js", "style": "a.css"}')
    monkeypatch.setattr(page, "BUILD_FOLDER", tmp_path)


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("extra", [{}, {"variables": "{}", "operationName": "A"}])
def test_a_link_to_a_query_is_a_page_in_a_browser_only(client: TestClient, extra: dict[str, str]) -> None:
    link = {"query": "query A { site { articleCount } }", **extra}
    for method in ("GET", "HEAD"):
        response = client.request(method, "/graphql", params=link, headers=BROWSER)
        assert response.headers["content-type"].startswith("text/html")
        assert response.headers["vary"] == "Accept, Accept-Encoding"
    for accept in ("*/*", "application/json", "application/json, text/html;q=0.9"):
        response = client.get("/graphql", params=link, headers={"accept": accept})
        assert response.json() == {"data": {"site": {"articleCount": 1}}}
        assert "Accept" in response.headers["vary"]


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize(
    "parameter",
    [{"extensions": '{"cost": true}'}, {"documentId": "sha256:0"}, {str(number): "" for number in range(60)}],
    ids=["extensions", "documentId", "too many"],
)
def test_a_browser_gets_json_for_what_the_explorer_cannot_open(
    client: TestClient, parameter: dict[str, str]
) -> None:
    response = client.get("/graphql", params=COUNT | parameter, headers=BROWSER)
    assert response.headers["content-type"].startswith("application/json")


def test_until_the_explorer_is_built_a_browser_gets_json_for_a_query(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "BUILD_FOLDER", tmp_path)
    assert "not built" in client.get("/graphql", headers=BROWSER).text
    assert client.get("/graphql", params=COUNT, headers=BROWSER).json() == {
        "data": {"site": {"articleCount": 1}}
    }


def test_without_the_explorer_a_browser_gets_graphql(server_settings: ServerSettings) -> None:
    with TestClient(build_app(replace(server_settings, explorer=False))) as client:
        assert client.get("/graphql", headers=BROWSER).status_code == 400
        assert client.get("/graphql", params=COUNT, headers=BROWSER).json() == {
            "data": {"site": {"articleCount": 1}}
        }
        assert client.get("/explorer/manifest.json").status_code == 404


def test_the_page_opens_over_an_empty_folder(tmp_path: Path) -> None:
    with closing(open_writer(tmp_path / "news.db")) as db:
        ingest(db, write_articles(tmp_path, {"none/none.txt": ""}), ParseOptions(), processes=1)
    with TestClient(build_app(ServerSettings(tmp_path / "news.db"))) as client:
        assert client.get("/graphql", headers=BROWSER).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"limits": Limits(timeout_seconds=1e-9)},
        {"limits": Limits(max_cost=1)},
        {"http": HttpSettings(max_concurrent_requests=1)},
    ],
    ids=["where queries time out", "where they cost too much", "where too many run"],
)
def test_the_page_opens_without_examples(server_settings: ServerSettings, changes: dict[str, Any]) -> None:
    app = build_app(replace(server_settings, **changes))
    with TestClient(app) as client:
        app.state.app_state.concurrency_limiter.count = 1
        response = client.get("/graphql", headers=BROWSER)
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_the_page_counts_towards_the_rate_limit(server_settings: ServerSettings) -> None:
    with TestClient(build_app(replace(server_settings, http=HttpSettings(rate_limit=1)))) as client:
        responses = [client.get("/graphql", headers=BROWSER) for _ in range(5)]
    assert (responses[0].status_code, responses[-1].status_code) == (200, 429)
    assert responses[-1].json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"


def test_the_page_is_counted_and_its_examples_are_cached(server_settings: ServerSettings) -> None:
    app = build_app(server_settings)
    with TestClient(app) as client:
        pages = [client.get("/graphql", headers=BROWSER).content for _ in range(5)]
        app_state = app.state.app_state
        assert app_state.metrics.outcome_counts["NewestForExamples"][OperationOutcome.OK] == 5
        assert app_state.store.statements == 1
    assert set(pages) == {pages[0]}


def test_unpublished_opens_everything_to_everyone(server_settings: ServerSettings) -> None:
    with TestClient(build_app(replace(server_settings, unpublished=True))) as client:
        assert client.post("/graphql", json=COUNT).json() == {"data": {"site": {"articleCount": 2}}}


def test_ready_is_503_if_the_store_fails(database: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(database, tmp_path))
    with TestClient(build_app(ServerSettings(copy))) as client:
        with closing(sqlite3.connect(copy)) as db:
            db.execute("DROP TABLE site")
        response = client.get("/health/ready")
        assert (response.status_code, response.json()) == (503, {"status": "unavailable"})
        assert client.get("/health/live").status_code == 200


def test_ready_is_200_however_busy_the_readers_are(tmp_path: Path) -> None:
    endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    with running_site(tmp_path, limits=Limits(timeout_seconds=2 * DEADLINE)) as site:
        store = site.app_state.store
        loop = site.loop
        busy = [
            asyncio.run_coroutine_threadsafe(store.execute_batch([(endless, ())]), loop) for _ in range(20)
        ]
        responses = [httpx2.get(site.url.replace("/graphql", "/health/ready")) for _ in range(5)]
        assert not any(future.done() for future in busy)
        for future in busy:
            future.cancel()
    assert [response.status_code for response in responses] == [200] * 5


def in_process(app: Starlette) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://news.example")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_the_lifespan_a_request_raises_an_error_that_says_how_to_run_it(
    server_settings: ServerSettings, method: str
) -> None:
    async def request() -> None:
        async with in_process(build_app(server_settings)) as client:
            await client.request(method, "/graphql", params=COUNT)

    with pytest.raises(NotStartedError, match=r"async with app\.lifespan\(\)"):
        asyncio.run(request())


def test_a_client_in_the_process_can_run_the_lifespan(server_settings: ServerSettings) -> None:
    app = build_app(server_settings)

    async def requests() -> list[httpx2.Response]:
        async with app.lifespan(), in_process(app) as client:
            return [await client.post("/graphql", json=COUNT), await client.get("/health/ready")]

    answered, ready = asyncio.run(requests())
    assert answered.json() == {"data": {"site": {"articleCount": 1}}}
    assert ready.status_code == 200


def test_another_application_can_mount_it_and_run_its_lifespan(server_settings: ServerSettings) -> None:
    app = build_app(server_settings)
    with TestClient(Starlette(routes=[Mount("/news", app)], lifespan=app.lifespan)) as client:
        for path in ("/news/graphql", "/news/graphql/"):
            assert client.post(path, json=COUNT).json() == {"data": {"site": {"articleCount": 1}}}
            with client.websocket_connect(path, ["graphql-transport-ws"]) as socket:
                socket.send_json({"type": "connection_init"})
                assert socket.receive_json() == {"type": "connection_ack"}
        assert client.get("/news/health/ready").status_code == 200


def test_ready_is_503_before_the_start(server_settings: ServerSettings) -> None:
    assert TestClient(build_app(server_settings)).get("/health/ready").status_code == 503


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_an_internal_error_is_a_500_graphql_error(server_settings: ServerSettings, accept: str) -> None:
    not_started = TestClient(build_app(server_settings), raise_server_exceptions=False)
    response = not_started.get(
        "/graphql", params=None if accept == "text/html" else COUNT, headers={"accept": accept}
    )
    assert response.status_code == 500
    assert [error["extensions"]["code"] for error in response.json()["errors"]] == ["INTERNAL_ERROR"]
    assert SECURE.items() <= dict(response.headers).items()


def test_an_application_without_a_database_writes_nothing(tmp_path: Path) -> None:
    build_app(ServerSettings(tmp_path / "news.db"))
    assert list(tmp_path.iterdir()) == []


def test_a_missing_database_is_reported_at_startup(tmp_path: Path) -> None:
    with (
        pytest.raises(DatabaseError, match=r"nothing\.db"),
        TestClient(build_app(ServerSettings(tmp_path / "nothing.db"))),
    ):
        pass  # it does not start


def test_the_environment_alone_makes_an_application(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GQLNEWS_DB", str(database))
    monkeypatch.setenv("GQLNEWS_EDITOR_TOKENS", TOKEN_HASH)
    with TestClient(from_environment()) as client:
        assert client.post("/graphql", json=COUNT).json() == {"data": {"site": {"articleCount": 1}}}


def test_an_environment_without_a_database_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GQLNEWS_DB", raising=False)
    with pytest.raises(SettingsError, match="GQLNEWS_DB"):
        from_environment()
