"""The page of the reader, a news site in the browser over the content that is served, and its routes.

Its script and style are built in `examples/reader/` and served by this server. The script renders every page
from its path, so all paths get the same HTML. As in the explorer, there is no inline script: the
configuration is in `data-` attributes, so the content security policy can allow scripts of this server only.
"""

from html import escape
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from gqlnews.server.built_files import (
    Build,
    BuiltFiles,
    instructions_html,
    is_built,
    page_html,
    read_manifest,
)
from gqlnews.server.negotiation import SAFE_METHODS, accepts_html, prefers_html
from gqlnews.server.response import SECURITY_HEADERS

BUILD_FOLDER = Path(__file__).parent / "reader"
"""Output of `npm run build` in `examples/reader/`; part of the wheel and the image, not of the repository."""

ASSETS_PATH = "/reader"
"""Path at which the built files are served."""

_BUILD = Build("reader", "examples/reader", node=22, then="restart the server, and reload this page")

_PATHS = (
    "/articles/{slug:path}",
    "/topics",
    "/topics/{slug:path}",
    "/authors",
    "/authors/{slug:path}",
    "/providers",
    "/providers/{domain:path}",
    "/sections",
    "/sections/{section:path}",
    "/stories/{id:path}",
    "/search",
)
"""The paths of its pages besides `/`. Slugs may contain slashes, and base64 in ids may, too."""

_NOWHERE_ELSE = ("base-uri 'none'", "frame-ancestors 'none'", "form-action 'none'")
_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: https: http:",  # articles have images on any host
    "connect-src 'self'",
    *_NOWHERE_ELSE,
)
_INSTRUCTIONS_POLICY = ("default-src 'none'", "style-src 'unsafe-inline'", "img-src data:", *_NOWHERE_ELSE)


def documents_path(folder: Path = BUILD_FOLDER) -> Path | None:
    """Return the manifest of the persisted documents that the reader sends; None if it is not built."""
    return folder / "documents.json" if is_built(folder) else None


class ReaderPage:
    """The page, as it is built when the application is created.

    A later build takes effect with the next application, because its documents are not trusted before.
    `endpoint` is the path of the API; the explorer has the same.
    """

    def __init__(self, endpoint: str, *, has_explorer: bool, folder: Path = BUILD_FOLDER) -> None:
        self._endpoint, self._has_explorer, self._folder = endpoint, has_explorer, folder
        self._manifest = read_manifest(folder) if is_built(folder) else None

    def routes(self) -> list[BaseRoute]:
        """The routes of the pages and of the built files."""
        return [
            Route("/", self.front_page),
            *(Route(path, self.page) for path in _PATHS),
            Mount(ASSETS_PATH, BuiltFiles(self._folder), name="reader"),
        ]

    async def front_page(self, request: Request) -> Response:
        """Return the page to a client that prefers HTML, as browsers do; redirect others to the API."""
        if prefers_html(_accept(request)):
            return self._render(request.scope.get("root_path", ""))
        return redirect_to_endpoint(request, self._endpoint)

    async def page(self, request: Request) -> Response:
        """Return the page; 404 for a client that does not accept HTML, and for an empty slug."""
        if "" in request.path_params.values() or not accepts_html(_accept(request)):
            raise HTTPException(404)
        return self._render(request.scope.get("root_path", ""))

    def not_found(self, request: Request) -> Response | None:
        """Return the page with the status 404 to a client that prefers HTML, else None.

        The script finds no page at the path, and says so. Built files that are missing are none of its pages.
        """
        is_file = isinstance(request.scope.get("endpoint"), BuiltFiles)
        if is_file or request.method not in SAFE_METHODS or not prefers_html(_accept(request)):
            return None
        return self._render(request.scope.get("root_path", ""), status=404)

    def _render(self, root: str, status: int = 200) -> Response:
        """Render the page of an application that is mounted at the path `root`."""
        endpoint = root + self._endpoint
        if self._manifest is None:
            return _html(instructions_html(_BUILD, endpoint), _INSTRUCTIONS_POLICY, status)
        script, style = (f"{root}{ASSETS_PATH}/{file}" for file in self._manifest)
        attributes = {"endpoint": endpoint, "base": root}
        if self._has_explorer:
            attributes["explorer"] = endpoint
        return _html(reader_html(script, style, attributes), _POLICY, status)


def reader_html(script: str, style: str, attributes: dict[str, str]) -> str:
    """The page that loads the reader.

    `attributes` are the `data-` attributes of its root element: the paths of the API (`endpoint`), of the
    application (`base`, empty if it is not mounted) and, if there is one, of the `explorer`.
    """
    endpoint = escape(attributes["endpoint"])
    data = "".join(f' data-{name}="{escape(value)}"' for name, value in attributes.items())
    head = f"""\
<link rel="stylesheet" href="{escape(style)}">
<script type="module" src="{escape(script)}"></script>"""
    body = f"""\
<div id="reader"{data}></div>
<noscript>The reader needs JavaScript. The API at <code>{endpoint}</code> works without it.</noscript>"""
    return page_html("gqlnews reader", head, body)


def redirect_to_endpoint(request: Request, endpoint: str) -> Response:
    """Redirect to the API, or in a browser to the explorer."""
    return RedirectResponse(request.scope.get("root_path", "") + endpoint, 303)


def _accept(request: Request) -> str:
    return ",".join(request.headers.getlist("accept"))


def _html(page: str, policy: tuple[str, ...], status: int) -> Response:
    headers = SECURITY_HEADERS | {
        "Content-Security-Policy": "; ".join(policy),
        "Cache-Control": "no-cache",
        "Vary": "Accept",  # other clients are redirected, or get a 404 as JSON
    }
    return HTMLResponse(page, status, headers)
