"""Query the program for what only it can decide: which articles it considers similar.

The response is checked against the rules, and every other request for them must return the same
articles.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from .markers import Opaque
from .records import Article
from .similar import faults
from .world import Audience, World

# (query, variables, operation name, audience) → the answer, parsed from JSON
Ask: TypeAlias = Callable[[str, dict[str, Any], str | None, Audience], dict[str, Any]]

SIMILAR = "query ($slug: String!, $first: Int) { article(slug: $slug) { similar(first: $first) { slug } } }"


class Probe:
    """Queries `similar`. `faults` describes errors in the program's responses, one per line."""

    def __init__(self, ask: Ask, world: World) -> None:
        self._ask = ask
        self._world = world
        self._known: dict[tuple[str, int], list[Article] | Opaque] = {}
        self.faults: list[str] = []

    def similar(self, article: Article, first: int) -> list[Article] | Opaque:
        """Return the articles, or a marker if the program did not return a list of articles."""
        key = (article.slug, first)
        if key not in self._known:
            self._known[key] = self._similar(article, first)
        return self._known[key]

    def _similar(self, article: Article, first: int) -> list[Article] | Opaque:
        answer = self._ask(SIMILAR, {"slug": article.slug, "first": first}, None, self._world.audience)
        if "errors" in answer:
            self.faults.append(f"similar to {article.slug}: {answer['errors']}")
            return Opaque("Article.similar")
        slugs = [one["slug"] for one in answer["data"]["article"]["similar"]]
        self.faults += [
            f"similar to {article.slug}: {fault}" for fault in faults(self._world, article, first, slugs)
        ]
        seen = self._world.by_slug
        return [seen[slug] for slug in slugs if slug in seen]
