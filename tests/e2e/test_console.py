"""The live page in a real Chromium over the real notifier, Kafka and PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from shared.events import case as facts
from shared.events.order import ShadowMatch
from shared.runtime.clock import utc_now
from shared.vocabulary import OrderState, Purpose, Severity
from tests.e2e.chromium import browser, needs_chromium
from tests.e2e.console import LIVE, Desk, arrive, enter, opened_desk
from tests.fakes.joint import changed_mode, matter, mode_event, whistled
from tests.fakes.notifier import Life, department
from tests.integration.notifier.harness import KEYS

pytestmark = [needs_chromium, pytest.mark.slow]


@pytest.fixture(scope="module")
def desk(kafka: str, postgres: str) -> Iterator[Desk]:
    with opened_desk(kafka, postgres) as opened:
        yield opened


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    opened = chromium.new_context(
        viewport={"width": 1600, "height": 900}, locale="zh-CN", timezone_id="Asia/Shanghai", color_scheme="light"
    )
    opened.set_default_timeout(20_000)
    yield opened
    opened.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complains of; a test that ends well leaves it empty."""
    return []


@pytest.fixture
def page(context: BrowserContext, desk: Desk, complaints: list[str]) -> Page:
    opened = context.new_page()
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)
    opened.goto(desk.service.url)
    return opened


def test_a_key_opens_the_desk_and_a_wrong_one_says_so(page: Page, complaints: list[str]) -> None:
    page.fill("#key", "wk_nobody_nothing")
    page.click("#key-form button")
    expect(page.locator("#key-wrong")).to_contain_text("密钥不对")
    page.fill("#key", KEYS["source"].token)
    page.click("#key-form button")
    expect(page.locator("#key-wrong")).to_contain_text("只用于上报")
    enter(page)
    expect(page.locator("#place")).to_have_text("云麓县指挥平台")
    assert KEYS["county"].token not in page.url
    assert page.evaluate("sessionStorage.getItem('whistle.key')") == KEYS["county"].token
    assert page.evaluate("Object.keys(localStorage).some((key) => key.includes('key'))") is False
    page.reload()
    expect(page.locator("#fresh")).to_have_text(LIVE)
    page.click("#leave")
    expect(page.locator("#key")).to_be_visible()
    assert page.evaluate("sessionStorage.getItem('whistle.key')") is None
    assert complaints == []


def test_each_row_shows_its_grade_by_shape_numeral_and_word_and_its_time_left(page: Page) -> None:
    enter(page)
    gas = page.locator("#list .item", has_text="燃气味").first
    expect(gas.locator("svg.grade title")).to_have_text("Ⅰ级 特别重大")
    expect(gas.locator("svg.grade text")).to_have_text("Ⅰ")
    expect(gas.locator(".left")).to_have_class(re.compile("over"))
    expect(gas.locator(".left")).to_contain_text("超 ")
    expect(gas.locator(".up")).to_have_text("升至镇级")
    before = gas.locator(".left").inner_text()
    expect(gas.locator(".left")).not_to_have_text(before)
    expect(page.locator("[data-tile=late]")).to_have_class(re.compile("bad"))


def test_a_new_case_appears_and_its_changes_follow_without_reloading(page: Page, desk: Desk) -> None:
    enter(page)
    life = arrive(desk, "live", title="新来的：水管爆了")
    row = page.locator("#list .item", has_text="新来的：水管爆了").first
    expect(row).to_be_visible()
    expect(row.locator(".state")).to_contain_text("待派单")
    told = len(life.events)
    life.sign(life.order(department("water-supply")))
    desk.send(life.events[told:])
    expect(row.locator(".state")).to_contain_text("已签收 · 县供水公司")


def test_the_list_holds_still_under_the_pointer_and_counts_what_it_has_not_shown(page: Page, desk: Desk) -> None:
    enter(page)
    page.hover("#list .item >> nth=0")
    expect(page.locator("#hold")).to_have_text("已暂停：鼠标停留")
    first = page.locator("#list .item .title >> nth=0").inner_text()
    arrive(desk, "held", title="看不见的一件", severity=Severity.I)
    arrive(desk, "held-too", title="看不见的另一件")
    expect(page.locator("#unseen")).to_have_text("↑ 2 条新事件（含 1 条 Ⅰ 级）")
    assert page.locator("#list .item .title >> nth=0").inner_text() == first
    page.click("#unseen")
    expect(page.locator("#list .item .title >> nth=0")).to_contain_text("看不见的")
    expect(page.locator("#unseen")).to_be_hidden()


def test_a_case_opens_with_why_here_its_orders_clocks_and_timeline(page: Page) -> None:
    enter(page)
    page.locator("#list .item", has_text="燃气味").first.click()
    pane = page.locator("#case")
    expect(pane.locator("h2")).to_contain_text("燃气味")
    expect(pane.locator(".why")).to_contain_text("规则")
    expect(pane.locator(".why code")).to_have_text("water")
    expect(pane).to_contain_text("县燃气公司")
    expect(pane).to_contain_text("连续 15 分钟")
    expect(pane.locator(".timeline li.late")).not_to_have_count(0)
    expect(pane.locator(".timeline li.now")).to_contain_text("等待")
    assert "case=" in page.url
    page.reload()
    expect(pane.locator("h2")).to_contain_text("燃气味")
    page.keyboard.press("Escape")
    expect(pane.locator(".board")).to_be_visible()
    assert "case=" not in page.url


def test_everything_can_be_done_by_keyboard(page: Page) -> None:
    enter(page)
    page.focus("#list")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#list .item >> nth=1")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#list .item >> nth=0")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.locator("#case h2")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#case .board")).to_be_visible()
    page.keyboard.press("/")
    expect(page.locator("#words")).to_be_focused()
    page.keyboard.type("燃气")
    expect(page.locator("#list .item")).to_have_count(1)


def test_filters_narrow_the_list_and_stand_in_the_address(page: Page) -> None:
    enter(page)
    page.click("#late")
    expect(page.locator("#list .item .left.over")).not_to_have_count(0)
    expect(page.locator("#list .item .left:not(.over)")).to_have_count(0)
    page.locator("#severities .chip").nth(0).click()
    expect(page.locator("#list .item")).to_have_count(1)
    assert "late=1" in page.url
    assert "severity=1" in page.url
    page.click("#clear")
    page.select_option("#area", "990101101")
    expect(page.locator("#list .item .where", has_text="麓城街道")).to_have_count(0)
    expect(page.locator("#list .item .where", has_text="云溪镇")).not_to_have_count(0)
    page.select_option("#sort", "due")
    page.reload()
    expect(page.locator("#area")).to_have_value("990101101")
    expect(page.locator("#sort")).to_have_value("due")


def test_a_town_sees_its_own_cases_only(page: Page, desk: Desk) -> None:
    enter(page, "town")
    expect(page.locator("#place")).to_have_text("麓城街道指挥平台")
    expect(page.locator("#list .item")).not_to_have_count(0)
    arrive(desk, "foreign", title="邻镇的事", area="990101002200")
    arrive(desk, "own", title="本镇的事", area="990101001200")
    expect(page.locator("#list .item", has_text="本镇的事")).not_to_have_count(0)
    expect(page.locator("#list .item", has_text="邻镇的事")).to_have_count(0)
    expect(page.locator("#list .item .where", has_text="南屏街道")).to_have_count(0)


def whistle_case(desk: Desk) -> Life:
    """A case in which a desk has whistled, with a matter of three steps and a rule in shadow."""
    shadow = ShadowMatch(rule_id="night", rule_title="夜间噪声", words="会派给环境局", words_en="would go to urban")
    name, title = f"joint-{utc_now().timestamp()}", "联合处置：占道油烟"
    life, (urban, _) = whistled(name, "urban", "police", now=utc_now(), title=title, shadows=(shadow,))
    life.sign(urban)
    life.arrive(urban)
    steps = matter(OrderState.RESOLVED, OrderState.ISSUED, None)
    life.tell(facts.CaseStepDone, view={"matter": steps}, step="s1", order_id=urban.order_id)
    desk.send(life.events)
    return life


def test_a_whistle_a_matter_and_a_shadow_rule_are_shown_with_their_case(page: Page, desk: Desk) -> None:
    enter(page)
    whistle_case(desk)
    page.locator("#list .item", has_text="联合处置：占道油烟").first.click()
    pane = page.locator("#case")
    called = pane.locator(".called li")
    expect(called).to_have_count(2)
    expect(called.nth(0)).to_contain_text("✓ 签收")
    expect(called.nth(0)).to_contain_text("✓ 报到")
    expect(called.nth(1)).to_contain_text("未签收")
    expect(pane.locator(".card.whistle")).to_contain_text("综合执法哨")
    steps = pane.locator(".matter li")
    expect(steps).to_have_count(3)
    expect(steps.nth(0)).to_have_class("done")
    expect(steps.nth(2)).to_contain_text("待 第s2步")
    pane.locator("summary", has_text="试行规则").click()
    expect(pane.locator(".why li.shadow")).to_contain_text("会派给环境局")
    page.click("#lang")
    expect(called.nth(1)).to_contain_text("not signed")
    expect(pane.locator(".matter li").nth(2)).to_contain_text("waits for 第s2步")


def test_a_drill_is_marked_in_the_list_and_on_the_case(page: Page, desk: Desk) -> None:
    enter(page)
    arrive(desk, "drill", title="演练：河堤漫溢", purpose=Purpose.DRILL)
    row = page.locator("#list .item", has_text="河堤漫溢").first
    expect(row.locator(".drill")).to_have_text("演练")
    row.click()
    expect(page.locator("#case .case-head .drill")).to_have_text("演练")
    expect(page.locator("#list .item", has_text="燃气味").first.locator(".drill")).to_have_count(0)


def test_the_mode_in_force_stands_at_the_top_until_it_is_left(page: Page, desk: Desk) -> None:
    enter(page)
    now = utc_now()
    flood = replace(changed_mode(1), change_id=uuid4(), changed_at=now)
    desk.send([mode_event(flood)])
    arrive(desk, "wakes", title="让页面去看模式")
    banner = page.locator("#modes .mode.emergency")
    expect(banner).to_have_text("云麓县 · 防汛Ⅱ级", timeout=40_000)
    page.click("#lang")
    expect(banner).to_contain_text("Flood, grade II")
    left = replace(flood, change_id=uuid4(), mode="normal", before="flood-2", changed_at=now + timedelta(seconds=1))
    desk.send([mode_event(left)])
    expect(page.locator("#modes .mode")).to_have_count(0, timeout=40_000)


def test_words_of_strangers_are_text_and_nothing_else(page: Page, desk: Desk, complaints: list[str]) -> None:
    enter(page)
    nasty = '<img src=x onerror="window.hacked=1"><b>粗</b>'
    life = Life(name=f"nasty-{utc_now().timestamp()}", now=utc_now(), title=nasty)
    order = life.order(replace(department("water"), id="</p><script>window.hacked=1</script>"))
    life.resolve(order, '"><svg onload=window.hacked=1>')
    desk.send(life.events)
    row = page.locator("#list .item", has_text="onerror").first
    expect(row.locator(".title")).to_have_text(nasty)
    row.click()
    expect(page.locator("#case .note", has_text="onload").first).to_be_visible()
    assert page.evaluate("window.hacked") is None
    assert complaints == []


def test_a_lost_connection_is_said_and_comes_back_without_a_gap(page: Page, desk: Desk) -> None:
    enter(page)
    desk.kill()
    expect(page.locator("#fresh")).to_have_attribute("data-state", "late")
    expect(page.locator("#fresh")).to_contain_text("正在重连")
    arrive(desk, "meanwhile", title="断线时发生的事")
    desk.restart()
    expect(page.locator("#fresh")).to_have_attribute("data-state", "live", timeout=60_000)
    expect(page.locator("#list .item", has_text="断线时发生的事")).not_to_have_count(0, timeout=60_000)


def test_language_and_light_are_kept(page: Page) -> None:
    enter(page)
    page.click("#lang")
    expect(page.locator("#list-title")).to_have_text("Live cases")
    page.click("#theme")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("#list-title")).to_have_text("Live cases")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_the_list_stays_bounded_in_a_flood_and_the_page_stays_quick(page: Page, desk: Desk) -> None:
    enter(page)
    flood = [
        Life(name=f"flood-{utc_now().timestamp()}-{number}", now=utc_now(), title=f"洪峰 {number}")
        for number in range(400)
    ]
    desk.send([event for life in flood for event in life.events])
    expect(page.locator("#list .item", has_text="洪峰 399")).to_have_count(1, timeout=60_000)
    assert page.locator("#list .item").count() <= 200
    frame = """new Promise((done) => {
        const began = performance.now();
        requestAnimationFrame(() => done(performance.now() - began));
    })"""
    took = page.evaluate(frame)
    assert took < 1000


def test_status_is_spoken_and_everything_has_a_name(page: Page, desk: Desk) -> None:
    enter(page)
    arrive(desk, "spoken", title="要念出来的一级事件", severity=Severity.I)
    expect(page.locator("#alert")).to_have_text("新的一级事件：要念出来的一级事件")
    expect(page.locator("#status")).to_contain_text("一级 1 条")
    nameless = page.evaluate(
        """[...document.querySelectorAll('button, select, input, [role]')]
        .filter((e) => e.offsetParent !== null)
        .filter((e) => !(e.textContent.trim() || e.getAttribute('aria-label') || (e.labels && e.labels.length)))
        .map((e) => e.outerHTML)"""
    )
    assert nameless == []
    small = page.evaluate(
        """[...document.querySelectorAll('button, select, input')].filter((e) => e.offsetParent !== null)
        .filter((e) => e.getBoundingClientRect().height < 24).map((e) => e.outerHTML)"""
    )
    assert small == []
