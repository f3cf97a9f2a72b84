"""The explorer's panes in a real browser: formatting, responses, errors, headers, narrow screens."""

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.server.graphiql.support import (
    HEADERS,
    QUERY,
    RESPONSE,
    VARIABLES,
    content_folder,
    execute,
    expect_result,
    expect_tabs,
    open_explorer,
    stored,
    text_of,
    wait_for_text,
    wait_until_stored,
    write_headers,
    write_query,
    write_variables,
)
from tests.server.support import serving

WRONG_TOKEN = '{"Authorization": "Bearer of-nobody"}'  # noqa: S105 - of nobody
SUBSCRIPTION = "subscription Live { articleChanged { slug } }"
QUOTE = "\N{RIGHT SINGLE QUOTATION MARK}"

QUERY_BEFORE = "query A($slug:String!){article(slug:$slug){title}} # kept"
QUERY_AFTER = """\
query A($slug: String!) {
  article(slug: $slug) {
    title
  }
} # kept
"""


@pytest.mark.parametrize("way", ["button", "shortcut"])
def test_prettify_formats_the_query_and_both_json_panes(page: Page, base: str, way: str) -> None:
    open_explorer(page, base)
    write_headers(page, '{"x-a":"1"}')
    write_variables(page, '{"slug":"a","list":[1]}')
    write_query(page, QUERY_BEFORE)
    if way == "button":
        page.get_by_role("button", name=re.compile("Prettify")).click()
    else:
        page.keyboard.press("Control+Shift+P")
    wait_for_text(page, QUERY, QUERY_AFTER)
    wait_for_text(page, VARIABLES, '{\n  "slug": "a",\n  "list": [\n    1\n  ]\n}\n')
    wait_for_text(page, HEADERS, '{\n  "x-a": "1"\n}\n')


@pytest.mark.parametrize("way", ["button", "shortcut"])
def test_fragments_are_merged_into_the_query(page: Page, base: str, way: str) -> None:
    open_explorer(page, base)
    write_query(page, "query A { site { ...B } } fragment B on Site { version }")
    expect_tabs(page, "A")  # GraphiQL has parsed it
    if way == "button":
        page.get_by_role("button", name=re.compile("Merge")).click()
    else:
        page.keyboard.press("Control+Shift+M")
    wait_for_text(page, QUERY, "query A {\n  site {\n    version\n  }\n}")


def test_typographic_characters_are_not_marked(page: Page, tmp_path: Path) -> None:
    title = f"It{QUOTE}s\N{NO-BREAK SPACE}read\N{ZERO WIDTH SPACE}"
    with serving(tmp_path, content_folder(tmp_path, "robots-read", title)) as (url, _):
        open_explorer(page, url)
        write_query(page, f"{{ articles {{ nodes {{ title }} }} }} # It{QUOTE}s")
        execute(page)
        expect_result(page, f"It{QUOTE}s")
        mark_in_an_editor_of_its_own(page)
    assert page.locator(".graphiql-container .unicode-highlight").count() == 0


def mark_in_an_editor_of_its_own(page: Page) -> None:
    """Wait until Monaco has marked a character where it does: then it has looked at the other editors too."""
    page.evaluate(
        """value => {
            const element = document.createElement('div');
            element.id = 'marked';
            element.style.height = '60px';
            document.body.prepend(element);
            __MONACO.editor.create(element, { value, language: 'json' });
        }""",
        QUOTE,
    )
    expect(page.locator("#marked .unicode-highlight")).to_have_count(1)


def record_responses(page: Page) -> None:
    """Collect every text of the response pane in `responses`."""
    page.evaluate(
        """name => {
            const model = __MONACO.editor.getModels().find(model => model.uri.path.endsWith(name));
            globalThis.responses = [];
            model.onDidChangeContent(() => responses.push(model.getValue()));
        }""",
        RESPONSE,
    )


def recorded_responses(page: Page) -> list[Any]:
    return [json.loads(text) for text in page.evaluate("responses") if text]


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        (
            """{ article(slug: "robots-read") {
                title provider { name } ... @defer { html provider { domain } }
            } }""",
            {"title": "Robots learn to read", "provider": {"name": "The Example"}},
            {
                "title": "Robots learn to read",
                "provider": {"name": "The Example", "domain": "example.com"},
                "html": "<p>Robots <em>read</em>.</p>",
            },
        ),
        (
            '{ article(slug: "robots-read") { related @stream { title } } }',
            {"related": []},
            {"related": [{"title": "Machines that read, explained"}]},
        ),
    ],
    ids=["defer", "stream"],
)
def test_parts_of_a_response_appear_as_they_arrive(
    page: Page, base: str, query: str, first: Any, last: Any
) -> None:
    open_explorer(page, base)
    write_query(page, query)
    record_responses(page)
    execute(page)
    page.wait_for_function("last => responses.at(-1)?.includes(last)", arg=json.dumps(list(last)[-1]))
    expect(page.get_by_role("button", name="Execute query")).to_be_visible()
    shown = [response["data"]["article"] for response in recorded_responses(page)]
    assert shown[0] == first
    assert clean(shown[-1]) == clean(last)
    assert len(shown) > 1


def clean(article: Any) -> Any:
    """Without the white space that ends the HTML."""
    return {name: value.strip() if isinstance(value, str) else value for name, value in article.items()}


@pytest.mark.parametrize("document", [SUBSCRIPTION, "query Site { site { version } }"])
def test_a_rejected_token_is_named(page: Page, base: str, document: str) -> None:
    open_explorer(page, base)
    write_query(page, document)
    write_headers(page, WRONG_TOKEN)
    execute(page)
    expect_result(page, "UNAUTHENTICATED")
    assert "is the server running" not in text_of(page, RESPONSE)


def test_an_invalid_header_is_named(page: Page, base: str) -> None:
    open_explorer(page, base)
    write_headers(page, '{"Authorization": "Bearer …"}')
    execute(page)
    expect_result(page, "Request not sent: a header is invalid.")


def test_a_rejected_subscription_shows_its_error(page: Page, base: str) -> None:
    open_explorer(page, base)
    write_query(page, 'subscription S { articleChanged(since: "nonsense") { slug } }')
    execute(page)
    expect_result(page, '"code":')
    expect(page.get_by_role("button", name="Execute query")).to_be_visible()


def test_a_server_that_stops_ends_a_subscription_with_a_reason(page: Page, tmp_path: Path) -> None:
    with serving(tmp_path, content_folder(tmp_path, "whales-sing", "Whales sing")) as (url, run):
        open_explorer(page, url)
        write_query(page, SUBSCRIPTION)
        with page.expect_response(f"{url}/graphql"):
            execute(page)
        run.stop(signal.SIGTERM)
        expect_result(page, "The response ended early: was the server stopped?")
        expect(page.get_by_role("button", name="Execute query")).to_be_visible()


def test_headers_are_not_stored_unless_the_switch_is_on(page: Page, base: str) -> None:
    open_explorer(page, base)
    write_headers(page, WRONG_TOKEN)
    write_query(page, "query Mine { site { version } }")
    wait_until_stored(page, "tabState", "query Mine")  # edits are stored in order
    execute(page)
    expect_result(page, "UNAUTHENTICATED")
    wait_until_stored(page, "queries", "query Mine")
    assert "of-nobody" not in stored(page)
    page.reload()
    wait_for_text(page, QUERY, "query Mine { site { version } }")
    wait_for_text(page, HEADERS, "")
    assert "of-nobody" not in stored(page)


def set_persist_headers(page: Page, state: str) -> None:
    page.get_by_role("button", name="Open settings dialog").click()
    section = page.locator(".graphiql-dialog-section", has_text="Persist headers")
    section.get_by_role("button", name=state).click()
    expect(section.get_by_role("button", name=state)).to_have_class(re.compile("active"))
    page.keyboard.press("Escape")


def test_headers_are_stored_while_the_switch_is_on(page: Page, base: str) -> None:
    open_explorer(page, base)
    set_persist_headers(page, "On")
    write_headers(page, WRONG_TOKEN)
    execute(page)
    expect_result(page, "UNAUTHENTICATED")
    wait_until_stored(page, "tabState", "of-nobody")
    page.reload()
    wait_for_text(page, HEADERS, WRONG_TOKEN)
    execute(page)
    expect_result(page, "UNAUTHENTICATED")
    set_persist_headers(page, "Off")
    assert "of-nobody" not in stored(page)
    page.reload()
    wait_for_text(page, HEADERS, "")


def test_clear_data_leaves_nothing(page: Page, base: str) -> None:
    open_explorer(page, base)
    execute(page)
    expect_result(page, "Robots learn to read")
    wait_until_stored(page, "queries", "ArticleWithCoverage")
    wait_until_stored(page, "tabState", "ArticleWithCoverage")  # or it would be stored after the click
    page.get_by_role("button", name="Open settings dialog").click()
    page.get_by_role("button", name="Clear data").click()
    expect(page.get_by_role("button", name="Cleared data")).to_be_visible()
    assert stored(page) == "{}"


@pytest.fixture
def narrow(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 400, "height": 800})
    yield context.new_page()
    context.close()


def test_panes_are_stacked_on_a_narrow_screen(narrow: Page, base: str) -> None:
    open_explorer(narrow, base)
    execute(narrow)
    expect_result(narrow, "Robots learn to read")
    editors = narrow.locator(".graphiql-editors").bounding_box()
    response = narrow.locator(".result-window").bounding_box()
    assert editors is not None
    assert response is not None
    assert editors["width"] > 350 < response["width"]
    assert editors["height"] > 250 < response["height"]
    assert editors["y"] + editors["height"] <= response["y"]
    assert response["y"] + response["height"] <= 800
    assert narrow.evaluate("document.documentElement.scrollWidth") == 400


def test_documentation_and_menu_fit_a_narrow_screen(narrow: Page, base: str) -> None:
    open_explorer(narrow, base)
    narrow.get_by_role("button", name="Show Documentation Explorer").click()
    expect(narrow.get_by_role("link", name="Query", exact=True)).to_be_in_viewport()
    for pane in (".graphiql-plugin", ".graphiql-editors", ".result-window"):
        box = narrow.locator(pane).bounding_box()
        assert box is not None
        assert box["width"] > 350, pane
    narrow.get_by_role("button", name="Examples").click()
    box = narrow.get_by_role("menu").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 400
