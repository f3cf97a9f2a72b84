"""The reader in a real Chromium, over a server with the example articles and odd ones."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from gqlnews.server.reader_page import BUILD_FOLDER
from tests.reader.content import write_content
from tests.reader.watch import Watch
from tests.server.support import serving

DEADLINE_MS = 15_000
FLAGS = (
    "--no-sandbox",  # tests also run as root, in containers
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser per module: while Playwright runs, other tests cannot run an event loop."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is not installed")
    if not (BUILD_FOLDER / "manifest.json").exists():
        pytest.skip("the reader is not built: run `make reader`")
    expect.set_options(timeout=DEADLINE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server whose content does not change."""
    home = tmp_path_factory.mktemp("reader")
    with serving(home, write_content(home / "content")) as (url, _):
        yield url


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, timezone_id="UTC")
    context.set_default_timeout(DEADLINE_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, base: str) -> Iterator[Page]:
    """A tab that fails its test if the page logs an error, or requests anything from elsewhere but images."""
    page = context.new_page()
    watch = Watch(page, base)
    yield page
    assert watch.trouble == []


@pytest.fixture
def live_folder(tmp_path: Path) -> Path:
    """A folder for a test that changes it."""
    return write_content(tmp_path / "content")
