"""The explorer's page, with example queries that find something in the content being served."""

import re
import string
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from gqlnews.schema.engine import Asked
from gqlnews.server.auth import anonymous
from gqlnews.server.examples import Example, Served, examples
from gqlnews.server.explorer import ASSETS, explorer_page
from gqlnews.server.service import Service

NEWEST = """
query NewestForExamples {
  articles(first: 50) {
    nodes { slug url title relatedCount topics { slug } provider { domain } story { id } }
  }
}
"""

Node = Mapping[str, Any]

_AROUND_WORDS = f"{string.punctuation}«»\u2013\u2014\u2018\u2019\u201c\u201d\u201e\u2026"
"""Punctuation as typists and typographers set it: dashes, quotes, an ellipsis."""


async def page(request: Request) -> Response:
    """What a browser sees at the endpoint's address, where the explorer is on."""
    root = request.scope.get("root_path", "")
    return explorer_page(request.scope["path"], await _examples(request), root + ASSETS)


async def _examples(request: Request) -> tuple[Example, ...]:
    """Examples about what someone without a token sees."""
    service: Service = request.state.service
    answer = await service.engine.answer(Asked(NEWEST), anonymous(service.settings))
    nodes: list[Node] = orjson.loads(answer.body)["data"]["articles"]["nodes"]
    linked = [node for node in nodes if node["relatedCount"]]
    served = Served(
        slug=_first(node["slug"] for node in linked + nodes),
        topic=_first(topic["slug"] for node in nodes for topic in node["topics"]),
        domain=_first(node["provider"]["domain"] for node in nodes if node["provider"]),
        url=_first(node["url"] for node in linked + nodes),
        word=_first(word for node in linked + nodes if (word := longest_word(node["title"]))),
        story=_first(node["story"]["id"] for node in nodes if node["story"]),
    )
    return examples(served)


def longest_word(title: str) -> str | None:
    """The longest of the words that blanks and quotes part, to search for; None where there is none."""
    words = (word.strip(_AROUND_WORDS) for word in re.split(r'[\s"]+', title))
    return max(words, key=len) or None


def _first(values: Iterable[str]) -> str | None:
    return next(iter(values), None)
