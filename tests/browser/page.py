"""A page as a user sees it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, ConsoleMessage, Page

DESK, PHONE = 1280, 390
"""Widths in pixels."""


@dataclass
class Seen:
    """An open page.

    Attributes:
        page: playwright's; `page.locator("svg")`, `page.screenshot(path=…)`.
        complaints: errors and warnings of the console, exceptions of scripts, requests that failed, in order.
        requests: URLs that were asked for, the page's own included.
    """

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def on_console(self, message: ConsoleMessage) -> None:
        """Keep an error or a warning of the console."""
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    @property
    def overflow(self) -> int:
        """The number of pixels by which the page is wider than its window: a phone would have to scroll sideways."""
        width: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return width


@contextmanager
def look(
    browser: Browser, place: str | Path, *, width: int = DESK, scheme: Literal["light", "dark"] = "light"
) -> Iterator[Seen]:
    """Open a URL or a file in a new window."""
    url = place if isinstance(place, str) else place.resolve().as_uri()
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    try:
        seen = Seen(context.new_page())
        page = seen.page
        page.on("console", seen.on_console)
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        page.on("requestfailed", lambda request: seen.complaints.append(f"{request.url}: {request.failure}"))
        page.on("request", lambda request: seen.requests.append(request.url))
        page.goto(url, timeout=60_000)
        yield seen
    finally:
        context.close()
