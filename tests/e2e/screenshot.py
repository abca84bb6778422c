"""Take the README's picture of the desk: ``python -m tests.e2e.screenshot [--url URL --key KEY] [--out FILE]``.

Without ``--url`` it starts Kafka, PostgreSQL and the notifier by itself and lives an hour of the fictional county;
with it, it looks at a system that runs (``make demo`` prints the address and the key).
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page

from deploy.local.places import default_cache
from deploy.local.postgres import create_database, with_database
from deploy.local.progress import Quiet
from deploy.local.servers import running_kafka, running_postgres
from deploy.local.topics import make_topics
from shared.runtime.clock import utc_now
from tests.e2e.busy_county import in_order, lives
from tests.e2e.chromium import browser
from tests.integration.notifier.harness import KEYS
from tests.integration.notifier.processes import send, start
from tests.platform import data_folder

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
    with own_county() as (url, key):
        take(url, key, options.out)


@contextmanager
def own_county() -> Iterator[tuple[str, str]]:
    """A notifier with an hour of the county in it, and a key."""
    cache = default_cache()
    with (
        data_folder("screenshot-kafka") as kafka_data,
        data_folder("screenshot-postgres") as postgres_data,
        tempfile.TemporaryDirectory() as folder,
        running_kafka(kafka_data, cache=cache, progress=Quiet()) as (_, kafka),
        running_postgres(postgres_data, cache=cache, progress=Quiet()) as (_, postgres),
        asyncio.Runner() as runner,
    ):
        make_topics(kafka.bootstrap)
        dsn = with_database(postgres.dsn, "screenshot")
        create_database(dsn)
        runner.run(send(kafka.bootstrap, in_order(lives(utc_now())), playbook=True))
        service = runner.run(start(kafka.bootstrap, dsn, Path(folder)))
        try:
            yield service.url, KEYS["county"].token
        finally:
            runner.run(service.kill())


def take(url: str, key: str, out: Path) -> None:
    """Open the gravest case that is late, and write the picture."""
    with browser() as opened:
        page = opened.new_page(
            viewport={"width": 1600, "height": 900}, locale="zh-CN", timezone_id="Asia/Shanghai", color_scheme="light"
        )
        page.goto(url)
        page.fill("#key", key)
        page.click("#key-form button")
        page.wait_for_selector("#fresh[data-state=live]")
        page.wait_for_selector("#list .item")
        gravest(page)
        page.mouse.move(4, 4)
        page.evaluate("document.activeElement.blur()")
        page.wait_for_selector("#case .timeline")
        page.wait_for_timeout(1500)
        page.screenshot(path=str(out))


def gravest(page: Page) -> None:
    """Click the row with the highest grade."""
    for numeral in ("Ⅰ", "Ⅱ", "Ⅲ", "Ⅳ"):
        rows = page.locator("#list .item", has=page.locator(f"svg.grade text:text-is('{numeral}')"))
        if rows.count():
            rows.first.click()
            return


if __name__ == "__main__":
    main()
