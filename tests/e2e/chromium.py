"""Debian's Chromium under Playwright; tests that need it skip visibly where it is absent."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
# Playwright's own five seconds are for a machine that does nothing else.
expect.set_options(timeout=20_000)
# Without these, a browser on a closed network asks for updates and look-ups, many at a time, in vain.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

needs_chromium = pytest.mark.skipif(
    not CHROMIUM.exists(), reason=f"{CHROMIUM} is not there: `make browser` installs it where it may"
)


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser with a profile of its own."""
    with tempfile.TemporaryDirectory(prefix="whistle-chromium-") as home, sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=[*FLAGS, f"--crash-dumps-dir={home}"], timeout=60_000
        )
        try:
            yield started
        finally:
            started.close()
