"""A report followed by its code in a real Chromium, 360 pixels wide, over the whole system."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.chromium import browser, needs_chromium
from tests.e2e.form import code_of, fill, of, opened_form, send, telephone, tracked, until, words

if TYPE_CHECKING:
    from deploy.local.platform import Platform

pytestmark = [needs_chromium, pytest.mark.slow]


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


def test_neighbours_who_reported_it_are_shown_and_joined(page: Page, system: Platform) -> None:
    text = words()
    fill(page, text)
    send(page)
    first = code_of(page)
    page.locator("#another").click()
    fill(page, text)
    page.locator("#send").click()
    expect(page.locator("#alike")).to_be_visible()
    expect(page.locator("#cases li").first).to_contain_text("已有 1 人反映")
    page.locator("#cases li button").first.click()
    second = code_of(page)
    assert second != first
    expect(page.locator("#done-said")).to_contain_text("并入同一件事")
    until(lambda: (tracked(system, first) or {}).get("reports") == 2, "both are one matter")
    assert tracked(system, second)["case_id"] == tracked(system, first)["case_id"]


def _handle(system: Platform, case_id: str) -> None:
    """Whoever leads does the work, and it is checked and closed."""

    def lead() -> Any:
        answer = of(system, f"/v1/cases/{case_id}")
        orders = answer.json()["orders"] if answer.status_code == 200 else []
        return next((one for one in orders if one["role"] == "lead"), None)

    order = until(lead, "somebody leads")
    for action, more in (
        ("sign", {"order_id": order["order_id"]}),
        ("resolve", {"order_id": order["order_id"], "note": "已更换灯泡"}),
        ("verify", {}),
        ("close", {}),
    ):
        done = of(
            system, f"/v1/cases/{case_id}/actions", service="intake", method="POST", json={"action": action, **more}
        )
        assert done.status_code == 200, done.text


def test_a_report_is_followed_rated_and_opened_again_by_its_code(page: Page, system: Platform) -> None:
    fill(page, words())
    send(page)
    code = code_of(page)
    read_at = f"{system.url('notifier')}/v1/track/{code}"
    page.locator("#follow").click()
    expect(page.locator("#found")).to_be_visible()
    expect(page.locator("#steps li").first).to_be_visible()
    assert page.url.endswith(f"/report/track#{code}")
    expect(page.locator("#rate")).to_be_hidden()
    _handle(system, tracked(system, code)["case_id"])
    until(lambda: tracked(system, code)["state"] == "closed", "it is closed")
    page.reload()
    expect(page.locator("#rate")).to_be_visible()
    page.locator("#rate button").click()
    expect(page.locator("#rate-wrong")).to_have_text("请选一项。")
    page.get_by_label("不满意").check()
    page.locator("#rate button").click()
    expect(page.locator("#thanks")).to_contain_text("已收到您的评价")
    page.locator("#reason").fill("晚上还是不亮")
    before = page.request.get(read_at, headers={"Origin": system.url("intake")})
    page.route(read_at, lambda route: route.fulfill(response=before))
    page.locator("#steps li").evaluate_all("(steps) => steps.forEach((one) => (one.id = 'of-before'))")
    page.locator("#reopen button").click()
    expect(page.locator("#thanks")).to_contain_text("已重新办理")
    expect(page.locator("#of-before"), "it has looked, and the service that tells is behind").to_have_count(0)
    expect(page.locator("#reopen")).to_be_hidden()
    expect(page.locator("#rate")).to_be_hidden()
    page.unroute(read_at)
    until(lambda: tracked(system, code)["state"] != "closed", "it is opened again")


def test_a_code_that_is_none_and_one_that_nobody_has_are_told_apart_from_a_bad_line(
    page: Page, system: Platform
) -> None:
    page.goto(f"{system.url('intake')}/report/track")
    page.locator("#code").fill("hello")
    page.locator("#ask button").click()
    expect(page.locator("#code-wrong")).to_have_text("没有这个查询码，请核对。")
    page.context.set_offline(True)
    page.locator("#code").fill("0000-0000-0000-0001")
    page.locator("#ask button").click()
    expect(page.locator("#code-wrong")).to_have_text("网络不通，请稍后再试。")
    page.context.set_offline(False)
