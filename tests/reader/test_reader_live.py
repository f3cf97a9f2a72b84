"""The reader while its folder changes, and while its server is away."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.reader.content import write_article
from tests.reader.watch import Watch
from tests.server.support import serving

WATCHING = {"GQLNEWS_WATCH": "1"}


@pytest.fixture
def live(live_folder: Path, tmp_path: Path, chromium: Browser) -> Iterator[Page]:
    """A tab on the front page of a server that watches its folder, and runs only the reader's documents."""
    options = ("--reader", "--no-explorer", "--persisted-only")
    with serving(tmp_path / "home", live_folder, *options, env=WATCHING) as (base, _):
        page = chromium.new_page(viewport={"width": 1280, "height": 800}, base_url=base)
        watch = Watch(page, base)
        watch.open("/")
        yield page
        assert watch.layout_shift <= 0.05
        page.close()
        assert watch.trouble == []


def test_saved_changed_and_removed_files_appear_without_reload(live: Page, live_folder: Path) -> None:
    live.evaluate("globalThis.isSameDocument = true")
    write_article(live_folder, "stop-press", "Stop press", "2026-06-01")
    offer = live.get_by_role("button", name="1 new article")
    expect(offer).to_contain_text("Stop press")
    expect(live.get_by_role("status").filter(has_text="New article: Stop press")).to_be_attached()
    offer.click()
    expect(live.locator(".headline", has_text="Stop press")).to_be_visible()
    expect(offer).to_have_count(0)

    live.locator(".headline", has_text="Stop press").get_by_role("link").click()
    expect(live.locator("h1")).to_have_text("Stop press")
    write_article(live_folder, "stop-press", "Stop press, corrected", "2026-06-01", "A corrected body.")
    expect(live.locator("h1")).to_have_text("Stop press, corrected")
    expect(live.locator(".body")).to_have_text("A corrected body.")

    live.go_back()
    expect(live.locator(".headline", has_text="Stop press, corrected")).to_be_visible()
    (live_folder / "stop-press.md").unlink()
    expect(live.locator(".headline", has_text="Stop press")).to_have_count(0)
    assert live.evaluate("globalThis.isSameDocument")


def test_the_reader_recovers_when_the_server_does(
    live_folder: Path, tmp_path: Path, chromium: Browser
) -> None:
    home = tmp_path / "home"
    page = chromium.new_page()
    banner = page.get_by_text("The server cannot be reached")
    with serving(home, live_folder, env=WATCHING) as (base, _):
        Watch(page, base).open("/")
    expect(banner).to_be_visible()
    page.get_by_role("link", name="Topics").first.click()
    expect(page.get_by_role("alert")).to_contain_text("This could not be loaded")
    write_article(live_folder, "meanwhile", "Meanwhile", "2026-06-01")
    with serving(home, live_folder, "--port", base.rpartition(":")[2], env=WATCHING):
        expect(page.locator("h1")).to_have_text("Topics", timeout=30_000)
        expect(banner).to_have_count(0)
        page.get_by_role("link", name="Latest").click()
        expect(page.get_by_role("button", name="1 new article")).to_contain_text("Meanwhile")
    page.close()
