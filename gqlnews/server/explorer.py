"""
The explorer: GraphiQL on a page of our own, from files that `explorer/` builds, with no network.

The page holds no script of its own. What the bundle must know stands in `data-` attributes of the
root element, so the content security policy allows scripts and connections from this server only.
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

from gqlnews.server.examples import Example
from gqlnews.server.explorer_pages import explorer_html, how_to_build_html
from gqlnews.server.headers import SECURITY_HEADERS

BUILT = Path(__file__).with_name("explorer")
"""Where `npm run build` in `explorer/` writes; in the wheel and the image, not in the repository."""

ASSETS = "/explorer"
"""The path below which the built files are served."""

_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",  # the editor places its lines by style attributes
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
    "Vary": "Accept",  # other clients get GraphQL at the same address
}

_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
}

_NAMED_BY_CONTENT = re.compile(r"-[0-9A-Z]{8}\.\w+$")


def explorer_is_built() -> bool:
    """Whether the explorer's files are there to be served."""
    return _manifest().is_file()


def explorer_page(endpoint: str, examples: Sequence[Example], assets: str = ASSETS) -> Response:
    """The explorer, asking `endpoint`, a tab for each example; or how to build it, where it was not built.

    `endpoint` and `assets` (where `explorer_assets` is mounted) are paths as the browser sees them.
    """
    if explorer_is_built():
        files = json.loads(_manifest().read_text("utf-8"))
        script, style = (escape(f"{assets}/{files[kind]}") for kind in ("script", "style"))
        page = explorer_html(script, style, escape(endpoint), escape(_as_json(examples)))
    else:
        page = how_to_build_html(escape(endpoint))
    return HTMLResponse(page, headers=_PAGE_HEADERS)


def explorer_assets() -> Mount:
    """Serves the built files under `ASSETS`; every path is 404 until they are built."""
    return Mount(ASSETS, ExplorerFiles(directory=BUILT, check_dir=False), name="explorer")


class ExplorerFiles(StaticFiles):
    """Static files whose media types do not depend on the machine, kept for ever where named by content."""

    async def check_config(self) -> None:
        """Nothing to check: the folder may be built while the server runs."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Whole files only: a `Range` that is malformed would be refused in plain text."""
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
    """`[{name, query, variables}, …]` as GraphiQL takes tabs: variables are an editor's text, not values."""
    return json.dumps([example._asdict() | {"variables": _text(example)} for example in examples])


def _text(example: Example) -> str:
    return json.dumps(example.variables, indent=2, ensure_ascii=False) if example.variables else ""
