"""The browser of a guide: what its pages show, and what a reader clicks."""

import re
from typing import Self

from playwright.sync_api import Error, Page, sync_playwright

from tests.guides.terminal import GuideError

CHROMIUM = "/usr/bin/chromium"
SHOWN = 60_000
"""Milliseconds until a page shows what it should."""


class Browser:
    """One tab, which stays open between the blocks of a guide; started when first needed."""

    def __init__(self) -> None:
        self._playwright = sync_playwright()
        self._page: Page | None = None
        self._console: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._page is not None:
            self._playwright.__exit__()

    def open(self, url: str) -> None:
        if self._page is None:
            chromium = self._playwright.__enter__().chromium
            self._page = chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]).new_page()
            self._page.on("console", lambda message: self._console.append(message.text))
            self._page.on("pageerror", lambda error: self._console.append(str(error)))
        self._page.goto(url)

    def follow(self, lines: list[str]) -> None:
        """Go through the lines: `[More]` clicks that button or link, other lines must appear as text."""
        assert self._page is not None, "the first `page` of a guide needs a URL"
        for line in lines:
            try:
                self._follow_line(self._page, line)
            except Error as error:
                shown = self._page.locator("body").inner_text()
                reason = error.message.partition("\n")[0]
                raise GuideError(
                    f"{line!r}: {reason}\nconsole: {self._console}\npage:\n{shown[:3000]}"
                ) from None

    @staticmethod
    def _follow_line(page: Page, line: str) -> None:
        if button := re.fullmatch(r"\[(.+)\]", line):
            named = page.get_by_role("button", name=button[1]).or_(page.get_by_role("link", name=button[1]))
            named.first.click(timeout=SHOWN)
        else:
            text = re.compile(re.escape(line).replace("…", ".*"))
            page.get_by_text(text).first.wait_for(timeout=SHOWN)
