"""The explorer's page, with example queries that find something in the content being served."""

import re
import string
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

import orjson
from starlette.responses import Response
from starlette.types import Scope

from gqlnews.schema.engine import Answer
from gqlnews.server.examples import Served, examples
from gqlnews.server.explorer import ASSETS, explorer_page

NEWEST = """
query NewestForExamples {
  articles(first: 50) {
    nodes { slug url title relatedCount topics { slug } provider { domain } story { id } }
  }
}
"""

NEWEST_QUERY_STRING = f"query={quote(NEWEST)}".encode()
"""It is asked for as any client may, by GET: the response cache holds it."""

Node = Mapping[str, Any]

_AROUND_WORDS = f"{string.punctuation}«»\u2013\u2014\u2018\u2019\u201c\u201d\u201e\u2026"
"""Punctuation as typists and typographers set it: dashes, quotes, an ellipsis."""


def page(scope: Scope, newest: Answer | None) -> Response:
    """The page that a browser gets at the endpoint's address.

    Its examples are about what `newest`, the answer to `NEWEST`, found; without it they fit any content.
    """
    root = scope.get("root_path", "")
    return explorer_page(scope["path"], examples(_served(newest)), root + ASSETS)


def _served(newest: Answer | None) -> Served:
    """Something of each kind that the public sees."""
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
    """The longest of the words that blanks and quotes part, to search for; None where there is none."""
    words = (word.strip(_AROUND_WORDS) for word in re.split(r'[\s"]+', title))
    return max(words, key=len) or None


def _first(values: Iterable[str]) -> str | None:
    return next(iter(values), None)
