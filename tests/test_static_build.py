"""An incremental static build by the recipe of docs/queries.md has the pages of a complete build.

Random histories of a small folder; after each ingest, one build renders only what the recipe names.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from hypothesis import given

from gqlnews.engine.requests import GraphQLRequest
from gqlnews.query.entities import Audience
from tests.effort import examples
from tests.ingest.histories import Edit, histories
from tests.ingest.model import run_history, temporary_store
from tests.product import Product

QUERIES = Path(__file__).parent.parent / "benchmarks" / "queries"
SYNC, PAGES = ((QUERIES / f"{name}.graphql").read_text() for name in ("sync", "which-pages-show-an-article"))

# The pages of a site: what each shows of its own article, and of others.
ARTICLE_PAGE = """
query ($key: String!) {
  article(slug: $key) {
    title excerpt html publishedDateTime
    next { slug title } previous { slug title } translations { slug title }
    related { title article { slug title } }
    referencedBy(first: 50) { nodes { slug title } }
    story { title articles(first: 50) { nodes { slug title } } }
  }
}
"""
TOPIC_PAGE = "query ($key: String!) { topic(slug: $key) { articles(first: 50) { nodes { slug title } } } }"
STORY_PAGE = """
query ($key: ID!) {
  node(id: $key) { ... on Story { id title size articles(first: 50) { nodes { slug title } } } }
}
"""
TEMPLATES = {"article": ARTICLE_PAGE, "topic": TOPIC_PAGE, "story": STORY_PAGE}

Key = tuple[str, str]
"""A page: its template, and its slug or id."""


def slugs_in(value: Any) -> Iterator[str]:
    """Yield the slugs of the articles that a page shows."""
    if isinstance(value, dict):
        yield from ([value["slug"]] if "slug" in value else [])
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from slugs_in(one)


class Build:
    """The pages of a site by key, and the articles that each shows."""

    def __init__(self) -> None:
        self.pages: dict[Key, Any] = {}
        self.shown: dict[Key, set[str]] = {}
        self.since: str | None = None

    def update(self, product: Product) -> None:
        """Follow the recipe."""
        changed = set(self._changes(product))
        dirty = {("article", slug) for slug in changed}
        dirty |= {key for key, shown in self.shown.items() if shown & changed}
        dirty |= set(pages_that_show(product, changed))
        built: set[Key] = set()
        while todo := dirty - built:
            for key in todo:
                other = self._render(product, key)
                dirty |= {("article", slug) for slug in other} if key[0] == "article" else set()
            built |= todo

    def _changes(self, product: Product) -> Iterator[str]:
        more = True
        while more:
            page = data(product, SYNC, {"since": self.since, "first": 2})["changes"]
            self.since, more = page["version"], page["hasMore"]
            yield from (node["slug"] for node in page["nodes"])

    def _render(self, product: Product, key: Key) -> set[str]:
        """Render a page; return the articles that only one of the old and the new page shows."""
        before = self.shown.pop(key, set())
        page = render(product, key)
        self.pages.pop(key, None)
        if page is not None:
            self.pages[key], self.shown[key] = page, set(slugs_in(page))
        return before ^ self.shown.get(key, set())


def data(product: Product, query: str, variables: dict[str, Any]) -> Any:
    return json.loads(product.answer(GraphQLRequest(query, variables), Audience.PUBLIC).body)["data"]


def render(product: Product, key: Key) -> Any:
    """Return the data of a page, None if there is no such page, or if it has moved."""
    kind, identifier = key
    page = next(iter(data(product, TEMPLATES[kind], {"key": identifier}).values()))
    return None if page is None or page.get("id", identifier) != identifier else page


def pages_that_show(product: Product, slugs: Iterable[str]) -> Iterator[Key]:
    for node in data(product, PAGES, {"slugs": sorted(slugs)})["articles"]["nodes"]:
        topics, story = node.pop("topics"), node["story"]
        del node["authors"]
        yield from (("topic", topic["slug"]) for topic in topics)
        yield from (("article", slug) for slug in slugs_in(node))
        yield from [("story", story["id"])] if story else []


def complete(product: Product) -> dict[Key, Any]:
    lists = product.data(
        "{ articles(first: 100) { nodes { slug } } topics { slug } stories(first: 50) { nodes { id } } }"
    )
    keys = [
        *(("article", one["slug"]) for one in lists["articles"]["nodes"]),
        *(("topic", one["slug"]) for one in lists["topics"]),
        *(("story", one["id"]) for one in lists["stories"]["nodes"]),
    ]
    return {key: render(product, key) for key in keys}


@examples(6)
@given(histories)
def test_an_incremental_build_equals_a_complete_one(history: list[list[Edit]]) -> None:
    build = Build()
    with temporary_store() as (root, db, model):
        for _ in run_history(db, model, history):
            with Product(root / "store.db") as product:
                build.update(product)
                whole = complete(product)
                assert build.pages == whole
