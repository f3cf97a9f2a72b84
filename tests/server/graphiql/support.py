"""Steps in the explorer that several tests share."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.server.support import write_articles

INSECURE_HOST = "explorer.test"
"""A name of the server's address that browsers do not trust as they trust 127.0.0.1."""

QUERY, VARIABLES, HEADERS, RESPONSE = (
    "operation.graphql",
    "variables.json",
    "request-headers.json",
    "response.json",
)
"""The ends of the names of Monaco's models, one for each pane."""

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

_MODEL = "__MONACO.editor.getModels().find(model => model.uri.path.endsWith(name))"


def content_folder(parent: Path, slug: str, title: str) -> Path:
    """A content folder with one article."""
    return write_articles(parent / slug, {f"{slug}.md": ARTICLE.format(slug=slug, title=title)})


def open_explorer(page: Page, url: str, shows: str = "ArticleWithCoverage") -> None:
    """Open the explorer of a server, or a link to one of its queries."""
    page.goto(url if "/graphql" in url else f"{url.rstrip('/')}/graphql")
    expect(page.locator(".graphiql-query-editor")).to_contain_text(shows, timeout=20_000)


def open_example(page: Page, name: str) -> None:
    page.get_by_role("button", name="Examples").click()
    page.get_by_role("menuitem", name=name).click()
    expect(page.get_by_role("menu")).to_have_count(0)


def execute(page: Page) -> None:
    page.get_by_role("button", name="Execute query").click()


def expect_result(page: Page, words: str) -> None:
    """Wait until the response pane shows these words, however it wraps them."""
    anywhere = re.compile(r"\s*".join(re.escape(word) for word in words.split()))
    expect(page.locator(".result-window")).to_contain_text(anywhere)


def text_of(page: Page, model: str) -> str:
    """The whole text of a pane, also what is scrolled out of sight."""
    return str(page.evaluate(f"name => {_MODEL}.getValue()", model))


def set_text(page: Page, model: str, text: str) -> None:
    """Replace the text of a pane, without the brackets that the editor adds to what is typed."""
    page.evaluate(f"([name, text]) => {_MODEL}.setValue(text)", [model, text])


def wait_for_text(page: Page, model: str, expected: str) -> None:
    page.wait_for_function(
        f"([name, text]) => globalThis.__MONACO && {_MODEL}?.getValue() === text", arg=[model, expected]
    )


def write_query(page: Page, text: str) -> None:
    page.locator(".graphiql-query-editor .graphiql-editor").click()
    set_text(page, QUERY, text)


def write_variables(page: Page, text: str) -> None:
    page.get_by_role("button", name="Variables", exact=True).click()
    set_text(page, VARIABLES, text)


def write_headers(page: Page, text: str) -> None:
    page.get_by_role("button", name="Headers", exact=True).click()
    set_text(page, HEADERS, text)


def wait_until_stored(page: Page, key: str, text: str) -> None:
    """Wait until GraphiQL has stored this text under a key; it stores edits after a delay."""
    page.wait_for_function(
        "([key, text]) => localStorage[`graphiql:${key}`]?.includes(text)", arg=[key, text]
    )


def expect_tabs(page: Page, *titles: str) -> None:
    expect(page.locator(".graphiql-tab-button")).to_have_text(list(titles))


def stored(page: Page) -> str:
    return str(page.evaluate("JSON.stringify(localStorage)"))
