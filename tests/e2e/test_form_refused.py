"""What cannot be sent, comes back, or is tapped twice: the form says so in its reader's words, and sends no second."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, Route, expect

from deploy.local.keys import DEMO_COUNTY, Bearer
from shared.vocabulary import Role
from tests.e2e.chromium import browser, needs_chromium
from tests.e2e.form import code_of, fill, opened_form, telephone, words

if TYPE_CHECKING:
    from deploy.local.platform import Platform

pytestmark = [needs_chromium, pytest.mark.slow]

ENGLISH: Final = re.compile(r"[A-Za-z]{3}")
WORKER: Final = Bearer(id="form-roamer", name="网格员", role=Role.GRID_WORKER, area=f"{DEMO_COUNTY}001001")
TWICE: Final = "(id) => { const one = document.getElementById(id); one.requestSubmit(); one.requestSubmit(); }"
CLOSED: Final = {
    "state": "closed",
    "words": {"zh": "已结案", "en": "Closed"},
    "case_id": "5513ac8c-58f5-56dc-bf3f-f338e6176861",
    "category": {"zh": "暴露垃圾", "en": "Exposed rubbish"},
    "area": {"zh": "麓城街道", "en": "Lucheng"},
    "reports": 1,
    "due": None,
    "held_until": None,
    "next": {"rate": True, "reopen_until": None},
    "steps": [],
}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    with telephone(chromium) as opened:
        yield opened


@pytest.fixture
def page(context: BrowserContext, system: Platform) -> Iterator[Page]:
    with opened_form(context, system) as opened:
        yield opened


def posts(page: Page, of: str) -> list[Request]:
    """Every POST from now on whose path ends with ``of``."""
    found: list[Request] = []
    page.on("request", lambda one: found.append(one) if one.method == "POST" and one.url.endswith(of) else None)
    return found


def test_what_is_too_long_with_its_place_is_said_before_it_is_sent(page: Page) -> None:
    sent = posts(page, "")
    fill(page, "灯" * 1990)
    page.locator("#address").fill("卫生院对面第二个路口")
    page.locator("#send").click()
    expect(page.locator("#text-wrong")).to_contain_text("最多 2000 字")
    expect(page.locator("#text")).to_be_focused()
    assert sent == []


def test_a_place_that_nobody_knows_is_told_beside_the_place_in_the_readers_language(page: Page) -> None:
    page.locator("#text").fill(words())
    page.locator("#address").fill("那边")
    page.locator("#send").click()
    expect(page.locator("#where-wrong")).to_contain_text("请选乡镇")
    assert not ENGLISH.search(page.locator("#where-wrong").inner_text())
    page.locator("#town").select_option(index=1)
    expect(page.locator("#where-wrong")).to_be_empty()
    assert page.locator("#town").get_attribute("aria-invalid") is None


def test_signs_that_nobody_sees_come_in_by_pasting_and_are_left_out(page: Page) -> None:
    fill(page, f"{words()}\u0007\u001b")
    sent = posts(page, "/v1/public/reports")
    page.locator("#send").click()
    code_of(page)
    (one,) = sent
    assert json.loads(one.post_data or "")["text"].endswith("老人出门怕摔跤")


@pytest.mark.parametrize("key", ("wk_wrong", "密钥"))
def test_a_wrong_key_is_told_beside_the_key(page: Page, key: str) -> None:
    fill(page, words())
    page.locator("#grid summary").click()
    page.locator("#key").fill(key)
    page.locator("#send").click()
    expect(page.locator("#key-wrong")).to_contain_text("密钥不对")
    expect(page.locator("#key")).to_be_focused()
    expect(page.locator("#report")).to_be_visible()


def test_a_grid_workers_report_never_goes_on_as_a_residents(
    context: BrowserContext, page: Page, system: Platform
) -> None:
    system.keys.hand_out([WORKER])
    page.locator("#text").fill(words())
    page.locator("#town").select_option(WORKER.area[:9])
    page.locator("#village").select_option(WORKER.area)
    page.locator("#grid summary").click()
    page.locator("#key").fill(system.keys.token(WORKER.id))
    tried = posts(page, "/v1/reports")
    page.route("**/v1/reports", lambda route: route.abort())
    page.locator("#send").click()
    expect(page.locator("#sending-said")).to_contain_text("自动重试")
    address = page.url
    page.close()
    again = context.new_page()
    everywhere, asked = posts(again, "/reports"), posts(again, "/alike")
    again.goto(address)
    expect(again.locator("#key-wrong")).to_contain_text("重新输入密钥")
    expect(again.locator("#key")).to_be_focused()
    assert everywhere == []
    again.locator("#key").fill(system.keys.token(WORKER.id))
    again.locator("#send").click()
    code_of(again)
    assert {one.headers["idempotency-key"] for one in everywhere} == {tried[0].headers["idempotency-key"]}
    assert asked == [], "they would be shown their own report as a neighbour's"


def test_two_taps_are_one_report(page: Page) -> None:
    fill(page, words())
    asked, sent = posts(page, "/v1/public/alike"), posts(page, "/v1/public/reports")
    page.evaluate(TWICE, "report")
    code_of(page)
    assert (len(asked), len(sent)) == (1, 1)


def test_what_is_shown_changes_its_language_whole(page: Page) -> None:
    fill(page, words())
    page.locator("#send").click()
    code_of(page)
    page.locator("#lang").click()
    expect(page.locator("#done-said")).to_have_text("It is registered and goes to whoever is responsible.")
    assert page.title().isascii()


def followed(page: Page, system: Platform) -> None:
    """A closed report as the page that follows shows it, whatever has happened to any."""
    read = re.compile(r"/v1/track/[0-9A-Z-]+$")
    headers = {"Access-Control-Allow-Origin": "*"}
    page.route(read, lambda route: route.fulfill(json=CLOSED, headers=headers))
    page.goto(f"{system.url('intake')}/report/track#K7QM-2XVN-8RTD-C4HP")
    page.locator("#rate input").first.check()


def test_a_rating_whose_answer_was_lost_is_given_again_as_the_same(page: Page, system: Platform) -> None:
    followed(page, system)
    keys: list[str] = []

    def lost_once(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        route.abort() if len(keys) == 1 else route.fulfill(json={"state": "closed", "version": 9})

    page.route("**/rate", lost_once)
    page.locator("#rate button").click()
    expect(page.locator("#rate-wrong")).to_contain_text("网络不通")
    page.locator("#rate button").click()
    expect(page.locator("#thanks")).to_be_visible()
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_a_rating_is_given_once_by_two_taps(page: Page, system: Platform) -> None:
    followed(page, system)
    sent = posts(page, "/rate")
    page.route("**/rate", lambda route: route.fulfill(json={"state": "closed", "version": 9}))
    page.evaluate(TWICE, "rate")
    expect(page.locator("#thanks")).to_be_visible()
    assert len(sent) == 1


def test_an_address_that_no_page_wrote_is_said_to_be_no_code(page: Page, system: Platform) -> None:
    page.goto(f"{system.url('intake')}/report/track#%")
    expect(page.locator("#code-wrong")).to_have_text("没有这个查询码，请核对。")
