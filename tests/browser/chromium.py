"""Find and start the browser."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
NEEDS = "the tests of pages need Chromium: apt-get install chromium"


class NoBrowser(Exception):
    """Chromium is missing and cannot be installed; the message names the remedy."""


def install() -> str:
    """Return the path of Chromium. If it is missing, install it with apt as root.

    Raises:
        NoBrowser: Chromium is missing, and apt is missing or needs root.
    """
    with (Path(tempfile.gettempdir()) / "makiserve-chromium.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # only one of several test processes installs
        if path := _installed():
            return path
        if not shutil.which("apt-get") or os.geteuid() != 0:
            raise NoBrowser(NEEDS)
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
            ran = subprocess.run(["apt-get", *command], capture_output=True, text=True, check=False)
            if ran.returncode:
                raise NoBrowser(f"{NEEDS}. apt-get {command[0]} failed:\n{ran.stderr[-2000:]}")
    if not (path := _installed()):
        raise NoBrowser(NEEDS)
    return path


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running headless Chromium."""
    options = ["--disable-dev-shm-usage", "--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    path = install()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=options, timeout=60_000)
        try:
            yield browser
        finally:
            browser.close()


def _installed() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)
