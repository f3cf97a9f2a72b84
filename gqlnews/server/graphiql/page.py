"""The GraphiQL page, with example queries that have results in the content."""

import json
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
from starlette.types import Scope

from gqlnews.engine.requests import GraphQLResponse
from gqlnews.server.built_files import (
    NO_INDEX,
    Build,
    BuiltFiles,
    instructions_html,
    is_built,
    page_html,
    read_manifest,
)
from gqlnews.server.graphiql.examples import Example, ExampleValues, build_examples
from gqlnews.server.response import SECURITY_HEADERS

# HTML template of the explorer. Arguments must be HTML-escaped already.


def explorer_html(script: str, style: str, endpoint: str, examples: str) -> str:
    """The page that loads GraphiQL. `examples` is JSON: `[{name, query, variables}, …]`."""
    head = f"""\
{NO_INDEX}
<link rel="stylesheet" href="{style}">
<script type="module" src="{script}"></script>"""
    body = f"""\
<div id="explorer" data-endpoint="{endpoint}" data-examples="{examples}">Loading the explorer…</div>
<noscript>The explorer needs JavaScript. The API at <code>{endpoint}</code> works without it.</noscript>"""
    return page_html("gqlnews explorer", head, body)


# Serve the explorer, a GraphiQL page. Its scripts and styles are built in `explorer/` and served by this
# server; the browser loads nothing from other hosts.
#
# The page has no inline script. Its configuration is in `data-` attributes of the root element, so the
# content security policy can allow scripts and connections from this server only.

BUILD_FOLDER = Path(__file__).parents[1] / "explorer"
"""Output of `npm run build` in `explorer/`; part of the wheel and the image, not of the repository."""

ASSETS_PATH = "/explorer"
"""Path at which the built files are served."""

_BUILD = Build("explorer", "explorer", node=20, then="reload this page")

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


def explorer_is_built() -> bool:
    """Return whether the explorer's files were built."""
    return is_built(BUILD_FOLDER)


def explorer_page(endpoint: str, examples: Sequence[Example], assets: str = ASSETS_PATH) -> Response:
    """Render the explorer with a menu of the examples, or build instructions if it was not built.

    `endpoint` and `assets` (the mount path of `explorer_assets`) are paths as the browser sees them.
    """
    if explorer_is_built():
        script, style = (escape(f"{assets}/{file}") for file in read_manifest(BUILD_FOLDER))
        page = explorer_html(script, style, escape(endpoint), escape(_examples_json(examples)))
    else:
        page = instructions_html(_BUILD, endpoint)
    return HTMLResponse(page, headers=_PAGE_HEADERS)


def explorer_assets() -> Mount:
    """Serve the built files under `ASSETS_PATH`; the response is 404 until they are built."""
    return Mount(ASSETS_PATH, BuiltFiles(BUILD_FOLDER), name="explorer")


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
