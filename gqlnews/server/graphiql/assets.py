"""The explorer: a GraphiQL page, served from files built in `explorer/`, without third-party hosts.

The page has no inline script. Its configuration is in `data-` attributes of the root element, so the content
security policy can allow scripts and connections from this server only.
"""

import json
import os
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import PathLike, StaticFiles
from starlette.types import Receive, Scope, Send

from gqlnews.server.graphiql.examples import Example
from gqlnews.server.graphiql.explorer_pages import explorer_html, how_to_build_html
from gqlnews.server.security_headers import SECURITY_HEADERS

BUILT = Path(__file__).parents[1] / "explorer"
"""Output of `npm run build` in `explorer/`; part of the wheel and the image, not of the repository."""

ASSETS = "/explorer"
"""Mount path of the built files."""

_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",  # the editor positions lines with style attributes
    "font-src 'self' data:",
    "img-src 'self' data:",
    "connect-src 'self'",
    "worker-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
)

_PAGE_HEADERS = SECURITY_HEADERS | {
    "Content-Security-Policy": "; ".join(_POLICY),
    "Cache-Control": "no-cache",
    "Vary": "Accept",  # other clients get GraphQL at the same URL
}

_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
}

_NAMED_BY_CONTENT = re.compile(r"-[0-9A-Z]{8}\.\w+$")


def explorer_is_built() -> bool:
    """Return whether the explorer's files were built."""
    return _manifest().is_file()


def explorer_page(endpoint: str, examples: Sequence[Example], assets: str = ASSETS) -> Response:
    """Render the explorer with a tab for each example, or build instructions if it was not built.

    `endpoint` and `assets` (the mount path of `explorer_assets`) are paths as the browser sees them.
    """
    if explorer_is_built():
        files = json.loads(_manifest().read_text("utf-8"))
        script, style = (escape(f"{assets}/{files[kind]}") for kind in ("script", "style"))
        page = explorer_html(script, style, escape(endpoint), escape(_as_json(examples)))
    else:
        page = how_to_build_html(escape(endpoint))
    return HTMLResponse(page, headers=_PAGE_HEADERS)


def explorer_assets() -> Mount:
    """Serve the built files under `ASSETS`; every path is 404 until they are built."""
    return Mount(ASSETS, ExplorerFiles(directory=BUILT, check_dir=False), name="explorer")


class ExplorerFiles(StaticFiles):
    """Static files with fixed media types; file names with a content hash are cached for a year.

    Starlette would take the media types from the machine's configuration.
    """

    async def check_config(self) -> None:
        """Skip the check that the folder exists: it may be built while the server runs."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ignore `Range`, as Starlette would reject a malformed one in plain text."""
        headers = [(name, value) for name, value in scope["headers"] if name != b"range"]
        await super().__call__({**scope, "headers": headers}, receive, send)

    def file_response(
        self, full_path: PathLike, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        forever = _NAMED_BY_CONTENT.search(str(full_path))
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if forever else "no-cache"
        response.headers["Content-Type"] = _MEDIA_TYPES[Path(full_path).suffix]
        return response


def _manifest() -> Path:
    return BUILT / "manifest.json"


def _as_json(examples: Sequence[Example]) -> str:
    """Encode the tabs as `[{name, query, variables}, …]`; GraphiQL expects the variables as JSON text."""
    return json.dumps([example._asdict() | {"variables": _text(example)} for example in examples])


def _text(example: Example) -> str:
    return json.dumps(example.variables, indent=2, ensure_ascii=False) if example.variables else ""
