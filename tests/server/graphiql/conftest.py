"""A real Chromium that can reach only the server, and a server with the test's own content."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from gqlnews.server.graphiql.page import explorer_is_built
from tests.server.graphiql.support import INSECURE_HOST, content_folder
from tests.server.support import serving

DEADLINE_MS = 15_000
FLAGS = (
    "--no-sandbox",  # tests also run as root, in containers
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    f"--host-resolver-rules=MAP {INSECURE_HOST} 127.0.0.1 , MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)


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
    context.set_default_timeout(DEADLINE_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server with one article."""
    home = tmp_path_factory.mktemp("explorer")
    with serving(home, content_folder(home, "robots-read", "Robots learn to read")) as (url, _):
        yield url
