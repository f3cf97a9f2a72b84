"""What the reader makes of texts: passages, links, directions, names, and the printed page."""

from playwright.sync_api import Page, expect

from tests.reader.content import LONG_WORD


def test_a_passage_is_shown_without_its_markdown(page: Page, base: str) -> None:
    page.goto(f"{base}/search?q=quokka")
    passage = page.locator(".rows .excerpt")
    expect(passage).to_contain_text("The quokka is small, round and brown")
    expect(passage.locator("mark")).to_have_text("quokka")
    for mark in ("#", "[", "https", "*", "`", "|", "---"):
        expect(passage).not_to_contain_text(mark)


def test_a_link_that_leads_nowhere_is_text(page: Page, base: str) -> None:
    page.goto(f"{base}/articles/odd/marks")
    body = page.locator(".body")
    expect(body.get_by_role("link", name="elsewhere")).to_be_visible()
    expect(body).to_contain_text("nowhere")
    expect(body.get_by_role("link", name="nowhere")).to_have_count(0)


def test_each_paragraph_has_its_own_direction(page: Page, base: str) -> None:
    page.goto(f"{base}/articles/odd/rtl")
    paragraphs = page.locator(".body p")
    expect(paragraphs).to_have_count(2)
    directions = paragraphs.evaluate_all("all => all.map(each => getComputedStyle(each).direction)")
    assert directions == ["rtl", "ltr"]


def test_an_index_is_filtered_beyond_its_loaded_part(page: Page, base: str) -> None:
    page.goto(f"{base}/authors")
    box = page.get_by_role("searchbox", name="Filter authors by name")
    box.fill("writer 119")
    expect(page.locator(".index a")).to_have_text(["Writer 119"])
    box.fill("xyzzy")
    expect(page.get_by_role("status").filter(has_text="There are no authors with “xyzzy”")).to_be_visible()
    box.fill("")
    expect(page.locator(".index a", has_text=LONG_WORD)).to_be_visible()
    expect(box).to_be_focused()


def test_related_coverage_does_not_lead_back(page: Page, base: str) -> None:
    page.goto(f"{base}/articles/2026/harbour-tunnel-opens")
    expect(page.locator(".further a").first).to_be_visible()
    expect(page.locator(".further a", has_text="Larkhaven opens its harbour tunnel")).to_have_count(0)


def test_the_printed_page_is_light_and_has_no_controls(page: Page, base: str) -> None:
    page.emulate_media(color_scheme="dark", media="print")
    page.goto(f"{base}/topics/larkhaven")
    expect(page.locator(".rows")).to_be_visible()
    assert page.locator("h1").evaluate("h1 => getComputedStyle(h1).color") == "rgb(27, 26, 24)"
    expect(page.get_by_role("navigation", name="Site")).to_be_hidden()
    expect(page.get_by_role("complementary", name="Filters")).to_be_hidden()
