"""The files that npm builds: media types, caching, and what is not served."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from gqlnews.server.built_files import BuiltFiles, Manifest, is_built, read_manifest

FOREVER, REVALIDATE = "public, max-age=31536000, immutable", "no-cache"


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    """A client of the files in `tmp_path`, which are mounted at /files."""
    return TestClient(Starlette(routes=[Mount("/files", BuiltFiles(tmp_path))]))


@pytest.mark.parametrize(
    ("name", "media_type", "caching"),
    [
        ("explorer-0A1B2C3D.js", "text/javascript; charset=utf-8", FOREVER),
        ("reader-dK_9-x0Z.css", "text/css; charset=utf-8", FOREVER),
        ("icon-abcd1234.svg", "image/svg+xml", FOREVER),
        ("font-abcd1234.woff2", "application/octet-stream", FOREVER),
        ("reader.js", "text/javascript; charset=utf-8", REVALIDATE),
        ("LICENSES.txt", "text/plain; charset=utf-8", REVALIDATE),
        ("documents.json", "application/json", REVALIDATE),
        ("manifest.json", "application/json", REVALIDATE),
    ],
)
def test_files_have_media_types_and_are_cached_by_hash(
    client: TestClient, tmp_path: Path, name: str, media_type: str, caching: str
) -> None:
    (tmp_path / name).write_text("built")
    response = client.get(f"/files/{name}", headers={"range": "bytes=nonsense"})
    assert (response.status_code, response.text) == (200, "built")
    assert (response.headers["content-type"], response.headers["cache-control"]) == (media_type, caching)


def test_a_build_is_complete_once_it_has_a_manifest(tmp_path: Path, client: TestClient) -> None:
    assert not is_built(tmp_path / "absent")
    (tmp_path / "a.js").write_text("start()")
    assert not is_built(tmp_path)
    (tmp_path / "manifest.json").write_text('{"script": "a.js", "style": "a.css"}')
    assert is_built(tmp_path)
    assert read_manifest(tmp_path) == Manifest("a.js", "a.css")
    assert client.get("/files/a.js").text == "start()"
    assert client.get("/files/a.css").status_code == 404
