"""What waits for a word and what stands still, as the live page shows it in a real Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from shared.events.parts import Alike, Guess
from shared.runtime.clock import utc_now
from shared.vocabulary import CaseState, ClockKind
from tests.e2e.chromium import browser, needs_chromium
from tests.e2e.console import Desk, arrive, enter, opened_desk
from tests.fakes.notifier import Life, department
from tests.integration.notifier.harness import KEYS

pytestmark = [needs_chromium, pytest.mark.slow]


@pytest.fixture(scope="module")
def desk(kafka: str, postgres: str) -> Iterator[Desk]:
    with opened_desk(kafka, postgres) as opened:
        yield opened


@pytest.fixture
def page(desk: Desk) -> Iterator[Page]:
    with browser() as chromium:
        yield _page(chromium, desk)


def _page(chromium: Browser, desk: Desk) -> Page:
    context: BrowserContext = chromium.new_context(
        viewport={"width": 1600, "height": 900}, locale="zh-CN", timezone_id="Asia/Shanghai", color_scheme="light"
    )
    context.set_default_timeout(20_000)
    opened = context.new_page()
    opened.goto(desk.service.url)
    return opened


def test_what_waits_for_a_word_is_marked_listed_and_says_what_is_open(page: Page, desk: Desk) -> None:
    enter(page)
    guess = Guess(category="01.002", confidence=0.41, words=("没水",), second="02.001", second_confidence=0.3)
    other = arrive(desk, "other", title="隔壁小区停水")
    alike = Alike(case_id=other.case_id, score=0.7, why="同一小区、同一类别")
    life = arrive(desk, "unread", title="好像没水了", state=CaseState.RECEIVED, guess=guess, alike=(alike,))
    row = page.locator("#list .item", has_text="好像没水了").first
    expect(row.locator(".mark.waits")).to_have_text(["待立案", "疑似重复"])
    page.click("[data-tile=waits]")
    expect(page.locator("#list .item", has_text="隔壁小区停水")).to_have_count(0)
    row.click()
    pane = page.locator("#case")
    expect(pane.locator(".guess")).to_contain_text("停水与水压不足（41%） · 依据词：没水 · 其次：")
    expect(pane.locator(".card.alike")).to_contain_text("70%")
    expect(pane.locator(".timeline .now")).to_contain_text("等待审核立案")
    pane.locator(".open .chip", has_text="不予受理").click()
    expect(pane.locator(".command")).to_have_text(f"whistle act {life.case_id} refuse")
    expect(pane.locator(".open .chip", has_text=re.compile("^签收$"))).to_have_count(0)
    pane.locator(".card.alike .link").click()
    expect(pane.locator(".case-head h2")).to_have_text("隔壁小区停水")


def test_a_paused_case_shows_what_is_left_and_until_when_and_is_never_late(page: Page, desk: Desk) -> None:
    enter(page)
    life = Life(name=f"paused-{utc_now().timestamp()}", now=utc_now() - timedelta(hours=2), title="等配件的路灯")
    order = life.order(department("urban"))
    life.sign(order)
    life.start(life.clock(order, ClockKind.HANDLE, minutes=60))
    life.pause(order, until=utc_now() + timedelta(days=2))
    life.supervise(order.target)
    life.extend(order)
    desk.send(life.events)
    row = page.locator("#list .item", has_text="等配件的路灯").first
    expect(row.locator(".left")).to_contain_text("停表，余 59:")
    expect(row.locator(".mark.held")).to_contain_text("已暂停 至 ")
    row.click()
    pane = page.locator("#case")
    expect(pane.locator(".held-why")).to_contain_text("已暂停")
    expect(pane.locator(".timeline .now")).to_contain_text("已暂停 至 ")
    expect(pane.locator(".card.request")).to_have_count(2)
    expect(pane.locator(".card.request").nth(1)).to_contain_text("今日报结果")
    page.click("#late")
    expect(page.locator("#list .item", has_text="燃气味").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#list .item", has_text="等配件的路灯")).to_have_count(0)


INSIDE = """
() => [...document.querySelectorAll("#list .item .mark")]
  .filter((one) => one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1)
  .map((one) => [one.textContent, one.clientWidth, one.scrollWidth])
"""


@pytest.mark.parametrize("language", ("zh-CN", "en"))
def test_the_words_of_a_mark_stand_inside_it_and_a_telephone_shows_the_page_whole(desk: Desk, language: str) -> None:
    guess = Guess(category="01.002", confidence=0.41, words=("没水",), second="02.001", second_confidence=0.3)
    arrive(desk, f"narrow {language}", title="窄屏上没水", state=CaseState.RECEIVED, guess=guess)
    with browser() as chromium:
        page = chromium.new_page(viewport={"width": 390, "height": 844}, locale=language)
        page.goto(desk.service.url)
        assert page.evaluate("document.documentElement.scrollWidth") == page.viewport_size["width"]  # type: ignore[index]  # it was given
        page.fill("#key", KEYS["county"].token)
        page.press("#key", "Enter")
        expect(page.locator("#list .mark.waits").first).to_be_visible(timeout=20_000)
        assert page.evaluate("document.documentElement.scrollWidth") == page.viewport_size["width"]  # type: ignore[index]  # it was given
        assert page.evaluate(INSIDE) == []


def test_a_desk_opened_by_enter_is_live_until_somebody_steps_through_it(page: Page, desk: Desk) -> None:
    page.fill("#key", KEYS["county"].token)
    page.press("#key", "Enter")
    expect(page.locator("#list")).to_be_focused()
    expect(page.locator("#hold")).to_have_text("实时更新中")
    arrive(desk, "after enter", title="开台之后的事")
    expect(page.locator("#list .item", has_text="开台之后的事")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    expect(page.locator("#hold")).to_have_text("已暂停：正在用键盘浏览")
