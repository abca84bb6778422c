"""Early warnings (风险预警) on the live page, in a real Chromium: seen at once, with their figures, on a phone too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from playwright.sync_api import Browser, Page, expect

from shared.events.codec import adapter
from shared.events.envelope import Event
from shared.events.examples import examples_of
from shared.events.warning import EarlyWarning, WarningEnded, WarningEvent, WarningRaised, WarningUpdated
from shared.runtime.clock import utc_now
from tests.e2e.chromium import browser, needs_chromium
from tests.e2e.console import Desk, enter, opened_desk

pytestmark = [needs_chromium, pytest.mark.slow]

SPOT, TOWN = "hot-spot-opens-a-case", "water-in-a-town"


@pytest.fixture(scope="module")
def desk(kafka: str, postgres: str) -> Iterator[Desk]:
    with opened_desk(kafka, postgres) as opened:
        yield opened


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture(params=[(390, 844), (1280, 800)], ids=["390", "1280"])
def page(request: pytest.FixtureRequest, chromium: Browser, desk: Desk) -> Iterator[Page]:
    desk.background.run(lambda: none_stands(desk.dsn))
    width, height = request.param
    context = chromium.new_context(
        viewport={"width": width, "height": height}, locale="zh-CN", timezone_id="Asia/Shanghai"
    )
    context.set_default_timeout(20_000)
    opened = context.new_page()
    opened.goto(desk.service.url)
    yield opened
    context.close()


async def none_stands(dsn: str) -> None:
    """A test that ended in the middle leaves warnings behind."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("TRUNCATE notifier.early_warning")
    await connection.close()


def raised(example: str) -> WarningRaised:
    """An example, raised now under an id of its own."""
    data: WarningRaised = adapter(WarningRaised).validate_python(examples_of(WarningRaised.TYPE)[example], strict=False)
    now = utc_now()
    return replace(data, warning=replace(data.warning, warning_id=uuid4(), until=now), raised_at=now)


def tell(desk: Desk, data: WarningEvent, version: int = 1) -> None:
    event: Event[Any] = Event(
        id=uuid4(),
        source="/whistle/escalation",
        subject=data.warning.county,
        time=utc_now(),
        sequence=version,
        data=data,
    )
    desk.send([event])


def over(desk: Desk, warning: EarlyWarning) -> None:
    tell(desk, WarningEnded(warning=warning, ended_at=utc_now(), peak=warning.observed), version=9)


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_a_warning_stands_at_the_top_with_its_reason_and_figures_until_it_is_over(page: Page, desk: Desk) -> None:
    enter(page)
    pill = page.locator("#warned")
    expect(pill).to_be_hidden()
    spot, town = raised(SPOT), raised(TOWN)
    tell(desk, spot)
    tell(desk, town)
    expect(pill).to_have_accessible_name("风险预警 2")
    assert fits(page)
    pill.click()
    cards = page.locator("#case .warned li")
    expect(cards).to_have_count(2)
    card = cards.filter(has_text="热点聚集")
    expect(card).to_contain_text(spot.warning.reason)
    expect(card.locator(".figures")).to_contain_text("6 件，平常约 0.04 件")
    expect(card.locator(".figures")).to_contain_text("热点，半径 300 米")
    expect(card.locator(".badge")).to_have_text("已生成事件")
    assert fits(page)
    page.click("#lang")
    expect(cards.filter(has_text="one spot")).to_contain_text(spot.warning.reason_en)
    expect(pill).to_have_accessible_name("Early warnings 2")
    assert fits(page)
    grown = replace(spot.warning, observed=11)
    tell(desk, WarningUpdated(warning=grown, updated_at=utc_now()), version=2)
    expect(cards.filter(has_text="one spot").locator(".figures")).to_contain_text("11 reports, usually about 0.04")
    for warning in (spot.warning, town.warning):
        over(desk, warning)
    expect(page.locator("#case .warned")).to_have_count(0)
    expect(page.locator("#case")).to_contain_text("Nothing is above its usual.")
    expect(pill).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.locator("#case .close")).to_have_count(0)


def test_a_warning_leads_to_its_cases(page: Page, desk: Desk) -> None:
    enter(page)
    town = raised(TOWN)
    tell(desk, town)
    page.locator("#warned").click()
    page.locator("#case .warned .link").click()
    expect(page.locator("#area")).to_have_value(town.warning.area)
    expect(page.locator("#category")).to_have_value(town.warning.category)
    expect(page.locator("#list")).to_be_visible()
    over(desk, town.warning)
    expect(page.locator("#warned")).to_be_hidden()


def test_a_department_sees_no_warning(page: Page, desk: Desk) -> None:
    town = raised(TOWN)
    tell(desk, town)
    enter(page)
    expect(page.locator("#warned")).to_have_accessible_name("风险预警 1")
    page.click("#leave")
    expect(page.locator("#warned")).to_be_hidden()
    enter(page, "water")
    expect(page.locator("#tiles strong").first).to_have_text("0")
    expect(page.locator("#warned")).to_be_hidden()
    over(desk, town.warning)
