"""What only the program can say: which articles it holds to be like another.

It is asked, its answer is checked against the rules, and every request that asks for them must give those.
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
    """`faults` is what is wrong with what the program said, a line each."""

    def __init__(self, ask: Ask, world: World) -> None:
        self._ask = ask
        self._world = world
        self._known: dict[tuple[str, int], list[Article] | Opaque] = {}
        self.faults: list[str] = []

    def similar(self, article: Article, first: int) -> list[Article] | Opaque:
        """The articles; a marker where the program gave no list of articles."""
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
