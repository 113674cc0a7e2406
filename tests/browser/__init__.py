"""A headless Chromium (/usr/bin/chromium), controlled by playwright, for tests of the status page and reports."""

from tests.browser.chromium import NoBrowser, chromium, install
from tests.browser.page import Seen, look

__all__ = ["NoBrowser", "Seen", "chromium", "install", "look"]
