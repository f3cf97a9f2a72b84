"""The public Python API, in this process: an application of its own or mounted, and its settings."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

import gqlnews
from gqlnews.config.declarations import CREATE_APP, settings_of
from gqlnews.errors import ContentFolderError, NotStartedError, SettingsError
from gqlnews.python_api import NewsApp, Settings
from tests.server.support import DEADLINE, TOKEN, TOKEN_HASH, environment, processes_of, write_articles

COUNT = {"query": "{ site { articleCount } }"}
ONE = {"data": {"site": {"articleCount": 1}}}
BROWSER = {"accept": "text/html"}
QUIET: Any = {"watch": False, "ingest_workers": 1}
PREFIXES = ["", "/news", "/a/b"]


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """A folder with a published article, and an unpublished one."""
    return write_articles(tmp_path / "content")


@pytest.fixture
def news(tmp_path: Path, content: Path) -> NewsApp:
    return gqlnews.create_app(content, db=tmp_path / "news.db", **QUIET)


def served(news: NewsApp, prefix: str) -> TestClient:
    """Return a client of the application itself, or of one that mounts it."""
    host = Starlette(routes=[Mount(prefix, news)], lifespan=news.lifespan)
    return TestClient(host if prefix else news, follow_redirects=False)


# Where it runs.


@pytest.mark.parametrize("prefix", PREFIXES)
def test_everything_works_below_any_path(news: NewsApp, prefix: str) -> None:
    with served(news, prefix) as client:
        for path in (f"{prefix}/graphql", f"{prefix}/graphql/"):
            assert client.post(path, json=COUNT).json() == ONE
            assert client.get(path, params=COUNT).json() == ONE
            assert client.get(path, headers=BROWSER).headers["content-type"].startswith("text/html")
            with client.websocket_connect(path, ["graphql-transport-ws"]) as socket:
                socket.send_json({"type": "connection_init"})
                assert socket.receive_json() == {"type": "connection_ack"}
                socket.send_json({"type": "subscribe", "id": "1", "payload": COUNT})
                assert socket.receive_json()["payload"] == ONE
        assert client.get(f"{prefix}/").headers["location"] == f"{prefix}/graphql"
        assert client.get(f"{prefix}/health/ready").json() == {"status": "ready"}
        assert client.get(f"{prefix}/health/live").status_code == 200
        assert client.get(f"{prefix}/nowhere").json()["errors"][0]["extensions"] == {"code": "NOT_FOUND"}


@pytest.mark.parametrize("prefix", PREFIXES)
def test_cors_works_below_any_path(tmp_path: Path, content: Path, prefix: str) -> None:
    origin = {"origin": "https://a.example"}
    news = gqlnews.create_app(content, db=tmp_path / "news.db", allow_origins=[origin["origin"]], **QUIET)
    with served(news, prefix) as client:
        response = client.post(f"{prefix}/graphql", json=COUNT, headers=origin)
        assert response.headers["access-control-allow-origin"] == origin["origin"]


def test_the_state_of_the_host_has_any_names(news: NewsApp) -> None:
    async def state(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.state.app_state)

    @asynccontextmanager
    async def lifespan(host: Starlette) -> AsyncIterator[dict[str, str]]:
        async with news.lifespan():
            yield {"app_state": "of the host"}

    host = Starlette(routes=[Mount("/news", news), Route("/state", state)], lifespan=lifespan)
    with TestClient(host) as client:
        assert client.post("/news/graphql", json=COUNT).json() == ONE
        assert client.get("/news/health/ready").status_code == 200
        assert client.get("/state").text == "of the host"


def test_a_host_mounts_several(tmp_path: Path, news: NewsApp) -> None:
    (tmp_path / "empty").mkdir()
    other = gqlnews.create_app(tmp_path / "empty", db=tmp_path / "other.db", **QUIET)

    @asynccontextmanager
    async def lifespan(host: Starlette) -> AsyncIterator[None]:
        async with news.lifespan(), other.lifespan():
            yield

    host = Starlette(routes=[Mount("/news", news), Mount("/other", other)], lifespan=lifespan)
    with TestClient(host) as client:
        assert client.post("/news/graphql", json=COUNT).json() == ONE
        assert client.post("/other/graphql", json=COUNT).json() == {"data": {"site": {"articleCount": 0}}}


async def request(news: NewsApp) -> Any:
    transport = httpx2.ASGITransport(news)
    async with httpx2.AsyncClient(transport=transport, base_url="http://news.example") as client:
        return (await client.post("/graphql", json=COUNT)).json()


def test_without_the_lifespan_a_request_raises_an_error_that_says_how_to_run_it(news: NewsApp) -> None:
    with pytest.raises(NotStartedError, match=r"async with app\.lifespan\(\)"):
        asyncio.run(request(news))


def test_the_lifespan_runs_again_but_not_twice_at_once(news: NewsApp) -> None:
    async def run() -> None:
        async with news.lifespan():
            assert await request(news) == ONE
            with pytest.raises(RuntimeError, match="running already"):
                async with news.lifespan():
                    raise AssertionError
            assert await request(news) == ONE

    asyncio.run(run())
    asyncio.run(run())
    with pytest.raises(NotStartedError):
        asyncio.run(request(news))


def test_the_lifespan_ends_every_thread_and_process(tmp_path: Path, content: Path) -> None:
    database = tmp_path / "news.db"
    news = gqlnews.create_app(content, db=database, ingest_workers=1)

    async def run() -> None:
        async with news.lifespan():
            assert await request(news) == ONE
            async with asyncio.timeout(DEADLINE):
                while not processes_of(database):  # noqa: ASYNC110 - a process has no event for its start
                    await asyncio.sleep(0.01)

    before = set(threading.enumerate())
    asyncio.run(run())
    assert set(threading.enumerate()) == before
    assert processes_of(database) == []


def test_a_failed_start_ends_everything_and_can_be_repeated(
    tmp_path: Path, content: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = tmp_path / "documents.json"
    documents.write_text('{"1": "{ nothing }"}')
    news = gqlnews.create_app(content, db=tmp_path / "news.db", persisted_documents=documents, **QUIET)
    with pytest.raises(Exception, match=r"documents\.json"), TestClient(news):
        pass
    documents.write_text('{"1": "{ site { articleCount } }"}')
    with TestClient(news) as client:
        assert client.post("/graphql", json={"documentId": "1"}).json() == ONE


def test_a_start_is_repeated_until_the_folder_is_there(
    content: Path, news: NewsApp, caplog: pytest.LogCaptureFixture
) -> None:
    away = content.rename(content.with_name("away"))

    async def run() -> None:
        context = news.lifespan()
        start = asyncio.create_task(context.__aenter__())
        async with asyncio.timeout(DEADLINE):
            while "ingest failed" not in caplog.text:  # noqa: ASYNC110 - a log has no event
                await asyncio.sleep(0.01)
            away.rename(content)
            await start
        assert await request(news) == ONE
        await context.__aexit__(None, None, None)

    asyncio.run(run())


# Settings.


def test_the_names_of_the_settings_are_those_of_the_variables() -> None:
    declared = {row.argument for row in settings_of(CREATE_APP)}
    assert set(Settings.__annotations__) | {"config", "db"} == declared


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_dept": 3}, "create_app has no setting 'max_dept': did you mean 'max_depth'?"),
        ({"port": 1}, r"create_app has no setting 'port': "),
        ({"max_depth": -1}, "max_depth: '-1' is not a whole number from 0 to 9999999"),
        ({"allow_origins": 1}, "allow_origins: the value is not a list of texts"),
        ({"allow_origins": ["news.example"]}, "allow_origins: 'news.example' is not an origin"),
        ({"editor_tokens": [TOKEN]}, "editor_tokens: entry 1 is not a SHA-256 hash"),
        ({"db": 1}, "db: the value is not a path"),
        ({"persisted_documents": 1}, "persisted_documents: the value is not a path or a list of paths"),
        ({"config": "absent.toml"}, "absent.toml is not a file"),
        ({"preset": "unknown"}, "'unknown' is not known"),
    ],
)
def test_a_wrong_setting_is_an_error(content: Path, settings: Any, message: str) -> None:
    with pytest.raises(SettingsError) as error:
        gqlnews.create_app(content, **settings)
    assert message in str(error.value)
    assert TOKEN not in str(error.value)


def test_a_folder_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ContentFolderError, match="absent cannot be read"):
        gqlnews.create_app(tmp_path / "absent")


def test_the_settings_apply(tmp_path: Path, content: Path) -> None:
    config = tmp_path / "own.toml"
    config.write_text('[fields.kind]\ntype = "String"\nkey = "topics"\n')
    news = gqlnews.create_app(
        content=str(content),
        db=str(tmp_path / "news.db"),
        config=config,
        max_depth=2,
        explorer=False,
        editor_tokens=[TOKEN_HASH],
        **QUIET,
    )
    with TestClient(news) as client:
        too_deep = {"query": "{ articles { nodes { provider { name } } } }"}
        assert client.post("/graphql", json=too_deep).json()["errors"][0]["extensions"]["code"] == "TOO_DEEP"
        assert client.get("/graphql", headers=BROWSER).status_code == 406
        editor = {"authorization": f"Bearer {TOKEN}"}
        assert client.post("/graphql", json=COUNT, headers=editor).json() != ONE
        kind = {"query": '{ __type(name: "Article") { fields { name } } }'}
        assert '"kind"' in client.post("/graphql", json=kind).text


def test_no_variable_is_a_setting(tmp_path: Path, content: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GQLNEWS_UNPUBLISHED", "1")
    monkeypatch.setenv("GQLNEWS_MAX_DEPTH", "none")
    with TestClient(gqlnews.create_app(content, db=tmp_path / "news.db", **QUIET)) as client:
        assert client.post("/graphql", json=COUNT).json() == ONE


# The package.


def test_the_package_exports_the_documented_names() -> None:
    assert sorted(gqlnews.__all__) == ["Settings", "create_app", "from_environment"]
    assert all(getattr(gqlnews, name) for name in gqlnews.__all__)
    with pytest.raises(AttributeError, match="no attribute 'creat_app'"):
        gqlnews.creat_app  # noqa: B018 - the access is what is tested


def test_importing_the_package_imports_none_of_its_modules(tmp_path: Path) -> None:
    script = "import sys, gqlnews; print([name for name in sys.modules if name.startswith('gqlnews.')])"
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", script], env=environment(tmp_path), capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


SEVERAL_APPLICATIONS = """
import sys
from pathlib import Path
from starlette.testclient import TestClient
import gqlnews

for number in range(3):
    app = gqlnews.create_app(sys.argv[1], db=Path(sys.argv[2], f"{number}.db"), watch=False)
    with TestClient(app) as client:
        print(client.post("/graphql", json={"query": "{ site { articleCount } }"}).text)
"""


def test_a_new_process_runs_several_applications_in_turn(tmp_path: Path) -> None:
    """Each of them ingests on a thread of its own, on which nothing may be left behind."""
    folder = write_articles(tmp_path / "content")
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", SEVERAL_APPLICATIONS, folder, tmp_path],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('{"data":{"site":{"articleCount":1}}}') == 3
