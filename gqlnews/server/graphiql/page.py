"""The GraphiQL page, with example queries that have results in the content."""

import json
import os
import re
import string
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import PathLike, StaticFiles
from starlette.types import Receive, Scope, Send

from gqlnews.engine.requests import GraphQLResponse
from gqlnews.server.graphiql.examples import Example, ExampleValues, build_examples
from gqlnews.server.response import SECURITY_HEADERS

# HTML templates of the explorer's two pages. Arguments must be HTML-escaped already.

_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' "
    "stroke='%23d60590' stroke-width='2'%3E%3Cpath d='M4 4h16v16H4z M8 9h8 M8 12h8 M8 15h5'/%3E%3C/svg%3E"
)

_HEAD = f"""\
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>gqlnews explorer</title>
<link rel="icon" href="{_ICON}">"""


def explorer_html(script: str, style: str, endpoint: str, examples: str) -> str:
    """The page that loads GraphiQL. `examples` is JSON: `[{name, query, variables}, …]`."""
    return f"""\
<!doctype html>
<html lang="en">
<head>
{_HEAD}
<link rel="stylesheet" href="{style}">
<script type="module" src="{script}"></script>
</head>
<body>
<div id="explorer" data-endpoint="{endpoint}" data-examples="{examples}">Loading the explorer…</div>
<noscript>The explorer needs JavaScript. The API at <code>{endpoint}</code> works without it.</noscript>
</body>
</html>
"""


def build_instructions_html(endpoint: str) -> str:
    """The page with build instructions, for a checkout whose explorer was not built."""
    return f"""\
<!doctype html>
<html lang="en">
<head>
{_HEAD}
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 12vh auto; max-width: 40rem; padding: 0 1rem }}
pre {{ background: #8882; border-radius: .4rem; padding: .8rem 1rem }}
</style>
</head>
<body>
<h1>The explorer is not built yet</h1>
<p>The GraphQL API works without it, at <a href="{endpoint}"><code>{endpoint}</code></a>.</p>
<p>To build the explorer, install <a href="https://nodejs.org">Node.js</a> 20 or newer and run this in a
checkout of gqlnews:</p>
<pre>make explorer</pre>
<p>Or run the build yourself:</p>
<pre>cd explorer
npm ci --ignore-scripts
npm run build</pre>
<p>Then reload this page. Released packages and the container image contain the built explorer.</p>
</body>
</html>
"""


# Serve the explorer, a GraphiQL page. Its scripts and styles are built in `explorer/` and served by this
# server; the browser loads nothing from other hosts.
#
# The page has no inline script. Its configuration is in `data-` attributes of the root element, so the
# content security policy can allow scripts and connections from this server only.

BUILD_FOLDER = Path(__file__).parents[1] / "explorer"
"""Output of `npm run build` in `explorer/`; part of the wheel and the image, not of the repository."""

ASSETS_PATH = "/explorer"
"""Path at which the built files are served."""

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
    "Vary": "Accept, Accept-Encoding",  # clients that do not accept HTML get JSON at the same URL
}

_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
}

_HASHED_NAME = re.compile(r"-[0-9A-Z]{8}\.\w+$")


def explorer_is_built() -> bool:
    """Return whether the explorer's files were built."""
    return _manifest_path().is_file()


def explorer_page(endpoint: str, examples: Sequence[Example], assets: str = ASSETS_PATH) -> Response:
    """Render the explorer with a menu of the examples, or build instructions if it was not built.

    `endpoint` and `assets` (the mount path of `explorer_assets`) are paths as the browser sees them.
    """
    if explorer_is_built():
        files = json.loads(_manifest_path().read_text("utf-8"))
        script, style = (escape(f"{assets}/{files[kind]}") for kind in ("script", "style"))
        page = explorer_html(script, style, escape(endpoint), escape(_examples_json(examples)))
    else:
        page = build_instructions_html(escape(endpoint))
    return HTMLResponse(page, headers=_PAGE_HEADERS)


def explorer_assets() -> Mount:
    """Serve the built files under `ASSETS_PATH`; the response is 404 until they are built."""
    return Mount(ASSETS_PATH, ExplorerFiles(directory=BUILD_FOLDER, check_dir=False), name="explorer")


class ExplorerFiles(StaticFiles):
    """Static files with fixed media types; file names with a content hash are cached for a year.

    Starlette would take the media types from the configuration of the machine.
    """

    async def check_config(self) -> None:
        """Skip the check that the folder exists, as it may be built while the server runs."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ignore `Range`, as Starlette would reject a malformed one in plain text."""
        headers = [(name, value) for name, value in scope["headers"] if name != b"range"]
        await super().__call__({**scope, "headers": headers}, receive, send)

    def file_response(
        self, full_path: PathLike, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        is_hashed = _HASHED_NAME.search(str(full_path))
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if is_hashed else "no-cache"
        response.headers["Content-Type"] = _MEDIA_TYPES[Path(full_path).suffix]
        return response


def _manifest_path() -> Path:
    return BUILD_FOLDER / "manifest.json"


def _examples_json(examples: Sequence[Example]) -> str:
    """Encode the examples as `[{name, query, variables}, …]`; GraphiQL expects the variables as JSON text."""
    return json.dumps([example._asdict() | {"variables": _variables_json(example)} for example in examples])


def _variables_json(example: Example) -> str:
    return json.dumps(example.variables, indent=2, ensure_ascii=False) if example.variables else ""


# Render the explorer page with example queries that have results in the content being served.

NEWEST_QUERY = """
query NewestForExamples {
  articles(first: 50) {
    nodes {
      slug url title relatedCount topics { slug } provider { domain } story { id }
      authors { slug } section { path }
    }
  }
}
"""

NEWEST_QUERY_STRING = f"query={quote(NEWEST_QUERY)}".encode()
"""The query string of a GET with this query, so that the response cache is used."""

Node = Mapping[str, Any]

_PUNCTUATION = f"{string.punctuation}«»\u2013\u2014\u2018\u2019\u201c\u201d\u201e\u2026"
"""ASCII and typographic punctuation: dashes, quotes, an ellipsis."""


def render_page(scope: Scope, newest: GraphQLResponse | None) -> Response:
    """Render the page that a browser gets at the endpoint's URL.

    Its examples use values from `newest`, the response to `NEWEST_QUERY`. Without it, only the examples that
    need no such values are included.
    """
    root = scope.get("root_path", "")
    return explorer_page(scope["path"], build_examples(_pick_values(newest)), root + ASSETS_PATH)


def _pick_values(newest: GraphQLResponse | None) -> ExampleValues:
    """Pick example values from the response; all are None if it has no data."""
    data = None if newest is None else orjson.loads(newest.body).get("data")
    if not data:
        return ExampleValues()
    nodes: list[Node] = data["articles"]["nodes"]
    with_related = [node for node in nodes if node["relatedCount"]]
    related_first = with_related + nodes
    return ExampleValues(
        slug=_first(node["slug"] for node in related_first),
        topic=_first(topic["slug"] for node in nodes for topic in node["topics"]),
        domain=_first(node["provider"]["domain"] for node in nodes if node["provider"]),
        url=_first(node["url"] for node in related_first),
        word=_first(word for node in related_first if (word := longest_word(node["title"]))),
        story=_first(node["story"]["id"] for node in nodes if node["story"]),
        author=_first(author["slug"] for node in nodes for author in node["authors"]),
        section=_first(node["section"]["path"] for node in nodes if node["section"]),
    )


def longest_word(title: str) -> str | None:
    """Return the longest word of a title, as a search term, or None if there is none."""
    words = (word.strip(_PUNCTUATION) for word in re.split(r'[\s"]+', title))
    return max(words, key=len) or None


def _first(values: Iterable[str]) -> str | None:
    return next(iter(values), None)
