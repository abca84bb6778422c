"""Take the README's picture of the desk: ``python -m tests.e2e.screenshot [--url URL --key KEY] [--out FILE]``.

Without ``--url`` it runs the demo until a late case has moved up, and looks at that; with it, it looks at a system
that runs already (``make demo`` prints the address and the key).
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as NotSeen

from tests.e2e.chromium import browser
from tests.platform import data_folder

STARTS_SECONDS: Final = 180
MORE_MS: Final = 6000
"""Let a few more things happen before the picture is taken."""
ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Take the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url")
    parser.add_argument("--key")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images" / "console.png")
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    if options.url:
        take(options.url, options.key, options.out)
        return
    with demo() as (url, key):
        take(url, key, options.out)


@contextmanager
def demo() -> Iterator[tuple[str, str]]:
    """The demo on data of its own: the notifier's address and the duty officer's key."""
    with data_folder("screenshot") as data:
        command = [sys.executable, "-m", "deploy.local.demo", "--data", str(data)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        try:
            run = data / "run.json"
            deadline = time.monotonic() + STARTS_SECONDS
            while not run.exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the demo did not start: run `make demo` to see why")
                time.sleep(0.5)
            keys = json.loads((data / "keys.json").read_text(encoding="utf-8"))
            operator = next(key["token"] for key in keys.values() if key["role"] == "operator")
            yield json.loads(run.read_text(encoding="utf-8"))["http"]["notifier"], operator
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def take(url: str, key: str, out: Path) -> None:
    """Open the gravest case that is late, and write the picture."""
    with browser() as opened:
        page = opened.new_page(
            viewport={"width": 1600, "height": 900}, locale="zh-CN", timezone_id="Asia/Shanghai", color_scheme="light"
        )
        page.goto(f"{url}/#sort=due")
        page.fill("#key", key)
        page.click("#key-form button")
        page.wait_for_selector("#fresh[data-state=live]")
        page.wait_for_selector("#list .item")
        with suppress(NotSeen):
            page.wait_for_selector("#list .item:not(.closed) .up", timeout=60_000)
        page.wait_for_timeout(MORE_MS)
        show(page)
        page.mouse.move(4, 4)
        page.evaluate("document.activeElement.blur()")
        page.wait_for_selector("#case .timeline")
        page.wait_for_timeout(1500)
        page.screenshot(path=str(out))


def show(page: Page) -> None:
    """Open a case that has moved up, or else the gravest that is open."""
    grades = [
        page.locator("#list .item:not(.closed)", has=page.locator(f"svg.grade text:text-is('{one}')")) for one in "ⅠⅡⅢⅣ"
    ]
    for rows in (page.locator("#list .item:not(.closed)", has=page.locator(".up")), *grades):
        if rows.count():
            rows.first.click()
            return


if __name__ == "__main__":
    main()
