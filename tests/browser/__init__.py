"""A headless Chromium for the pages that makiserve makes: /usr/bin/chromium, driven by playwright."""

from tests.browser.chromium import NoBrowser, chromium, install
from tests.browser.page import Seen, look

__all__ = ["NoBrowser", "Seen", "chromium", "install", "look"]
