"""The reader's page: its routes, HTML, headers, and where it is served."""

import html
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import expect, sync_playwright
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

import gqlnews
from gqlnews.app import build_app
from gqlnews.config.settings import HttpSettings, ServerSettings
from gqlnews.errors import PersistedDocumentsError
from tests.server.conftest import Serve
from tests.server.graphiql.conftest import DEADLINE_MS, FLAGS
from tests.server.live import running_site
from tests.server.reader_build import DOCUMENT, DOCUMENT_ID, SCRIPT, STYLE, write_reader

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https: http:; "
    "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
)
PAGES = (
    *("/articles/a", "/articles/2026/a", "/articles/2026%2Fa", "/topics", "/topics/ai", "/authors"),
    *("/authors/mina-okafor", "/providers", "/providers/a.example", "/sections", "/sections/2026/weather"),
    *("/stories/U3Rvcnk6/+==", "/search", "/search?q=tunnel"),
)
ONE_ARTICLE = {"data": {"site": {"articleCount": 1}}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_reader(tmp_path_factory.mktemp("reader"))


@pytest.fixture(scope="module")
def url(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real server that serves the hand-made reader."""
    with running_site(tmp_path_factory.mktemp("site"), reader_folder=folder, reader=True) as site:
        yield site.url.removesuffix("/graphql")


@contextmanager
def served(settings: ServerSettings, folder: Path, **options: Any) -> Iterator[TestClient]:
    app = build_app(settings, reader_folder=folder)
    with TestClient(app, follow_redirects=False, **options) as client:
        yield client


def get(url: str, accept: str = BROWSER, method: str = "GET") -> httpx2.Response:
    return httpx2.request(method, url, headers={"accept": accept})


def data_of(page: str) -> dict[str, str]:
    """Return the `data-` attributes of the root element."""
    (element,) = re.findall(r'<div id="reader"([^>]*)>', page)
    return {name: html.unescape(value) for name, value in re.findall(r' data-(\w+)="([^"]*)"', element)}


# Routes and negotiation.


@pytest.mark.parametrize("path", ["/", *PAGES])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_browser_gets_the_reader_at_each_of_its_paths(url: str, path: str, method: str) -> None:
    response = get(url + path, method=method)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert ('<div id="reader"' in response.text) == (method == "GET")


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/json, text/html;q=0.9"])
def test_other_clients_are_redirected_from_the_root_as_without_the_reader(url: str, accept: str) -> None:
    response = get(f"{url}/", accept)
    assert (response.status_code, response.headers["location"]) == (303, "/graphql")


def test_a_client_that_accepts_anything_gets_the_page_below_the_root(url: str) -> None:
    assert '<div id="reader"' in get(f"{url}/topics", "*/*").text


NO_PAGES = ("/nowhere", "/reader", "/articles", "/articles/", "/topics/", "/search/a")


@pytest.mark.parametrize("path", [*NO_PAGES, "/topics", "/reader/absent.js"])
def test_what_is_no_page_of_the_reader_is_404(url: str, path: str) -> None:
    response = get(url + path, "application/json")
    assert response.status_code == 404
    assert response.json()["errors"][0]["extensions"] == {"code": "NOT_FOUND"}


@pytest.mark.parametrize("path", NO_PAGES)
def test_a_browser_gets_the_page_with_404_at_an_unknown_path(url: str, path: str) -> None:
    response, front_page = get(url + path), get(url)
    assert (response.status_code, response.text) == (404, front_page.text)
    assert response.headers["content-security-policy"] == POLICY


@pytest.mark.parametrize("path", ["/reader/absent.js", "/explorer/absent.js"])
def test_a_missing_built_file_is_no_page(url: str, path: str) -> None:
    response = get(url + path)
    assert response.status_code == 404
    assert response.json()["errors"][0]["extensions"] == {"code": "NOT_FOUND"}


def test_an_unknown_path_accepts_no_other_method(url: str) -> None:
    assert get(f"{url}/nowhere", method="POST").json()["errors"][0]["extensions"] == {"code": "NOT_FOUND"}


@pytest.mark.parametrize("path", ["/", "/topics"])
def test_the_pages_accept_no_other_method(url: str, path: str) -> None:
    response = get(url + path, method="POST")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")


def test_the_api_and_the_explorer_stay_where_they_are(url: str) -> None:
    assert "explorer" in get(f"{url}/graphql").text
    assert httpx2.post(f"{url}/graphql", json={"query": DOCUMENT}).json() == ONE_ARTICLE
    assert get(f"{url}/health/live").json() == {"status": "live"}


# The page.


def test_the_page_loads_the_build_and_names_the_paths(url: str) -> None:
    page = get(f"{url}/topics/ai").text
    assert f'<script type="module" src="/reader/{SCRIPT}"></script>' in page
    assert f'<link rel="stylesheet" href="/reader/{STYLE}">' in page
    assert '<meta name="color-scheme" content="light dark">' in page
    assert "<noscript>" in page
    assert data_of(page) == {"endpoint": "/graphql", "base": "", "explorer": "/graphql"}


def test_the_page_has_no_inline_script_or_style(url: str) -> None:
    page = get(f"{url}/").text
    assert re.findall(r"<script[^>]*>([^<]*)</script>", page) == [""]
    assert not re.search(r"<style|<[^>]*\s(on\w+|style)=", page)


def test_the_page_has_its_headers(url: str) -> None:
    for path in ("/", "/topics"):
        headers = get(url + path).headers
        assert headers["content-security-policy"] == POLICY
        assert (headers["cache-control"], headers["vary"]) == ("no-cache", "Accept, Accept-Encoding")
        assert (headers["x-content-type-options"], headers["x-frame-options"]) == ("nosniff", "DENY")
        assert headers["referrer-policy"] == "no-referrer"


def test_without_the_explorer_the_page_has_no_link_to_it(
    server_settings: ServerSettings, folder: Path
) -> None:
    with served(replace(server_settings, reader=True, explorer=False), folder) as client:
        page = client.get("/", headers={"accept": BROWSER}).text
    assert data_of(page) == {"endpoint": "/graphql", "base": ""}


@pytest.mark.parametrize("root_path", ["/news", '/a"b/c'])
def test_below_a_path_the_page_names_the_paths_that_the_browser_sees(
    server_settings: ServerSettings, folder: Path, root_path: str
) -> None:
    with served(replace(server_settings, reader=True), folder, root_path=root_path) as client:
        page = client.get(f"{root_path}/topics", headers={"accept": BROWSER}).text
        script = client.get(f"{root_path}/reader/{SCRIPT}")
    endpoint = f"{root_path}/graphql"
    assert data_of(page) == {"endpoint": endpoint, "base": root_path, "explorer": endpoint}
    assert f'src="{html.escape(root_path)}/reader/{SCRIPT}"' in page
    assert script.status_code == 200


def test_the_built_files_are_cached_by_their_hashes(url: str) -> None:
    for name, media in ((SCRIPT, "text/javascript"), (STYLE, "text/css")):
        headers = httpx2.get(f"{url}/reader/{name}").headers
        assert headers["content-type"] == f"{media}; charset=utf-8"
        assert headers["cache-control"] == "public, max-age=31536000, immutable"
    assert httpx2.get(f"{url}/reader/LICENSES.txt").headers["cache-control"] == "no-cache"
    assert httpx2.get(f"{url}/reader/absent.js").status_code == 404


def test_until_it_is_built_the_page_has_build_instructions(
    server_settings: ServerSettings, tmp_path: Path
) -> None:
    with served(replace(server_settings, reader=True), tmp_path / "absent") as client:
        response = client.get("/", headers={"accept": BROWSER})
        assert client.get("/reader/manifest.json").status_code == 404
    assert response.status_code == 200
    for words in ("make reader", "cd examples/reader", "npm ci --ignore-scripts", "npm run build", "restart"):
        assert words in response.text
    assert 'href="/graphql"' in response.text
    assert "script-src" not in response.headers["content-security-policy"]


def test_in_chromium_the_policy_allows_the_script_its_socket_and_its_style(url: str) -> None:
    program = shutil.which("chromium")
    assert program, "install Debian's chromium"
    trouble: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        page = browser.new_page()
        page.on("console", lambda message: trouble.append(message.text))
        page.goto(f"{url}/topics/ai")
        root = page.locator("#reader")
        expect(root).to_have_text(
            '{"type":"connection_ack"}{"data":{"site":{"articleCount":1}}}', timeout=DEADLINE_MS
        )
        expect(root).to_have_css("color", "rgb(0, 128, 0)")
        browser.close()
    assert trouble == []


# Its documents.


def test_its_documents_are_trusted_beside_those_of_others(
    server_settings: ServerSettings, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "own.graphql").write_text("query Own { site { articleCount } }")
    for documents in ((), (tmp_path,)):
        http = HttpSettings(persisted_documents=documents, persisted_only=True)
        with served(replace(server_settings, reader=True, http=http), folder) as client:
            assert client.get("/graphql", params={"documentId": DOCUMENT_ID}).json() == ONE_ARTICLE
            own = client.get("/graphql", params={"documentId": "own"}).json()
            assert (own == ONE_ARTICLE) == bool(documents)
            other = client.post("/graphql", json={"query": "{ site { version } }"}).json()
            assert other["errors"][0]["extensions"]["code"] == "DOCUMENT_NOT_TRUSTED"


def test_where_it_is_not_served_its_documents_are_unknown(
    server_settings: ServerSettings, folder: Path
) -> None:
    with served(server_settings, folder) as client:
        response = client.get("/graphql", params={"documentId": DOCUMENT_ID})
    assert response.json()["errors"][0]["extensions"]["code"] == "DOCUMENT_NOT_FOUND"


def test_a_build_that_does_not_fit_the_schema_is_an_error_that_says_what_to_do(
    server_settings: ServerSettings, tmp_path: Path
) -> None:
    write_reader(tmp_path, {"old": "{ gone }"})
    with pytest.raises(
        PersistedDocumentsError, match=r"documents\.json, document 'old': .*`make reader`.*--no-reader"
    ):
        build_app(replace(server_settings, reader=True), reader_folder=tmp_path)


# Where it is served.


@pytest.mark.parametrize(
    ("options", "is_on"),
    [
        ([], True),
        (["--no-reader"], False),
        (["--host", "0.0.0.0"], False),  # noqa: S104 - the tests need no secret
        (["--host", "0.0.0.0", "--reader", "--workers", "2", "--no-explorer"], True),  # noqa: S104
    ],
)
def test_serve_has_the_reader_on_a_loopback_address_or_if_it_is_set(
    server: Serve, content: Path, options: list[str], is_on: bool
) -> None:
    with server(content, *options) as url:
        root, topics = get(f"{url}/"), get(f"{url}/topics")
        assert get(f"{url}/", "*/*").headers["location"] == "/graphql"
    if is_on:
        assert (root.status_code, topics.status_code) == (200, 200)
        assert "<title>gqlnews reader</title>" in root.text
    else:
        assert (root.status_code, root.headers["location"]) == (303, "/graphql")
        assert topics.status_code == 404


@pytest.mark.parametrize(("value", "status"), [("", 303), ("0", 303), ("1", 200)])
def test_under_another_server_it_is_off_unless_it_is_set(
    database: Path, monkeypatch: pytest.MonkeyPatch, value: str, status: int
) -> None:
    monkeypatch.setenv("GQLNEWS_DB", str(database))
    monkeypatch.setenv("GQLNEWS_READER", value)
    with TestClient(gqlnews.from_environment(), follow_redirects=False) as client:
        assert client.get("/", headers={"accept": BROWSER}).status_code == status


@pytest.mark.parametrize(
    ("settings", "status"), [({}, 303), ({"reader": False}, 303), ({"reader": True}, 200)]
)
def test_a_mounted_application_has_it_if_it_is_set(
    content: Path, tmp_path: Path, settings: Any, status: int
) -> None:
    news = gqlnews.create_app(content, db=tmp_path / "news.db", watch=False, ingest_workers=1, **settings)
    host = Starlette(routes=[Mount("/news", news)], lifespan=news.lifespan)
    with TestClient(host, follow_redirects=False) as client:
        response = client.get("/news/", headers={"accept": BROWSER})
        assert response.status_code == status
        assert client.get("/news/", headers={"accept": "*/*"}).headers["location"] == "/news/graphql"
    assert status == 303 or "/news/graphql" in response.text
