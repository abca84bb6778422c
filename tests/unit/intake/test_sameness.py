"""Whether two reports are of one matter: by words, places, numbers, distance and time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.alike.likeness import CONTRADICTED, DOUBTFUL, Apart, likeness, likeness_from
from services.intake.domain.alike.sameness import (
    ACCOUNTS_KEPT,
    MOST_ALIKE,
    TIMES_KEPT,
    Account,
    Found,
    Kin,
    New,
    Profile,
    Same,
    Standing,
    Unsure,
    absorbed,
    anchors_of,
    apart,
    is_mass,
    is_shut,
    judge,
    metres_between,
    names_of,
    standing_of,
    weigh,
)
from services.intake.domain.alike.wording import BODY, TITLE, Wording, is_one_place, places_in, wording_of
from services.intake.domain.reports.texts import title_of
from shared.events.parts import Place
from shared.playbook.model import Merging
from shared.vocabulary import CASE_ENDED, CaseState, Purpose

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
RULES = Merging()
KIN = Kin(town="990101001", family="05", purpose=Purpose.REAL)
CELL, NEXT_CELL, FAR_CELL = "990101001001001", "990101001001002", "990101001002001"
NOISE = "柳树湾小区楼下的烧烤摊每天营业到凌晨三点，油烟和吵闹声让人没法休息，打了很多电话也没有人来管。"
NOISE_AGAIN = "柳树湾小区烧烤摊深夜油烟吵闹。楼下那几家烧烤店营业到凌晨，孩子睡不着觉。"
PARTS = [
    "柳树湾小区",
    "青石路",
    "第一小学",
    "烧烤摊",
    "油烟",
    "凌晨",
    "路灯",
    "不亮",
    "垃圾",
    "没人管",
    "3栋",
    "12号",
    "，",
    "。",
]
texts = st.lists(st.sampled_from(PARTS), min_size=1, max_size=14).map("".join)


def wording(text: str) -> Wording:
    return wording_of(title_of(text), text)


def account(text: str, area: str = CELL, place: Place | None = None) -> Account:
    return Account(wording=wording(text), area=area, place=place)


def profile(text: str, number: int = 1, at: datetime = NOON, **changes: object) -> Profile:
    made = Profile(case_id=UUID(int=number), kin=KIN, accounts=(account(text),), times=(at,))
    return replace(made, **changes)  # type: ignore[arg-type]  # fields of a matter


def score(one: str, other: str, where: Apart = Apart.UNKNOWN) -> float:
    return likeness(wording(one), wording(other), where).score


@given(texts, texts, st.sampled_from(Apart))
def test_likeness_is_the_same_both_ways_and_within_bounds(one: str, other: str, where: Apart) -> None:
    there, back = likeness(wording(one), wording(other), where), likeness(wording(other), wording(one), where)
    assert there.score == back.score
    assert 0 <= there.score <= 1
    assert there.why


@given(texts, texts, st.sampled_from(Apart), st.sampled_from((0.0, 0.3, 0.5, 0.55, 0.8, 0.82, 1.0)))
def test_what_is_left_early_would_not_have_counted(one: str, other: str, where: Apart, least: float) -> None:
    whole = likeness(wording(one), wording(other), where)
    assert likeness_from(least, wording(one), wording(other), where) == (whole if whole.score >= least else None)


@given(st.lists(texts, min_size=1, max_size=4), texts)
def test_the_verdict_does_not_depend_on_the_order_of_what_is_known(known: list[str], told: str) -> None:
    profiles = [profile(text, number) for number, text in enumerate(known)]
    verdicts = {str(judge(account(told), order, rules=RULES, at=NOON)) for order in permutations(profiles)}
    assert len(verdicts) == 1


areas = st.sampled_from((CELL, NEXT_CELL, FAR_CELL, "990101001", "990101001001", "990101001002"))
told = st.builds(account, texts, areas)


@given(
    st.lists(st.lists(told, min_size=1, max_size=3).map(tuple), max_size=4), told, st.sampled_from((0.3, 0.55, 0.82))
)
def test_what_is_refused_unread_would_not_have_counted(
    known: list[tuple[Account, ...]], asked: Account, unsure: float
) -> None:
    rules = replace(RULES, unsure=unsure)
    profiles = [profile("", number, accounts=accounts) for number, accounts in enumerate(known)]
    plainly = []
    for one in profiles:
        each = [likeness(asked.wording, x.wording, apart(asked, x, metres=rules.metres)) for x in one.accounts]
        likest = max(each, key=lambda found: found.score)
        if likest.score >= unsure:
            plainly.append(Found(profile=one, likeness=likest))
    assert weigh(asked, profiles, rules=rules, at=NOON) == plainly


@given(texts)
def test_a_report_shares_its_marks_with_its_own_copy_and_they_are_few(text: str) -> None:
    assert len(anchors_of(account(text))) <= 24
    assert len(names_of(account(text))) <= 16
    assert anchors_of(account(text)) == anchors_of(account(text, FAR_CELL))


@given(st.text(max_size=9000))
def test_any_text_has_a_wording_of_bounded_length(text: str) -> None:
    made = wording_of(title_of(text), text)
    assert len(made.title) <= TITLE
    assert len(made.body) <= BODY
    places_in(text)


def test_one_profile_in_other_words_is_sure() -> None:
    verdict = judge(account(NOISE_AGAIN), [profile(NOISE)], rules=RULES, at=NOON)
    assert isinstance(verdict, Same)
    assert "柳树湾" in verdict.why


@pytest.mark.parametrize(
    ("before", "after"),
    (
        ("柳树湾小区", "青石桥小区"),
        ("楼下的", "3栋楼下的"),
    ),
)
def test_a_copy_with_a_swapped_place_or_number_is_another_profile(before: str, after: str) -> None:
    original = NOISE if before in NOISE and "栋" not in after else NOISE.replace("楼下的", "7栋楼下的")
    copy = NOISE.replace(before, after)
    assert score(original, copy) <= 0.5
    assert judge(account(copy), [profile(original)], rules=RULES, at=NOON) == New()


def test_a_copy_with_a_swapped_school_in_the_same_street_is_another_profile() -> None:
    first = "青石路第一小学门口放学时车辆乱停，孩子们只能走在马路中间，十分危险，请派人来疏导交通。"
    assert score(first, first.replace("第一小学", "第二小学")) <= 0.5


def test_two_schools_of_one_village_are_two_places() -> None:
    first = "梅坪村小学门口的下水道堵了，污水漫到路上，孩子们没法走"
    assert score(first, first.replace("小学", "中学")) <= CONTRADICTED
    assert is_one_place("梅坪村", "梅坪村小学")


def test_places_swapped_further_down_leave_it_to_a_person() -> None:
    first = f"{NOISE}到了晚上一直闹到青石路那边，周围的人都在说这件事，希望早日有人来处理，还大家安静。"
    other = first.replace("青石路", "白果街")
    assert RULES.unsure <= score(first, other) <= DOUBTFUL < RULES.sure


def test_one_place_and_another_profile_is_not_joined() -> None:
    other = "柳树湾小区的电梯坏了一个星期，老人上不了楼，物业说没有维修资金。"
    assert not isinstance(judge(account(other), [profile(NOISE)], rules=RULES, at=NOON), Same)


def test_words_that_fit_anywhere_join_only_on_the_spot() -> None:
    lamp = "路灯不亮"
    far = replace(profile(lamp), accounts=(account(lamp, "990101001001"),))
    assert isinstance(judge(account(lamp, "990101001001"), [far], rules=RULES, at=NOON), Unsure)
    assert isinstance(judge(account(lamp), [profile(lamp)], rules=RULES, at=NOON), Same)


def test_a_point_further_than_the_metres_is_another_profile_unless_both_name_the_place() -> None:
    here, near, far = Place(lon=102, lat=25), Place(lon=102.001, lat=25), Place(lon=102.02, lat=25)
    lamp = "路边的灯坏了三天，晚上黑漆漆的，走路都要打手电筒，请快一点派人来换灯泡"
    known = replace(profile(lamp), accounts=(account(lamp, CELL, here),))
    assert isinstance(judge(account(lamp, CELL, near), [known], rules=RULES, at=NOON), Same)
    assert judge(account(lamp, CELL, far), [known], rules=RULES, at=NOON) == New()
    named = replace(known, accounts=(account(NOISE, CELL, here),))
    assert isinstance(judge(account(NOISE_AGAIN, CELL, far), [named], rules=RULES, at=NOON), Same)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    (
        (CELL, CELL, Apart.HERE),
        (CELL, NEXT_CELL, Apart.UNKNOWN),
        (CELL, CELL[:12], Apart.UNKNOWN),
        (CELL, FAR_CELL, Apart.ELSEWHERE),
        (CELL[:9], FAR_CELL, Apart.UNKNOWN),
    ),
)
def test_without_points_areas_say_how_far_apart_two_lie(one: str, other: str, expected: Apart) -> None:
    assert apart(account("灯", one), account("灯", other), metres=200) is expected
    assert apart(account("灯", other), account("灯", one), metres=200) is expected


def test_a_degree_of_latitude_is_111_kilometres() -> None:
    assert metres_between(Place(lon=102, lat=25), Place(lon=102, lat=26)) == pytest.approx(111_195, abs=5)


@pytest.mark.parametrize(
    ("later", "expected"), ((timedelta(hours=168) - timedelta(seconds=1), Same), (timedelta(hours=168), New))
)
def test_a_profile_is_looked_for_within_the_hours_after_its_last_report(later: timedelta, expected: type) -> None:
    assert isinstance(judge(account(NOISE_AGAIN), [profile(NOISE)], rules=RULES, at=NOON + later), expected)


def test_no_hours_switch_merging_off() -> None:
    assert judge(account(NOISE), [profile(NOISE)], rules=Merging(hours=0), at=NOON) == New()


def test_life_at_risk_becomes_a_case_and_is_offered() -> None:
    verdict = judge(account(NOISE_AGAIN), [profile(NOISE)], rules=RULES, at=NOON, joins=False)
    assert isinstance(verdict, Unsure)
    assert verdict.alike[0].case_id == UUID(int=1)


@pytest.mark.parametrize("state", CaseState)
def test_what_has_ended_takes_no_reports(state: CaseState) -> None:
    standing = standing_of(state)
    assert (standing is Standing.JOINS) == (state not in CASE_ENDED | {CaseState.RESOLVED, CaseState.VERIFIED})
    verdict = judge(account(NOISE_AGAIN), [profile(NOISE, standing=standing)], rules=RULES, at=NOON)
    assert isinstance(verdict, Same) == (standing is Standing.JOINS)
    assert isinstance(verdict, New) == (standing is Standing.OVER)


def test_of_two_alike_the_likest_counts_then_the_smaller_id() -> None:
    known = [profile(NOISE, 3), profile(NOISE, 2), profile(NOISE_AGAIN, 9)]
    assert isinstance(verdict := judge(account(NOISE), known, rules=RULES, at=NOON), Same)
    assert verdict.case_id == UUID(int=2)


def test_five_are_offered_at_most() -> None:
    known = [profile(NOISE, number, standing=Standing.OFFERED) for number in range(9)]
    verdict = judge(account(NOISE), known, rules=RULES, at=NOON)
    assert isinstance(verdict, Unsure)
    assert [one.case_id.int for one in verdict.alike] == list(range(MOST_ALIKE))


@given(st.lists(texts, max_size=30))
def test_a_profile_stays_of_bounded_size(told: list[str]) -> None:
    known = profile(NOISE)
    for n, text in enumerate(told):
        known = absorbed(known, account(text), at=NOON + timedelta(minutes=n))
    assert len(known.accounts) <= ACCOUNTS_KEPT
    assert len(known.times) == 1 + len(told) <= TIMES_KEPT
    assert known.accounts[0] == account(NOISE)
    assert list(known.times) == sorted(known.times)


def test_a_copy_adds_no_account_but_a_copy_with_another_place_does() -> None:
    known = absorbed(profile(NOISE), account(NOISE), at=NOON)
    assert len(known.accounts) == 1
    assert len(absorbed(known, account(NOISE.replace("柳树湾", "青石桥")), at=NOON).accounts) == 2


@pytest.mark.parametrize(("minutes", "mass"), ((60, True), (61, False)))
def test_so_many_within_the_window_are_a_mass_profile(minutes: int, *, mass: bool) -> None:
    rules = Merging(mass_reports=3, mass_hours=1)
    times = (NOON - timedelta(days=2), NOON, NOON + timedelta(minutes=30), NOON + timedelta(minutes=minutes))
    assert is_mass(profile(NOISE, times=times), rules=rules) is mass


@pytest.mark.parametrize(("hours", "shut"), ((72, False), (73, True)))
def test_a_case_closed_long_ago_is_shut(hours: int, *, shut: bool) -> None:
    closed = profile(NOISE, closed_at=NOON)
    assert is_shut(closed, reopen_hours=72, at=NOON + timedelta(hours=hours)) is shut


@pytest.mark.parametrize(
    ("text", "places"),
    (
        ("我是幸福花园的业主", {"幸福花园"}),
        ("请尽快处理青石路与白果街路口的红绿灯", {"青石路", "白果街"}),
        ("楼下道路坑洼，马路上全是水", set()),
        ("反映柳树湾小区垃圾", {"柳树湾"}),
        ("菜市场旁边的农贸市场", set()),
    ),
)
def test_places_are_found_by_how_they_end(text: str, places: set[str]) -> None:
    assert places_in(text) == places


@pytest.mark.parametrize("done", "绕让封修堵拦挡带赶走上过找弯")
def test_what_people_do_on_a_road_names_none(done: str) -> None:
    assert places_in(f"施工挡住，学生只好{done}路，车辆{done}路困难") == set()


@pytest.mark.parametrize(
    "name", ("幸福路", "玉带路", "开封路", "五一路", "封丘路", "绕城路", "过境路", "中山路", "清水路")
)
def test_a_road_with_such_a_sign_in_its_name_stays_one(name: str) -> None:
    assert places_in(f"反映{name}的路灯不亮") == {name}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    (
        ("丽园", "东方丽园", False),
        ("东方丽园", "方丽园", True),
        ("丽园", "丽园花园", True),
        ("第一小学", "第二小学", False),
    ),
)
def test_a_name_may_lack_its_beginning_or_its_end(one: str, other: str, *, same: bool) -> None:
    assert is_one_place(one, other) is same
    assert is_one_place(other, one) is same
