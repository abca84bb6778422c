"""The residents' form as a telephone shows it: how it is filled, sent and followed."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import httpx
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from deploy.local.keys import DEMO_COUNTY

if TYPE_CHECKING:
    from deploy.local.platform import Platform

WIDE: Final = 360
NAMES: Final = "梅兰竹菊松柏桂荷枫杏柳棠金银玉翠锦绣祥瑞福禄寿喜安康宁泰丰登盛昌"
CODE: Final = re.compile(r"^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$")


@contextmanager
def telephone(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser of a telephone's width, in Chinese."""
    opened = chromium.new_context(
        viewport={"width": WIDE, "height": 740},
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        has_touch=True,
        is_mobile=True,
    )
    opened.set_default_timeout(20_000)
    yield opened
    opened.close()


@contextmanager
def opened_form(context: BrowserContext, system: Platform) -> Iterator[Page]:
    """The form, drawn; what the browser complains of meanwhile fails the test."""
    complaints: list[str] = []
    opened = context.new_page()
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)
    opened.goto(f"{system.url('intake')}/report/")
    expect(opened.locator("#town option").nth(1)).to_be_attached()
    yield opened
    assert complaints == []


def photo(path: Path) -> Path:
    """A picture of a telephone's size."""
    Image.effect_noise((3000, 2000), 60).convert("RGB").save(path, "JPEG", quality=90)
    return path


def words() -> str:
    """A matter that no other test of this county has told: lamps of two estates are two, two poles may be one lamp."""
    estate = "".join(random.sample(NAMES, 4))
    return f"{estate}花园的路灯整夜漆黑，杆号 {uuid4().hex[:12]}，老人出门怕摔跤"


def tap(page: Page, village: str) -> None:
    """Tap the middle of a village on the map."""
    box = page.locator(f'path[data-code="{village}"]').bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def fill(page: Page, text: str) -> None:
    page.locator("#text").fill(text)
    page.locator("#town").select_option(index=1)


def send(page: Page) -> None:
    """Send, whatever neighbours have reported."""
    page.locator("#send").click()
    expect(page.locator("#done, #alike").locator("visible=true")).to_have_count(1)
    if page.locator("#alike").is_visible():
        page.locator("#mine").click()


def code_of(page: Page) -> str:
    expect(page.locator("#done")).to_be_visible()
    code = page.locator("#code").inner_text()
    assert CODE.match(code), code
    return code


def of(system: Platform, path: str, **more: Any) -> Any:
    headers = {"Authorization": f"Bearer {system.keys.token(f'{DEMO_COUNTY}-operator')}"}
    service = more.pop("service", "notifier")
    with httpx.Client(base_url=system.url(service), headers=headers, timeout=30) as client:
        return client.request(more.pop("method", "GET"), path, **more)


def until(look: Callable[[], Any], what: str, seconds: float = 40) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, what
        time.sleep(0.2)
    return found


def tracked(system: Platform, code: str) -> Any:
    answer = of(system, f"/v1/track/{code}")
    return answer.json() if answer.status_code == 200 else None
