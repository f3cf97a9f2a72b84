"""Every page of the reader, loaded in Chromium: budgets, accessibility, and that it asks nobody else."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.reader.watch import Watch

AXE = Path(__file__).parents[2] / "examples/reader/node_modules/axe-core/axe.min.js"

MAX_REQUESTS = 15
MAX_LAYOUT_SHIFT = 0.05
SERIOUS = ("serious", "critical")
WIDTHS = (400, 900, 1600)

PAGES = {
    "front": "/",
    "article": "/articles/2026/harbour-tunnel-opens",
    "video": "/articles/2026/tunnel-ride-video",
    "odd body": "/articles/odd/body",
    "right to left": "/articles/odd/rtl",
    "long words": "/articles/odd/long",
    "odd slug": f"/articles/{quote('odd/100% of it, “quoted” & more?')}",
    "missing article": "/articles/no/such",
    "topics": "/topics",
    "topic": "/topics/astronomy",
    "filtered topic": "/topics/larkhaven?provider=tidewire.example&year=2026",
    "authors": "/authors",
    "author": "/authors/tomas-vrel",
    "providers": "/providers",
    "provider": "/providers/archive.example",
    "sections": "/sections",
    "section": "/sections/odd",
    "search": "/search",
    "results": "/search?q=comet",
    "no results": "/search?q=xyzzy",
}


class Tab(NamedTuple):
    page: Page
    watch: Watch


@pytest.fixture(scope="module")
def tab(chromium: Browser, base: str) -> Iterator[Tab]:
    """One tab for all pages; each is loaded anew, with an empty HTTP cache."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: run `make reader`")
    context = chromium.new_context(timezone_id="UTC")
    page = context.new_page()
    yield Tab(page, Watch(page, base))
    context.close()


def story_path(page: Page, base: str) -> str:
    """The path of a story's page; its id is opaque."""
    answer = page.request.post(f"{base}/graphql", data={"query": "{ stories { nodes { id } } }"}).json()
    return f"/stories/{quote(answer['data']['stories']['nodes'][0]['id'], safe='')}"


@pytest.mark.parametrize("path", [*PAGES.values(), "story"], ids=[*PAGES, "story"])
def test_a_page_keeps_its_budgets_and_is_accessible(path: str, tab: Tab, base: str) -> None:
    page, watch = tab
    watch.trouble.clear()
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 800})
    watch.open(story_path(page, base) if path == "story" else path)
    expect(page.locator("h1")).to_have_count(1)
    assert page.title() != "gqlnews reader"
    page.evaluate(AXE.read_text("utf-8"))
    assert serious_violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert serious_violations(page, "color-contrast") == []
    assert widths_that_overflow(page) == []
    assert watch.layout_shift <= MAX_LAYOUT_SHIFT
    assert len(watch.requests) <= MAX_REQUESTS, watch.requests
    assert watch.trouble == []


def serious_violations(page: Page, *rules: str) -> list[str]:
    """What axe-core finds, by these rules or else by all: rule and HTML of the element."""
    options = {"resultTypes": ["violations"]} | ({"runOnly": list(rules)} if rules else {})
    found: list[dict[str, Any]] = page.evaluate(
        f"axe.run({json.dumps(options)}).then(({{ violations }}) => violations)"
    )
    return [
        f"{rule['id']}: {node['html']}"
        for rule in found
        if rule["impact"] in SERIOUS
        for node in rule["nodes"]
    ]


def widths_that_overflow(page: Page) -> list[int]:
    """Window widths at which the page would scroll sideways."""
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append(width)
    return found


def test_documents_are_sent_as_hashes_by_get(tab: Tab) -> None:
    tab.watch.open("/topics/astronomy")
    queries = [request for request in tab.watch.requests if "/graphql" in request and "socket" not in request]
    assert len(queries) >= 3
    assert all(
        query.startswith("GET ") and "sha256Hash" in query and "query=" not in query for query in queries
    )
