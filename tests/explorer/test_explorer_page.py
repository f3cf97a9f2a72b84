"""The explorer's page and its files, with a folder in place of the bundle."""

import html
import json
import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from gqlnews.server.graphiql import page
from gqlnews.server.graphiql.examples import Example

SCRIPT = "explorer-0A1B2C3D.js"
AWKWARD = Example("Quotes", "query Q { article(slug: \"<a b='c'>\") { title } }", {"slug": "</div>é"})


async def example_page(request: Request) -> Response:
    return page.explorer_page("/graphql", [AWKWARD, Example("None", "query N { site { version } }")])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "explorer"
    monkeypatch.setattr(page, "BUILD_FOLDER", folder)
    return folder


@pytest.fixture
def built(folder: Path) -> Path:
    folder.mkdir()
    (folder / SCRIPT).write_text("start()")
    (folder / "explorer-4E5F6A7B.css").write_text("body {}")
    (folder / "LICENSES.txt").write_text("MIT")
    (folder / "manifest.json").write_text(json.dumps({"script": SCRIPT, "style": "explorer-4E5F6A7B.css"}))
    return folder


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=[Route("/graphql", example_page), page.explorer_assets()]))


@pytest.mark.usefixtures("built")
def test_the_page_starts_the_bundle(client: TestClient) -> None:
    text = client.get("/graphql").text
    assert f'<script type="module" src="/explorer/{SCRIPT}">' in text
    assert '<link rel="stylesheet" href="/explorer/explorer-4E5F6A7B.css">' in text
    assert 'data-endpoint="/graphql"' in text


@pytest.mark.usefixtures("built")
def test_examples_are_escaped_for_the_script(client: TestClient) -> None:
    attribute = re.search(r'data-examples="([^"]*)"', client.get("/graphql").text)
    assert attribute
    awkward, plain = json.loads(html.unescape(attribute[1]))
    assert (awkward["name"], awkward["query"]) == (AWKWARD.name, AWKWARD.query)
    assert json.loads(awkward["variables"]) == AWKWARD.variables
    assert plain["variables"] == ""


@pytest.mark.usefixtures("built")
def test_the_page_has_no_inline_script(client: TestClient) -> None:
    response = client.get("/graphql")
    assert re.findall(r"<script[^>]*>([^<]*)</script>", response.text) == [""]
    assert not re.search(r"<[^>]*\son\w+=", response.text)
    assert "script-src 'self';" in response.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-cache"),
        ("vary", "Accept, Accept-Encoding"),
        ("content-type", "text/html; charset=utf-8"),
    ],
)
@pytest.mark.parametrize("state", ["built", "folder"])
def test_the_page_has_its_headers(
    header: str, value: str, state: str, client: TestClient, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(state)
    assert client.get("/graphql").headers[header] == value


@pytest.mark.usefixtures("folder")
def test_without_a_build_the_page_has_build_instructions(client: TestClient) -> None:
    response = client.get("/graphql")
    assert response.status_code == 200
    for command in ("make explorer", "cd explorer", "npm ci --ignore-scripts", "npm run build"):
        assert command in response.text
    assert "<script" not in response.text


def test_the_explorer_is_served_as_soon_as_it_is_built(
    folder: Path, client: TestClient, request: pytest.FixtureRequest
) -> None:
    assert not page.explorer_is_built()
    assert client.get(f"/explorer/{SCRIPT}").status_code == 404
    request.getfixturevalue("folder").mkdir()
    (folder / SCRIPT).write_text("start()")
    (folder / "manifest.json").write_text(json.dumps({"script": SCRIPT, "style": "s.css"}))
    assert page.explorer_is_built()
    assert client.get(f"/explorer/{SCRIPT}").text == "start()"


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize(
    ("name", "media_type", "caching"),
    [
        (SCRIPT, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
        ("explorer-4E5F6A7B.css", "text/css; charset=utf-8", "public, max-age=31536000, immutable"),
        ("LICENSES.txt", "text/plain; charset=utf-8", "no-cache"),
        ("manifest.json", "application/json", "no-cache"),
    ],
)
def test_assets_have_media_types_and_cache_headers(
    name: str, media_type: str, caching: str, client: TestClient
) -> None:
    headers = client.get(f"/explorer/{name}").headers
    assert (headers["content-type"], headers["cache-control"]) == (media_type, caching)


@pytest.mark.usefixtures("built")
def test_a_cached_asset_is_not_sent_again(client: TestClient) -> None:
    tag = client.get("/explorer/LICENSES.txt").headers["etag"]
    again = client.get("/explorer/LICENSES.txt", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["", "absent.js", "../test.txt", "..%2ftest.txt", "%2fetc%2fpasswd"])
def test_no_other_file_is_served(path: str, built: Path, client: TestClient) -> None:
    (built.parent / "test.txt").write_text("outside")
    assert client.get(f"/explorer/{path}").status_code == 404
