"""The explorer in a real browser: queries, examples, tabs and links."""

import re
from pathlib import Path
from urllib.parse import urlencode

import httpx2
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.server.conftest import Serve
from tests.server.graphiql.support import (
    ARTICLE,
    INSECURE_HOST,
    QUERY,
    VARIABLES,
    content_folder,
    execute,
    expect_result,
    expect_tabs,
    open_example,
    open_explorer,
    set_text,
    wait_for_text,
    wait_until_stored,
    write_query,
    write_variables,
)
from tests.server.support import serving

TWO_OPERATIONS = """\
query First { site { version } }
query Second($slug: String!) { article(slug: $slug) { title } }
"""
LINK = urlencode({"query": TWO_OPERATIONS, "variables": '{"slug":"robots-read"}', "operationName": "Second"})


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


def test_an_example_runs_with_no_network(page: Page, base: str) -> None:
    trouble = trouble_on(page, base)
    open_explorer(page, base)
    page.locator(".graphiql-query-editor").click()
    page.keyboard.press("Control+Enter")
    expect_result(page, "Robots learn to read")
    expect_result(page, "Machines that read, explained")
    page.get_by_role("button", name=re.compile("Prettify")).click()
    open_example(page, "An overview of the site")
    execute(page)
    expect_result(page, '"articleCount": 1')
    assert trouble == []


def test_it_starts_with_one_tab(page: Page, base: str) -> None:
    open_explorer(page, base)
    expect(page.get_by_role("tab")).to_have_count(1)
    expect_tabs(page, "ArticleWithCoverage")


def test_every_example_has_results(page: Page, base: str) -> None:
    open_explorer(page, base)
    for name, expected in (
        ("The front page, page by page", '"totalCount": 1'),
        ("A topic's page", '"name": "Robots"'),
        ("A provider's page", '"name": "The Example"'),
        ("A search, with the matches marked", "<mark>Robots</mark>"),
        ("A filter, with facets of its results", '"facets"'),
        ("Trending articles, one per story", '"heat"'),
        ("Changes since a version, to update a copy", '"kind": "ADDED"'),
        ("The article with a URL", '"tableOfContents"'),
        ("An overview of the site", '"articleCount": 1'),
    ):
        open_example(page, name)
        execute(page)
        expect_result(page, expected)
    expect(page.get_by_role("tab")).to_have_count(1)  # each has replaced the one before, which was not edited


def test_an_example_is_opened_by_keyboard(page: Page, base: str) -> None:
    open_explorer(page, base)
    page.get_by_role("button", name="Examples").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menu")).to_be_visible()
    expect(page.get_by_role("menuitem").first).to_be_focused()
    page.keyboard.type("An over")
    expect(page.get_by_role("menuitem", name="An overview of the site")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".graphiql-query-editor .monaco-editor.focused")).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect_result(page, '"articleCount": 1')


def test_the_menu_of_examples_closes_without_a_choice(page: Page, base: str) -> None:
    open_explorer(page, base)
    page.get_by_role("button", name="Examples").press("Enter")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Examples")).to_be_focused()
    expect_tabs(page, "ArticleWithCoverage")


def test_an_example_does_not_replace_an_edited_tab(page: Page, base: str) -> None:
    open_explorer(page, base)
    write_query(page, "query Mine { site { version } }")
    open_example(page, "An overview of the site")
    expect_tabs(page, "Mine", "SiteOverview")
    page.get_by_role("tab", name="Mine").click()
    wait_for_text(page, QUERY, "query Mine { site { version } }")
    open_example(page, "An overview of the site")  # is open already
    expect_tabs(page, "Mine", "SiteOverview")
    expect(page.get_by_role("tab", name="SiteOverview")).to_have_attribute("aria-selected", "true")


def test_an_example_takes_the_place_of_a_running_subscription(page: Page, base: str) -> None:
    open_explorer(page, base)
    open_example(page, "A subscription to changes")
    with page.expect_response(f"{base}/graphql"):
        execute(page)
    open_example(page, "An overview of the site")
    execute(page)
    expect_result(page, '"articleCount": 1')


def test_the_active_tab_is_in_view_after_a_reload(page: Page, base: str) -> None:
    open_explorer(page, base)
    write_query(page, "query Mine { site { version } }")
    for _ in range(15):
        page.get_by_role("button", name="New tab").click()
    write_query(page, "query TheLast { site { version } }")
    expect(page.get_by_role("tab", name="TheLast")).to_be_in_viewport(ratio=0.99)
    wait_until_stored(page, "tabState", "TheLast")
    open_explorer(page, base, shows="TheLast")
    expect(page.get_by_role("tab", name="TheLast")).to_be_in_viewport(ratio=0.99)


def test_an_unedited_tab_is_complete_on_the_next_visit(page: Page, base: str) -> None:
    open_explorer(page, base)
    open_explorer(page, base)
    execute(page)
    expect_result(page, "Robots learn to read")
    expect(page.get_by_role("tab")).to_have_count(1)


def test_an_example_follows_the_content(page: Page, base: str, server: Serve, tmp_path: Path) -> None:
    open_explorer(page, base)
    with server(content_folder(tmp_path, "whales-sing", "Whales sing again")) as other:

        def to_the_other(route: Route) -> None:
            route.fulfill(response=route.fetch(url=route.request.url.replace(base, other)))

        page.route(f"{base}/**", to_the_other)
        open_explorer(page, base)
        execute(page)
        expect_result(page, "Whales sing again")
        page.unroute_all(behavior="wait")  # pending requests would fail once the page is closed


def test_the_editor_knows_the_schema(page: Page, base: str) -> None:
    open_explorer(page, base)
    page.get_by_role("button", name="Show Documentation Explorer").click()
    page.get_by_role("link", name="Query", exact=True).click()
    expect(page.locator(".graphiql-doc-explorer")).to_contain_text("articleByUrl")


def test_a_link_opens_its_query_without_running_it(page: Page, base: str) -> None:
    bodies: list[str] = []
    page.on("request", lambda request: bodies.append(request.post_data or ""))
    open_explorer(page, f"{base}/graphql?{LINK}", shows="Second")
    wait_for_text(page, QUERY, TWO_OPERATIONS)
    wait_for_text(page, VARIABLES, '{\n  "slug": "robots-read"\n}')
    assert page.url == f"{base}/graphql"
    assert [body for body in bodies if "First" in body] == []
    page.locator(".graphiql-query-editor .monaco-editor textarea").first.focus()
    page.keyboard.press("Control+Enter")  # runs the operation that the link names
    expect_result(page, '"title": "Robots learn to read"')
    page.reload()
    wait_for_text(page, QUERY, TWO_OPERATIONS)
    expect(page.get_by_role("tab")).to_have_count(1)


def test_a_link_opens_beside_the_tabs_of_the_last_visit(page: Page, base: str) -> None:
    open_explorer(page, base)
    write_query(page, "query Mine { site { version } }")
    wait_until_stored(page, "tabState", "query Mine")
    for _ in range(2):
        open_explorer(page, f"{base}/graphql?query={{site{{articleCount}}}}", shows="articleCount")
        expect_tabs(page, "Mine", "<untitled>")


def test_a_link_is_copied(page: Page, context: BrowserContext, base: str) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_explorer(page, base)
    write_query(page, "query Mine($slug: String!) { article(slug: $slug) { title } }")
    write_variables(page, '{"slug": "robots-read"} // with a comment')
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("status")).to_contain_text("Link copied")
    link = page.evaluate("navigator.clipboard.readText()")
    assert httpx2.get(link).json() == {"data": {"article": {"title": "Robots learn to read"}}}
    other = context.browser.new_page() if context.browser else context.new_page()
    open_explorer(other, link, shows="Mine")
    execute(other)
    expect_result(other, "Robots learn to read")
    other.close()


def test_without_https_link_and_query_are_copied_too(page: Page, base: str) -> None:
    url = base.replace("127.0.0.1", INSECURE_HOST)
    open_explorer(page, url)
    assert page.evaluate("window.isSecureContext") is False
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("status")).to_contain_text("Link copied")
    page.locator(".graphiql-query-editor .graphiql-editor").click()
    page.keyboard.press("Control+A")
    page.keyboard.press("Control+V")
    expect(page.locator(".graphiql-query-editor")).to_contain_text(f"{url}/graphql?query=")
    query = "query Mine { site { version } }"
    write_query(page, query)
    page.get_by_role("button", name=re.compile("Copy query")).click()
    page.locator(".graphiql-query-editor .graphiql-editor").click()
    page.keyboard.press("Control+End")
    page.keyboard.press("Control+V")
    wait_for_text(page, QUERY, query + query)


def test_what_cannot_be_linked_to_is_said(page: Page, base: str) -> None:
    open_explorer(page, base)
    for text, reason in (
        ("# " + "x" * 60_000, "too long"),
        ("", "no query"),
    ):
        set_text(page, QUERY, text)
        page.get_by_role("button", name="Copy link").click()
        expect(page.get_by_role("status")).to_contain_text(reason)
    open_example(page, "An overview of the site")
    write_variables(page, "{")
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("status")).to_contain_text("Variables are invalid JSON")


def test_a_subscription_shows_saved_changes(page: Page, tmp_path: Path) -> None:
    content = content_folder(tmp_path, "whales-sing", "Whales sing")
    with serving(tmp_path, content, env={"GQLNEWS_WATCH": "1"}) as (url, run):
        run.wait_for("ingested|watching")
        open_explorer(page, url)
        open_example(page, "A subscription to changes")
        with page.expect_response(f"{url}/graphql"):
            execute(page)
        (content / "whales-sing.md").write_text(
            ARTICLE.format(slug="whales-sing", title="Whales fall silent")
        )
        expect_result(page, "Whales fall silent")
        page.get_by_role("button", name="Stop query").click()
        run.wait_for("operation name=LiveChanges .* events=1 over=multipart")


def test_a_server_that_exited_is_named(page: Page, base: str) -> None:
    open_explorer(page, base)
    page.route(f"{base}/graphql", lambda route: route.abort())
    execute(page)
    expect_result(page, "No answer from /graphql: is the server running?")
