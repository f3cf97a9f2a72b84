"""Getting around the reader: with the keyboard, by scrolling, by searching, with facets."""

import re

from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.reader.content import ARCHIVE_SIZE

FOCUSED = "document.activeElement.textContent"


def press_tab_until(page: Page, name: str) -> None:
    """Press Tab until the link or button with this text has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED).strip() == name:
            return
    raise AssertionError(f"{name} cannot be reached with the Tab key")


def rows(page: Page) -> Locator:
    return page.locator(".rows > li")


def test_the_keyboard_opens_an_article_and_comes_back(page: Page, base: str) -> None:
    page.goto(base)
    headline = page.locator(".lead .headline").inner_text()
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "Skip to content"
    page.keyboard.press("Enter")
    press_tab_until(page, headline)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_be_focused()
    expect(page.locator("h1")).to_have_text(headline)
    expect(page).to_have_title(re.compile(re.escape(headline)))
    page.go_back()
    expect(page.locator("h1")).to_have_text("Latest articles")
    expect(page.locator("h1")).to_be_focused()


def test_focus_can_be_seen(page: Page, base: str) -> None:
    page.goto(f"{base}/topics")
    expect(page.locator("h1")).to_be_visible()
    press_tab_until(page, "Topics")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_the_front_page_grows_by_scrolling_to_the_last_article(page: Page, base: str) -> None:
    page.goto(base)
    expect(rows(page).first).to_be_visible()
    while page.locator(".load-more").count():
        shown = rows(page).count()
        page.mouse.wheel(0, 10_000)
        page.wait_for_function("n => document.querySelectorAll('.rows > li').length > n", arg=shown)
        expect(page.locator(".load-more button", has_text="Loading")).to_have_count(0)
    expect(rows(page).last).to_contain_text("An odd slug")
    headlines = page.locator(".card .headline").all_inner_texts()
    assert rows(page).count() > ARCHIVE_SIZE
    assert len({text for text in headlines if "archive" in text}) == ARCHIVE_SIZE


def test_back_restores_the_scroll_position_of_a_grown_list(page: Page, base: str) -> None:
    page.goto(f"{base}/providers/archive.example")
    page.locator(".load-more").scroll_into_view_if_needed()
    expect(rows(page).nth(30)).to_be_attached()
    rows(page).nth(30).scroll_into_view_if_needed()
    expect(rows(page)).to_have_count(ARCHIVE_SIZE)  # the end is near, so the last page is loaded
    position = page.evaluate("scrollY")
    rows(page).nth(30).locator(".headline a").evaluate("link => link.click()")
    expect(page.locator("h1")).to_contain_text("From the archive")
    assert page.evaluate("scrollY") == 0
    page.go_back()
    expect(page.locator("h1")).to_have_text("The Archive")
    page.wait_for_function("position => Math.abs(scrollY - position) < 50", arg=position)


def test_a_button_loads_more_where_scrolling_is_not_observed(page: Page, base: str) -> None:
    page.add_init_script("IntersectionObserver = class { observe() {} disconnect() {} }")
    page.goto(f"{base}/providers/archive.example")
    expect(rows(page)).to_have_count(20)
    page.get_by_role("button", name="Show more").press("Enter")
    expect(rows(page)).to_have_count(40)
    page.get_by_role("button", name="Show more").press("Enter")
    expect(rows(page)).to_have_count(ARCHIVE_SIZE)
    expect(page.get_by_role("button", name="Show more")).to_have_count(0)


def test_a_search_follows_what_is_typed_and_marks_it(page: Page, base: str) -> None:
    page.goto(f"{base}/search")
    box = page.get_by_role("searchbox", name="Search the articles")
    box.press_sequentially("comet")
    expect(page).to_have_url(f"{base}/search?q=comet")
    expect(page.get_by_role("status").filter(has_text="results")).to_be_visible()
    expect(page.locator("mark").first).to_have_text(re.compile("comet", re.IGNORECASE))
    expect(box).to_be_focused()
    box.fill("")
    expect(page).to_have_url(f"{base}/search")
    expect(rows(page)).to_have_count(0)


def test_a_facet_narrows_a_list_and_stands_in_the_url(page: Page, base: str) -> None:
    page.goto(f"{base}/topics/larkhaven")
    expect(rows(page)).to_have_count(5)
    facet = page.get_by_role("region", name="Authors")
    facet.get_by_role("link", name=re.compile("Mina Okafor")).click()
    expect(page).to_have_url(f"{base}/topics/larkhaven?author=mina-okafor")
    expect(rows(page).filter(has_not_text="Mina Okafor")).to_have_count(0)
    chosen = facet.get_by_role("link", name=re.compile("Remove this filter"))
    expect(chosen).to_be_focused()
    chosen.press("Enter")
    expect(rows(page)).to_have_count(5)


def test_the_tab_key_reaches_filters_where_they_are_shown(page: Page, base: str) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    page.goto(f"{base}/topics/larkhaven")
    expect(rows(page)).to_have_count(5)
    press_tab_until(page, "Filter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.rows') !== null")
    page.set_viewport_size({"width": 1280, "height": 800})
    press_tab_until(page, rows(page).last.locator(".headline").inner_text())
    expect(page.get_by_role("complementary", name="Filters")).to_be_visible()


def test_dark_mode_is_remembered(page: Page, base: str) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(base)
    light = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    page.get_by_role("button", name="Dark mode").click()
    dark = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert dark != light
    page.reload()
    expect(page.get_by_role("button", name="Dark mode", pressed=True)).to_be_visible()
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == dark


def test_a_story_and_related_coverage_lead_on(page: Page, base: str) -> None:
    page.goto(f"{base}/articles/2026/harbour-tunnel-opens")
    expect(page.get_by_role("region", name="Related coverage").locator(".further a").first).to_be_visible()
    page.locator(".story-title a").click()
    expect(page.locator(".timeline > li")).to_have_count(4)
    expect(page.locator("h1")).to_be_focused()


def test_an_unknown_path_is_said_to_be_none(page: Page, base: str) -> None:
    page.goto(f"{base}/topics")
    expect(page.locator("h1")).to_be_visible()
    page.evaluate("history.pushState(null, '', '/nowhere')")
    expect(page.locator("h1")).to_have_text("There is no such page")


def test_a_body_loads_and_opens_nothing_by_itself(page: Page, base: str) -> None:
    page.goto(f"{base}/articles/odd/body")
    body = page.locator(".body")
    expect(body.get_by_role("link", name=re.compile("A film"))).to_have_attribute(
        "href", "https://www.youtube.com/embed/abc"
    )
    expect(page.locator("iframe")).to_have_count(0)
    expect(body.get_by_role("link", name="elsewhere")).to_have_attribute("rel", "noopener noreferrer")
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    alignment = body.locator("td").nth(1).evaluate("cell => getComputedStyle(cell).textAlign")
    assert alignment.endswith("right")


def test_text_has_its_language_and_direction(page: Page, base: str) -> None:
    page.goto(f"{base}/articles/odd/rtl")
    heading = page.locator("h1")
    expect(heading).to_have_attribute("lang", "ar")
    assert heading.evaluate("heading => getComputedStyle(heading).direction") == "rtl"


def test_images_that_cannot_be_loaded_move_nothing(context: BrowserContext, base: str) -> None:
    page = context.new_page()
    page.goto(base)
    expect(page.locator(".lead .picture span")).to_have_text("T")  # the first letter of the headline
    shift = page.evaluate(
        "new Promise(done => new PerformanceObserver(list => done(list.getEntries()"
        ".reduce((sum, { value }) => sum + value, 0))).observe({ type: 'layout-shift', buffered: true }))"
    )
    assert shift <= 0.05
