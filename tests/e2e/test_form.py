"""The residents' form in a real Chromium, 360 pixels wide, over the whole system."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from deploy.local.keys import DEMO_COUNTY, Bearer
from shared.vocabulary import Role
from tests.e2e.chromium import browser, needs_chromium
from tests.e2e.form import WIDE, code_of, fill, of, opened_form, photo, send, tap, telephone, tracked, until, words
from tests.fakes.photos import a_photo

if TYPE_CHECKING:
    from deploy.local.platform import Platform

pytestmark = [needs_chromium, pytest.mark.slow]

WORKER: Final = Bearer(id="form-worker", name="网格员", role=Role.GRID_WORKER, area=f"{DEMO_COUNTY}001001001")
CONTRAST: Final = """
() => {
  const light = (colour) => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map((one) => Number(one) / 255);
    const [r, g, b] = parts.map((one) => (one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (!/rgba\\(.*, 0\\)|transparent/.test(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const bad = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility() || element.closest("svg, .away, .skip")) continue;
    const [a, b] = [light(getComputedStyle(element).color), light(ground(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) bad.push([element.tagName, element.className, element.textContent.slice(0, 20), ratio.toFixed(2)]);
  }
  return bad;
}
"""
NAMELESS: Final = """
() => [...document.querySelectorAll("input, select, textarea, button, a[href], [role=application]")]
  .filter((one) => one.checkVisibility() && !one.closest("[aria-hidden=true]"))
  .filter((one) => !(one.labels?.length || one.getAttribute("aria-label") || one.textContent.trim()))
  .map((one) => one.outerHTML.slice(0, 80))
"""
SMALL: Final = """
() => [...document.querySelectorAll("button, select, a.button, summary, input:not(.away)")]
  .filter((one) => one.checkVisibility() && !one.closest("[aria-hidden=true], .chips"))
  .filter((one) => !["checkbox", "radio"].includes(one.type))
  .filter((one) => one.getBoundingClientRect().height < 40)
  .map((one) => one.outerHTML.slice(0, 80))
"""
WATCH: Final = """
() => {
  const said = document.getElementById("sending-said");
  window.seen = [];
  new MutationObserver(() => window.seen.push(said.textContent)).observe(said, { childList: true });
}
"""


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


def test_a_report_with_a_photo_and_a_place_on_the_map_gets_a_code(page: Page, system: Platform, tmp_path: Path) -> None:
    page.locator("#text").fill(words())
    picture = photo(tmp_path / "lamp.jpg")
    page.locator("#photo").set_input_files(picture)
    expect(page.locator(".shot img")).to_have_count(1)
    village = f"{DEMO_COUNTY}001001"
    page.locator("#town").select_option(village[:9])
    page.locator("#map").scroll_into_view_if_needed()
    tap(page, village)
    expect(page.locator("#map-said")).to_contain_text("地图上的点")
    sent: list[int] = []
    page.on("request", lambda request: sent.append(len(request.post_data_buffer or b"")))
    send(page)
    code = code_of(page)
    # A photo of some megabytes goes out as some hundred kilobytes.
    assert picture.stat().st_size > 2_000_000
    assert max(sent) < 1_500_000
    told = until(lambda: tracked(system, code), "the report can be followed")
    case = of(system, f"/v1/cases/{told['case_id']}").json()["case"]
    assert case["area"].startswith(village)
    assert case["place"] is not None


def test_a_telephones_heic_that_this_browser_cannot_draw_is_sent_as_it_is(page: Page, tmp_path: Path) -> None:
    fill(page, words())
    heic = tmp_path / "IMG_0001.HEIC"
    heic.write_bytes(a_photo(kind="HEIF"))
    page.locator("#photo").set_input_files(heic)
    expect(page.locator(".shot img")).to_have_count(1)
    with page.expect_response(lambda answer: answer.url.endswith("/with-photos")) as taken:
        send(page)
    assert taken.value.status == 201
    code_of(page)


def test_what_only_calls_itself_a_picture_is_not_taken(page: Page, tmp_path: Path) -> None:
    other = tmp_path / "IMG_0002.HEIC"
    other.write_bytes(b"not a picture at all")
    page.locator("#photo").set_input_files(other)
    expect(page.locator("#photo-wrong")).to_contain_text("打不开")
    expect(page.locator(".shot img")).to_have_count(0)


def test_the_map_is_used_by_keyboard_alone(page: Page) -> None:
    page.locator("#town").select_option(index=1)
    page.locator("#map").focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "+", "Enter"):
        page.keyboard.press(key)
    expect(page.locator("#map-said")).to_contain_text("地图上的点")
    assert page.locator("#village").input_value().startswith(page.locator("#town").input_value())


def test_a_place_outside_the_county_is_not_taken(context: BrowserContext, page: Page) -> None:
    context.grant_permissions(["geolocation"])
    context.set_geolocation({"longitude": 10.0, "latitude": 50.0})
    page.locator("#here").click()
    expect(page.locator("#map-said")).to_contain_text("不在本县")
    context.set_geolocation({"longitude": 106.39, "latitude": 27.13})
    page.locator("#here").click()
    expect(page.locator("#map-said")).to_contain_text("地图上的点")


def test_what_is_missing_is_named_beside_its_field_and_focused(page: Page) -> None:
    page.locator("#send").click()
    expect(page.locator("#text-wrong")).to_have_text("请写明是什么事。")
    expect(page.locator("#where-wrong")).to_have_text("请选择或写明位置。")
    expect(page.locator("#text")).to_be_focused()
    assert page.locator("#text").get_attribute("aria-invalid") == "true"


def test_a_draft_and_its_photo_outlive_a_reload(page: Page, tmp_path: Path) -> None:
    text = words()
    fill(page, text)
    page.locator("#name").fill("张三")
    page.locator("#secret").check()
    page.locator("#photo").set_input_files(photo(tmp_path / "lamp.jpg"))
    expect(page.locator(".shot img")).to_have_count(1)
    expect(page.locator("#saved")).to_have_text("草稿已存在本机")
    town = page.locator("#town").input_value()
    page.reload()
    expect(page.locator("#text")).to_have_value(text)
    expect(page.locator(".shot img")).to_have_count(1)
    expect(page.locator("#town")).to_have_value(town)
    expect(page.locator("#name")).to_have_value("张三")
    expect(page.locator("#secret")).to_be_checked()


def test_without_a_line_it_waits_and_is_sent_once_when_the_line_is_back(
    context: BrowserContext, page: Page, system: Platform
) -> None:
    text = words()
    fill(page, text)
    context.set_offline(True)
    expect(page.locator("#line")).to_contain_text("现在没有网络")
    page.locator("#send").click()
    expect(page.locator("#sending-said")).to_contain_text("有网时自动发出")
    context.set_offline(False)
    code = code_of(page)
    told = until(lambda: tracked(system, code), "the report can be followed")
    assert told["reports"] == 1


def test_an_answer_that_is_lost_leads_to_no_second_report(page: Page, system: Platform) -> None:
    answers: list[dict[str, Any]] = []

    def lose_the_first(route: Route) -> None:
        answer = route.fetch()
        answers.append(answer.json())
        if len(answers) == 1:
            route.abort("connectionreset")
        else:
            route.fulfill(response=answer)

    page.route("**/v1/public/reports", lose_the_first)
    fill(page, words())
    send(page)
    code = code_of(page)
    assert [one["tracking_code"] for one in answers] == [code, code]
    assert answers[0]["case_id"] == answers[1]["case_id"]


def test_closed_while_it_is_sent_and_opened_again_it_goes_on_by_itself(context: BrowserContext, page: Page) -> None:
    fill(page, words())
    context.set_offline(True)
    page.locator("#send").click()
    expect(page.locator("#sending-said")).to_contain_text("有网时自动发出")
    address = page.url
    page.close()
    context.set_offline(False)
    again = context.new_page()
    again.goto(address)
    code_of(again)


def test_a_slow_line_shows_how_far_it_is_and_comes_to_its_end(
    page: Page, context: BrowserContext, tmp_path: Path
) -> None:
    fill(page, words())
    page.locator("#photo").set_input_files(photo(tmp_path / "lamp.jpg"))
    expect(page.locator(".shot img")).to_have_count(1)
    line = context.new_cdp_session(page)
    line.send("Network.enable")
    # 400 kbit/s up, a third of a second each way.
    slow = {"offline": False, "latency": 300, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
    line.send("Network.emulateNetworkConditions", slow)
    page.evaluate(WATCH)
    page.locator("#send").click()
    expect(page.locator("#done, #alike").locator("visible=true")).to_have_count(1, timeout=60_000)
    if page.locator("#alike").is_visible():
        page.locator("#mine").click()
    expect(page.locator("#done")).to_be_visible(timeout=60_000)
    steps = page.evaluate("window.seen")
    assert any(re.match(r"已发送 [1-9]\d?%", one) for one in steps), steps


def test_a_grid_worker_reports_by_their_key_and_names_the_category(page: Page, system: Platform) -> None:
    system.keys.hand_out([WORKER])
    text = words()
    page.locator("#text").fill(text)
    page.locator("#town").select_option(WORKER.area[:9])
    page.locator("#village").select_option(WORKER.area[:12])
    page.locator("#grid summary").click()
    page.locator("#key").fill(system.keys.token(WORKER.id))
    page.locator("#categories label").nth(2).click()

    def key_counts() -> bool:
        page.locator("#send").click()
        shown = page.locator("#done, #alike, #key-wrong:not(:empty)").locator("visible=true")
        expect(shown).not_to_have_count(0)
        return page.locator("#key-wrong").inner_text() == ""

    # A key of a moment ago may need two seconds to count.
    until(key_counts, "the key counts", seconds=15)
    if page.locator("#alike").is_visible():
        page.locator("#mine").click()
    code = code_of(page)
    told = until(lambda: tracked(system, code), "the report can be followed")
    case = of(system, f"/v1/cases/{told['case_id']}").json()["case"]
    assert case["source"] == "grid"


@pytest.mark.parametrize("scheme", ("light", "dark"))
@pytest.mark.parametrize("language", ("zh-CN", "en"))
def test_every_control_has_a_name_room_for_a_finger_and_words_that_can_be_read(
    page: Page, system: Platform, scheme: Any, language: str
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.evaluate("(chosen) => localStorage.setItem('whistle.lang', chosen)", language)
    for path in ("/report/", "/report/track"):
        page.goto(f"{system.url('intake')}{path}")
        assert page.locator("html").get_attribute("lang") == language
        assert page.evaluate(NAMELESS) == []
        assert page.evaluate(SMALL) == []
        assert page.evaluate(CONTRAST) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= WIDE, "nothing is cut off at the side"
