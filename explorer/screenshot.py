"""
Renews the README's picture of the explorer, from a running server:

    gqlnews serve examples/news &
    python explorer/screenshot.py http://127.0.0.1:8000/graphql docs/explorer.png
"""

import shutil
import sys

from playwright.sync_api import Page, sync_playwright


def main(url: str, picture: str) -> None:
    with sync_playwright() as playwright:
        program = shutil.which("chromium")  # else the browser that Playwright itself installed
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(url)
        run_the_first_example(page)
        page.screenshot(path=picture)
        browser.close()


def run_the_first_example(page: Page) -> None:
    """Leaves an article beside its query, with nothing focused or hovered over."""
    page.locator(".graphiql-query-editor .view-line").first.wait_for()
    page.get_by_role("button", name="Execute query").click()
    page.locator(".result-window").get_by_text('"related"').first.wait_for()
    page.mouse.move(0, 0)
    page.wait_for_function("document.fonts.status === 'loaded'")


if __name__ == "__main__":
    main(*sys.argv[1:])
