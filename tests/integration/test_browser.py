"""The browser of the tests reports errors of a page."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser

from tests.browser import look


def test_browser_records_console_and_requests(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        "<p>so far</p><script>console.error('alas'); throw new Error('worse')</script><img src='gone.png'>"
        "<div style='width: 1500px'>wide</div>"
    )
    with look(browser, page) as seen:
        assert seen.page.locator("p").inner_text() == "so far"
        assert {"alas", "worse"} <= set(seen.complaints)
        assert any("gone.png" in complaint for complaint in seen.complaints)
        assert seen.requests == [page.as_uri(), (tmp_path / "gone.png").as_uri()]
        assert seen.overflow > 200


def test_page_sees_the_color_scheme(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<style>@media (prefers-color-scheme: dark) { p { color: rgb(1, 2, 3) } }</style><p>text</p>")
    colors = []
    for scheme in ("light", "dark"):
        with look(browser, page, scheme=scheme) as seen:
            colors.append(seen.page.locator("p").evaluate("element => getComputedStyle(element).color"))
            assert not seen.complaints
    assert colors == ["rgb(0, 0, 0)", "rgb(1, 2, 3)"]
