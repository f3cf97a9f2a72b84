"""Render the explorer page with example queries that have results in the content being served."""

import re
import string
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

import orjson
from starlette.responses import Response
from starlette.types import Scope

from gqlnews.engine.engine import GraphQLResponse
from gqlnews.server.graphiql.assets import ASSETS, explorer_page
from gqlnews.server.graphiql.examples import Served, examples

NEWEST = """
query NewestForExamples {
  articles(first: 50) {
    nodes { slug url title relatedCount topics { slug } provider { domain } story { id } }
  }
}
"""

NEWEST_QUERY_STRING = f"query={quote(NEWEST)}".encode()
"""The query as that of a normal GET, so that its response is cached."""

Node = Mapping[str, Any]

_AROUND_WORDS = f"{string.punctuation}«»\u2013\u2014\u2018\u2019\u201c\u201d\u201e\u2026"
"""ASCII and typographic punctuation: dashes, quotes, an ellipsis."""


def page(scope: Scope, newest: GraphQLResponse | None) -> Response:
    """Render the page that a browser gets at the endpoint's URL.

    Its examples use values from `newest`, the response to `NEWEST`; without it they fit any content.
    """
    root = scope.get("root_path", "")
    return explorer_page(scope["path"], examples(_served(newest)), root + ASSETS)


def _served(newest: GraphQLResponse | None) -> Served:
    """Pick example values from the response; empty if it has no data."""
    data = None if newest is None else orjson.loads(newest.body).get("data")
    if not data:
        return Served()
    nodes: list[Node] = data["articles"]["nodes"]
    linked = [node for node in nodes if node["relatedCount"]]
    return Served(
        slug=_first(node["slug"] for node in linked + nodes),
        topic=_first(topic["slug"] for node in nodes for topic in node["topics"]),
        domain=_first(node["provider"]["domain"] for node in nodes if node["provider"]),
        url=_first(node["url"] for node in linked + nodes),
        word=_first(word for node in linked + nodes if (word := longest_word(node["title"]))),
        story=_first(node["story"]["id"] for node in nodes if node["story"]),
    )


def longest_word(title: str) -> str | None:
    """The longest word of a title, as a search term; None if there is none."""
    words = (word.strip(_AROUND_WORDS) for word in re.split(r'[\s"]+', title))
    return max(words, key=len) or None


def _first(values: Iterable[str]) -> str | None:
    return next(iter(values), None)
