"""Serve what npm builds into the package: the files of the explorer and of the reader.

A build writes its files and, last, `manifest.json`: `{"script": "…", "style": "…"}`, the names of the files
that the page loads. The folder is part of the wheel and the image, not of the repository.
"""

import json
import os
import re
from contextlib import suppress
from html import escape
from pathlib import Path
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import PathLike, StaticFiles
from starlette.types import Receive, Scope, Send

from gqlnews.server.compression import (
    BROTLI,
    GZIP,
    IDENTITY,
    NO_ACCEPTABLE_CODING,
    ZSTD,
    accepted_codings,
)

_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
_OTHER_MEDIA_TYPE = "application/octet-stream"

_SUFFIXES = {ZSTD: "zst", BROTLI: "br", GZIP: "gz"}
_HASHED_NAME = re.compile(r"-[0-9A-Za-z_-]{8}\.\w+$")


class Manifest(NamedTuple):
    """The names of the files that a page loads."""

    script: str
    style: str


def is_built(folder: Path) -> bool:
    """Return whether a build has written its files into `folder`."""
    return _manifest_path(folder).is_file()


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a finished build."""
    files = json.loads(_manifest_path(folder).read_text("utf-8"))
    return Manifest(files["script"], files["style"])


def _manifest_path(folder: Path) -> Path:
    return folder / "manifest.json"


class BuiltFiles(StaticFiles):
    """Static files with fixed media types; file names with a content hash are cached for a year.

    The build has compressed them too: NAME.zst, NAME.br and NAME.gz. Starlette would take the media types
    from the configuration of the machine. The response is 404 until the files are built.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, check_dir=False)

    async def check_config(self) -> None:
        """Skip the check that the folder exists, as it may be built while the server runs."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ignore `Range`, as Starlette would reject a malformed one in plain text."""
        headers = [(name, value) for name, value in scope["headers"] if name != b"range"]
        await super().__call__({**scope, "headers": headers}, receive, send)

    def file_response(
        self, full_path: PathLike, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        coding, sent_path, sent_stat = _choose_file(str(full_path), stat_result, scope)
        response = super().file_response(sent_path, sent_stat, scope, status_code)
        if coding != IDENTITY:
            response.headers["Content-Encoding"] = coding
        response.headers["Vary"] = "Accept-Encoding"
        is_hashed = _HASHED_NAME.search(str(full_path))
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if is_hashed else "no-cache"
        response.headers["Content-Type"] = _MEDIA_TYPES.get(Path(full_path).suffix, _OTHER_MEDIA_TYPE)
        return response


def _choose_file(path: str, status: os.stat_result, scope: Scope) -> tuple[str, str, os.stat_result]:
    """Return the coding, path and status of the file to send. Raises HTTPException (406)."""
    for coding in accepted_codings(scope):
        if coding == IDENTITY:
            return coding, path, status
        compressed = f"{path}.{_SUFFIXES[coding]}"
        with suppress(FileNotFoundError):  # too short to gain from compression
            return coding, compressed, os.stat(compressed)
    raise HTTPException(406, NO_ACCEPTABLE_CODING)


# What both pages show.

ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' "
    "stroke='%23d60590' stroke-width='2'%3E%3Cpath d='M4 4h16v16H4z M8 9h8 M8 12h8 M8 15h5'/%3E%3C/svg%3E"
)


NO_INDEX = '<meta name="robots" content="noindex">'

_INSTRUCTIONS_STYLE = """\
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 12vh auto; max-width: 40rem; padding: 0 1rem }
pre { background: #8882; border-radius: .4rem; padding: .8rem 1rem }
</style>"""


class Build(NamedTuple):
    """How to build a front end in a checkout.

    `name` is also the target of `make`, `sources` the folder with its package.json, `node` the oldest version
    of Node.js that builds it, and `then` what to do after it.
    """

    name: str
    sources: str
    node: int
    then: str


def page_html(title: str, head: str, body: str) -> str:
    """An HTML page. The arguments are HTML; `head` is the rest of the head."""
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="{ICON}">
{head}
</head>
<body>
{body}
</body>
</html>
"""


def instructions_html(build: Build, endpoint: str) -> str:
    """The page with build instructions. `endpoint` is the path of the API."""
    name, sources, node, then = build
    endpoint = escape(endpoint)
    body = f"""\
<h1>The {name} is not built yet</h1>
<p>The GraphQL API works without it, at <a href="{endpoint}"><code>{endpoint}</code></a>.</p>
<p>To build the {name}, install <a href="https://nodejs.org">Node.js</a> {node} or newer and run this in a
checkout of gqlnews:</p>
<pre>make {name}</pre>
<p>Or run the build yourself:</p>
<pre>cd {sources}
npm ci --ignore-scripts
npm run build</pre>
<p>Then {then}. Released packages and the container image contain the built {name}.</p>"""
    return page_html(f"gqlnews {name}", f"{NO_INDEX}\n{_INSTRUCTIONS_STYLE}", body)
