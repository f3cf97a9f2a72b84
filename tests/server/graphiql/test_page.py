"""The explorer in a real Chromium that can reach only the server, with the test's own content."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

from gqlnews.server.graphiql.page import explorer_is_built
from tests.server.conftest import Serve
from tests.server.support import serving, write_articles

FLAGS = (
    "--no-sandbox",  # tests also run as root, in containers
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)

ARTICLE = """\
---
title: {title}
publishedDateTime: 2021-04-15T13:00:00Z
webUrl: https://example.com/{slug}
provider: {{name: The Example, domain: example.com}}
topics: [Robots]
related:
- title: Machines that read, explained
  webUrl: https://example.org/machines
---
Robots *read*.
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is not installed")
    if not explorer_is_built():
        pytest.skip("the explorer is not built: run `make explorer`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("explorer")
    with serving(home, folder(home, "robots-read", "Robots learn to read")) as (url, _):
        yield url


def folder(parent: Path, slug: str, title: str) -> Path:
    """A content folder with one article."""
    return write_articles(parent / slug, {f"{slug}.md": ARTICLE.format(slug=slug, title=title)})


def trouble_on(page: Page, base: str) -> list[str]:
    """Return a list that collects page errors, and requests that fail or go to another host."""
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: trouble.append(f"uncaught: {error}"))
    page.on("requestfailed", lambda request: trouble.append(f"failed: {request.url}"))

    def only_the_server(route: Route) -> None:
        if route.request.url.startswith((f"{base}/", "data:")):
            route.continue_()
        else:
            trouble.append(f"outside: {route.request.url}")
            route.abort()

    page.context.route("**/*", only_the_server)
    return trouble


def open_explorer(page: Page, base: str) -> None:
    page.goto(base)
    expect(page.locator(".graphiql-query-editor")).to_contain_text("ArticleWithCoverage", timeout=20_000)


def open_tab(page: Page, operation: str) -> None:
    page.get_by_role("tab", name=operation, exact=True).click()
    expect(page.locator(".graphiql-query-editor")).to_contain_text(operation)


def execute(page: Page) -> None:
    page.get_by_role("button", name="Execute query").click()


def expect_result(page: Page, words: str) -> None:
    """Wait until the response pane shows these words, however it wraps them."""
    anywhere = re.compile(r"\s*".join(re.escape(word) for word in words.split()))
    expect(page.locator(".result-window")).to_contain_text(anywhere)


def test_an_example_runs_with_no_network(page: Page, base: str, tmp_path: Path) -> None:
    trouble = trouble_on(page, base)
    open_explorer(page, base)
    page.locator(".graphiql-query-editor").click()
    page.keyboard.press("Control+Enter")
    expect_result(page, "Robots learn to read")
    expect_result(page, "Machines that read, explained")
    page.screenshot(path=tmp_path / "explorer.png")
    assert trouble == []


def test_every_tab_has_results(page: Page, base: str) -> None:
    open_explorer(page, base)
    for operation, expected in (
        ("FrontPage", '"totalCount": 1'),
        ("TopicPage", '"name": "Robots"'),
        ("ProviderPage", '"name": "The Example"'),
        ("Search", "<mark>Robots</mark>"),
        ("FilterAndFacets", '"name": "Robots"'),
        ("Trending", '"slug": "robots-read"'),
        ("Changes", '"kind": "ADDED"'),
        ("ArticleBehindUrl", '"slug": "robots-read"'),
        ("SiteOverview", '"articleCount": 1'),
    ):
        open_tab(page, operation)
        execute(page)
        expect_result(page, expected)


def test_a_subscription_shows_saved_changes(page: Page, tmp_path: Path) -> None:
    content = folder(tmp_path, "whales-sing", "Whales sing")
    with serving(tmp_path, content, env={"GQLNEWS_WATCH": "1"}) as (url, run):
        run.wait_for("ingested|watching")
        open_explorer(page, url)
        open_tab(page, "LiveChanges")
        with page.expect_response(f"{url}/graphql"):
            execute(page)
        (content / "whales-sing.md").write_text(
            ARTICLE.format(slug="whales-sing", title="Whales fall silent")
        )
        expect_result(page, "Whales fall silent")
        page.get_by_role("button", name="Stop query").click()
        run.wait_for("operation name=LiveChanges .* events=1 over=events")


def test_the_editor_knows_the_schema(page: Page, base: str) -> None:
    open_explorer(page, base)
    page.get_by_role("button", name="Show Documentation Explorer").click()
    page.get_by_role("link", name="Query", exact=True).click()
    expect(page.locator(".graphiql-doc-explorer")).to_contain_text("articleByUrl")


def test_a_closed_example_is_opened_again_from_the_panel(page: Page, base: str) -> None:
    open_explorer(page, base)
    page.get_by_role("button", name="Close Tab").first.click()
    page.get_by_role("button", name="Show Examples").click()
    page.get_by_role("button", name="An article and its related coverage").click()
    execute(page)
    expect_result(page, "Robots learn to read")


def test_an_unedited_tab_is_complete_on_the_next_visit(page: Page, base: str) -> None:
    open_explorer(page, base)
    open_explorer(page, base)
    execute(page)
    expect_result(page, "Robots learn to read")
    expect(page.get_by_role("tab")).to_have_count(11)


def test_example_tabs_follow_the_content(page: Page, base: str, server: Serve, tmp_path: Path) -> None:
    open_explorer(page, base)
    with server(folder(tmp_path, "whales-sing", "Whales sing again")) as other:

        def to_the_other(route: Route) -> None:
            route.fulfill(response=route.fetch(url=route.request.url.replace(base, other)))

        page.route(f"{base}/**", to_the_other)
        open_explorer(page, base)
        execute(page)
        expect_result(page, "Whales sing again")
        page.unroute_all(behavior="wait")  # pending requests would fail once the page is closed


def test_a_header_reaches_the_server_and_is_not_stored(page: Page, base: str) -> None:
    open_explorer(page, base)
    page.get_by_role("button", name="Headers").click()
    headers = page.locator(".graphiql-editor-tool .graphiql-editor:not(.hidden)")
    expect(headers).not_to_contain_text("slug")  # the variables editor is hidden
    headers.click()
    expect(headers.locator(".monaco-editor.focused")).to_be_visible()
    page.keyboard.insert_text('{"Authorization": "Bearer of-nobody"}')
    with page.expect_response(f"{base}/graphql") as error:
        page.keyboard.press("Control+Enter")
    assert error.value.status == 401
    page.reload()
    expect(page.get_by_role("tab")).to_have_count(11, timeout=20_000)
    assert "of-nobody" not in page.evaluate("JSON.stringify(localStorage)")


def test_a_server_that_exited_is_named(page: Page, base: str) -> None:
    open_explorer(page, base)
    page.route(f"{base}/graphql", lambda route: route.abort())
    execute(page)
    expect_result(page, "No answer from /graphql: is the server running?")
