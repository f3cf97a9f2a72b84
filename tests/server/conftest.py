"""Server fixtures: the application in this process, and a whole server in a separate process."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from gqlnews.app import build_app
from gqlnews.config.settings import ServerSettings
from gqlnews.content.models import ParseOptions
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.ingest.pipeline import ingest
from tests.server.live import Site, running_site
from tests.server.support import TOKEN_HASH, serving, write_articles

Serve = Callable[..., AbstractContextManager[str]]


@pytest.fixture(scope="session")
def content(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A read-only folder with a published article, an unpublished one, and a broken file."""
    return write_articles(tmp_path_factory.mktemp("content"))


@pytest.fixture(scope="session")
def database(content: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of the folder, read-only."""
    path = tmp_path_factory.mktemp("store") / "news.db"
    with closing(open_writer(path)) as db:
        ingest(db, content, ParseOptions(), processes=1)
    return path


@pytest.fixture(scope="session")
def server_settings(database: Path) -> ServerSettings:
    """Settings with one editor's token, `support.TOKEN`."""
    return ServerSettings(database, editor_tokens=(bytes.fromhex(TOKEN_HASH),))


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """Host and port of a whole server, for tests that write raw bytes. All its errors are GraphQL JSON."""
    home = tmp_path_factory.mktemp("home")
    with serving(home, write_articles(home / "content"), "--no-reader") as (url, _):
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        yield parts.hostname, parts.port


@pytest.fixture(scope="module")
def client(server_settings: ServerSettings) -> Iterator[TestClient]:
    """The started application in this process."""
    with TestClient(build_app(server_settings), follow_redirects=False) as client:
        yield client


@pytest.fixture
def server(tmp_path: Path) -> Serve:
    """`with server(folder, *arguments, env=None) as url:` serves a folder in a separate process."""

    @contextmanager
    def serve(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> Iterator[str]:
        with serving(tmp_path, folder, *arguments, env=env) as (url, _):
            yield url

    return serve


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server whose content a test may change."""
    with running_site(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Assert that the server logs no warnings or errors during the test."""
    yield
    assert [record.getMessage() for record in caplog.get_records("call") if record.levelname != "INFO"] == []
