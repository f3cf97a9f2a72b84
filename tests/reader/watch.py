"""What a page does while a test looks at it: errors, requests, and parts that move."""

import re
from dataclasses import dataclass, field

from playwright.sync_api import ConsoleMessage, Page, Request, Route, WebSocket, expect

PIXEL = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\x9cc\xf8\xff\xff\xff"
    b"\x7f\0\t\xfb\x03\xfd\x05CE\xca\0\0\0\0IEND\xaeB`\x82"
)

_COUNT_SHIFTS = """
globalThis.shifts = 0;
new PerformanceObserver(list => {
  for (const { hadRecentInput, value } of list.getEntries()) if (!hadRecentInput) globalThis.shifts += value;
}).observe({ type: 'layout-shift', buffered: true });
"""


@dataclass
class Watch:
    """Records what happens on a page, from now on.

    Images of other hosts are answered: with a pixel, or with 404 if their path contains `missing`.
    """

    page: Page
    base: str
    requests: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._log)
        self.page.on("pageerror", lambda error: self.trouble.append(f"uncaught: {error}"))
        self.page.on("request", self._count)
        self.page.on("websocket", self._count_socket)
        self.page.context.route(re.compile(f"^(?!{re.escape(self.base)}/|data:)"), self._answer_outside)
        self.page.add_init_script(_COUNT_SHIFTS)

    def _log(self, message: ConsoleMessage) -> None:
        if "missing" not in message.location["url"]:
            self.trouble.append(f"{message.type}: {message.text}")

    def _count(self, request: Request) -> None:
        if request.url.startswith(self.base):
            self.requests.append(f"{request.method} {request.url}")

    def _count_socket(self, socket: WebSocket) -> None:
        self.requests.append(f"socket {socket.url}")

    def _answer_outside(self, route: Route) -> None:
        if route.request.resource_type != "image":
            self.trouble.append(f"outside: {route.request.url}")
            route.abort()
        elif "missing" in route.request.url:
            route.fulfill(status=404, body=b"")
        else:
            route.fulfill(status=200, content_type="image/png", body=PIXEL)

    def open(self, path: str) -> None:
        """Open a page in a new load, and wait until it shows its heading and nothing is loading."""
        self.requests.clear()
        self.page.goto(self.base + path)
        expect(self.page.locator("h1")).to_be_attached()
        expect(self.page.locator(".skeleton, [aria-busy='true']")).to_have_count(0)
        expect(self.page.locator(".masthead-title")).to_have_text(re.compile(r"\w"))

    @property
    def layout_shift(self) -> float:
        return float(self.page.evaluate("globalThis.shifts"))
