"""Steps of clocks' chains: what a person reads, what a clock remembers of them, and who hears of which."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifier.domain.audience import Filter, Scope, hears, hears_of, may_hear
from services.notifier.domain.circular import circular_of
from services.notifier.domain.clocks import MOST_STEPS_KEPT, ahead
from services.notifier.domain.fold import CaseRead, fold
from services.notifier.domain.step_words import ordinal, span, step_words
from services.notifier.domain.telling import Telling, tell, thin, thin_circular
from services.notifier.domain.tracking import due, step_of
from services.notifier.domain.words import CODES
from services.notifier.store.rows import text_of, value_of
from shared.events.sla import ClockStepped
from shared.vocabulary import ChainAction, ClockKind, Level
from tests.fakes.ladder import COUNTY_DESK, KNOWN, TOWN_DESK, URGE, VILLAGE_DESK, ladder_clock, on_duty, walked
from tests.fakes.notifier import Life, department


def folded(life: Life) -> CaseRead:
    read: CaseRead | None = None
    for event in life.events:
        read = fold(read, event)
    assert read is not None
    return read


def lines(life: Life) -> list[Telling]:
    read = folded(life)
    return [tell(event, read) for event in life.events if isinstance(event.data, ClockStepped)]


def test_every_step_says_who_was_told_how_it_stands_and_by_when_to_reply() -> None:
    life, _ = walked()
    assert [one.entry.words.zh for one in lines(life)] == [
        "催办麓城街道某村指挥平台（值班员 wang、li）：签收时限还剩 30 分钟，2026-11-21 15:00 到期",
        "第 2 次催办麓城街道某村指挥平台（值班员 wang、li）：签收时限已到",
        "升级，由麓城街道指挥平台（值班员 zhao）督办：麓城街道某村指挥平台的签收已逾期 30 分钟",
        (
            "向麓城街道某村指挥平台（值班员 wang）下达督办指令，2026-11-22 20:00 前回复：签收已逾期 1 天 1 小时；"
            "抄送麓城街道指挥平台（带班领导 sun）（本应在 2 小时前告知；"
            "一并代替此前未发出的「urge（第 3 次）」、「to-town」；同时涉及本案另外 1 个时限）"
        ),
        "升级，由云麓县指挥平台（无值班员在班）接办：麓城街道某村指挥平台的签收已逾期 1 天 5 小时",
        "全县通报：麓城街道某村指挥平台的签收已逾期 5 天 23 小时",
        "县级平台之上再无平台，报告云麓县指挥平台（带班领导 chen）：麓城街道某村指挥平台的签收已逾期 6 天 23 小时",
    ]


@pytest.mark.parametrize(
    ("seconds_left", "zh", "en"),
    (
        (60, "还剩 1 分钟", "has 1 min left"),
        (5, "还剩不到 1 分钟", "has less than a minute left"),
        (0, "时限已到", "is over now"),
        (-59, "时限已到", "is over now"),
        (-60, "已逾期 1 分钟", "was missed 1 min ago"),
    ),
)
def test_a_limit_is_over_at_its_instant_and_not_before(seconds_left: float, zh: str, en: str) -> None:
    life = Life(name="nearly")
    clock = ladder_clock(life)
    life.start(clock)
    life.now = clock.due_at - timedelta(seconds=seconds_left)
    life.step(clock, ChainAction.URGE, on_duty(VILLAGE_DESK, "wang"))
    (line,) = lines(life)
    assert zh in line.entry.words.zh
    assert en in line.entry.words.en


def test_the_same_in_english() -> None:
    village, town = "麓城街道某村指挥平台", "麓城街道指挥平台"
    life, _ = walked()
    said = [one.entry.words.en for one in lines(life)]
    late = f"the sign-in limit of {village} was missed"
    assert said[:3] == [
        f"Urged {village} (on duty: wang, li): its sign-in limit has 30 min left and ends 2026-11-21 15:00",
        f"Urged {village} (on duty: wang, li) (2nd time): its sign-in limit is over now",
        f"Moved up: {town} (on duty: zhao) oversees it: {late} 30 min ago",
    ]
    assert said[3].startswith(f"{village} (on duty: wang) is given an instruction and replies by 2026-11-22 20:00: ")
    assert said[3].endswith(
        f"; copied to {town} (leader on duty: sun) (this should have been said 2 h ago; "
        "it stands for “urge (3rd time)”, “to-town” too; and for 1 more of the case's limits)"
    )
    assert said[4].startswith("Moved up: 云麓县指挥平台 (no officer on duty) takes it over: ")
    assert said[5] == f"Made known to the whole county: {late} 5 d 23 h ago"
    assert said[6].startswith("No desk is left to move up to: reported to 云麓县指挥平台 (leader on duty: chen): ")


def test_a_case_that_moves_up_says_by_whose_limit_and_whether_it_was_missed() -> None:
    life = Life(name="whose")
    clock = ladder_clock(life)
    life.escalate(replace(clock, target=VILLAGE_DESK))
    life.escalate(replace(clock, target=VILLAGE_DESK, due_at=life.now))
    read = folded(life)
    early, late = [tell(one, read).entry.words for one in life.events if one.type == "whistle.sla.escalated.v1"]
    assert early.zh == "麓城街道某村指挥平台的签收时限将到，升级到镇级：990101001 指挥平台知悉"
    assert (
        early.en
        == "Before the sign-in limit of 麓城街道某村指挥平台 is over: moved up to the town, 990101001 指挥平台 is told"
    )
    assert late.zh.startswith("麓城街道某村指挥平台的签收超时，升级到镇级：")
    assert late.en.startswith("Late sign-in of 麓城街道某村指挥平台: moved up to the town, ")


def test_an_instruction_is_the_note_of_its_line_and_why_says_which_step_it_was() -> None:
    life, _ = walked()
    instruction = lines(life)[3].entry
    assert instruction.note == "书面说明未签收的原因和下一步办理时间"
    assert [why.zh for why in instruction.why] == [
        "到了升级链的这一步",
        "升级链「ladder」的「written」，应于 2026-11-22 14:00 执行",
        "时限推算：06:00 起连续 60 分钟",
    ]


@pytest.mark.parametrize(
    ("length", "zh", "en"),
    (
        (timedelta(minutes=1), "1 分钟", "1 min"),
        (timedelta(hours=1), "1 小时", "1 h"),
        (timedelta(hours=23, minutes=59, seconds=59), "23 小时 59 分", "23 h 59 min"),
        (timedelta(days=1, minutes=59), "1 天", "1 d"),
        (timedelta(days=6, hours=1, minutes=59), "6 天 1 小时", "6 d 1 h"),
    ),
)
def test_a_length_of_time_is_told_in_two_units(length: timedelta, zh: str, en: str) -> None:
    assert (span(length).zh, span(length).en) == (zh, en)


def test_numbers_in_a_row_are_told_as_english_does() -> None:
    said = " ".join(ordinal(n) for n in (2, 3, 4, 11, 12, 13, 21, 32))
    assert said == "2nd 3rd 4th 11th 12th 13th 21st 32nd"


@pytest.mark.parametrize(
    ("odd", "told"), (("gone", "「gone」"), ("gone#", "「gone」"), ("gone#x", "「gone」"), ("#2", "「（"))
)
def test_a_step_passed_over_that_is_written_oddly_is_told_as_it_is(odd: str, told: str) -> None:
    life = Life(name="odd")
    clock = ladder_clock(life)
    step = life.step(clock, ChainAction.URGE, on_duty(VILLAGE_DESK), passed_over=(odd,), late_seconds=600.0)
    assert told in step_words(step, CODES).zh


def test_a_clock_shows_what_was_stepped_what_is_ahead_and_the_highest_level() -> None:
    life, clock = walked()
    read = folded(life).clocks[clock.clock_id]
    assert [(one.step, one.nth) for one in read.steps][:2] == [(URGE, 1), (URGE, 2)]
    assert (read.escalated_to, read.escalated_to_desk) == (Level.COUNTY, COUNTY_DESK)
    assert folded(life).escalated_to is Level.COUNTY
    assert ahead(read, folded(life).clocks.values()) == ()


def test_steps_still_ahead_are_those_after_the_last_that_was_taken_or_stood_for() -> None:
    life = Life(name="ahead")
    clock = ladder_clock(life)
    life.start(clock)
    other = replace(life.clock(life.order(department("water"))), chain="ladder", ahead=clock.ahead)
    life.start(other)

    def left() -> list[int]:
        read = folded(life)
        return [len(ahead(read.clocks[one.clock_id], read.clocks.values())) for one in (clock, other)]

    assert left() == [7, 7]
    life.now = clock.started_at + timedelta(minutes=30)
    life.step(clock, ChainAction.URGE, on_duty(VILLAGE_DESK))
    assert left() == [6, 7]
    life.now = clock.started_at + timedelta(minutes=95)
    life.step(clock, ChainAction.URGE, on_duty(VILLAGE_DESK), nth=2, covers=(other.clock_id,))
    assert left() == [4, 4], "a notice for both says what both had to say"


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_steps_are_known_alike_in_whatever_order_and_however_often_they_come(seed: int) -> None:
    life, _ = walked()
    shuffled = [*life.events, *life.events[-6:]]
    random.Random(seed).shuffle(shuffled)
    mixed = Life(name="mixed")
    mixed.events = shuffled
    assert folded(mixed).clocks == folded(life).clocks
    assert folded(mixed).escalated_to == folded(life).escalated_to


def test_what_a_clock_remembers_is_bounded_and_reads_back_as_it_was_written() -> None:
    life = Life(name="many")
    clock = ladder_clock(life)
    for nth in range(1, MOST_STEPS_KEPT + 9):
        life.step(clock, ChainAction.URGE, on_duty(VILLAGE_DESK), nth=nth)
    read = folded(life).clocks[clock.clock_id]
    assert (len(read.steps), read.steps[-1].nth) == (MOST_STEPS_KEPT, MOST_STEPS_KEPT + 8)
    assert value_of(type(read), text_of(read)) == read


def test_a_clock_kept_by_the_release_before_reads_without_steps() -> None:
    life, clock = walked()
    written = text_of(replace(folded(life).clocks[clock.clock_id], steps=(), notices=()))
    before = written.replace(',"steps":[],"notices":[]', "")
    assert before != written
    assert value_of(type(folded(life).clocks[clock.clock_id]), before).steps == ()


def test_a_step_concerns_whose_clock_it_is_and_whom_it_tells() -> None:
    life = Life(name="concern")
    order = life.order(department("water"))
    life.order(department("power"))
    clock = life.clock(order)
    gas = on_duty(department("gas"))
    life.step(clock, ChainAction.NOTIFY, gas, copies=(on_duty(department("police")),))
    life.step(replace(clock, order_id=None, target=None), ChainAction.URGE)
    told = lines(life)
    assert told[0].facets.departments == {"water", "gas", "police"}
    assert told[1].facets.departments == {"water", "power"}


def test_a_step_speaks_to_the_highest_desk_that_it_tells() -> None:
    life, _ = walked()
    assert [one.facets.level for one in lines(life)] == [
        Level.VILLAGE,
        Level.VILLAGE,
        Level.TOWN,
        Level.TOWN,
        Level.COUNTY,
        Level.COUNTY,
        Level.COUNTY,
    ]


ELSEWHERE = Scope(area="990101002")
POWER = Scope(area="990101", department="power")


@pytest.mark.parametrize("outside", (ELSEWHERE, POWER, Scope(area="990101002", department="power")))
def test_a_circular_is_heard_of_by_every_desk_and_department_of_the_county_and_by_no_other(outside: Scope) -> None:
    life, _ = walked()
    known = next(one for one in lines(life) if one.circular is not None)
    assert hears(outside, Filter(), known.facets)
    assert hears_of(outside, known.facets)
    assert not may_hear(outside, known.facets)
    assert hears(outside, Filter(departments=frozenset({"power"})), known.facets)
    assert not hears(Scope(area="990102"), Filter(), known.facets)
    assert not any(hears(outside, Filter(), one.facets) for one in lines(life) if one.circular is None)


def test_who_may_see_the_case_hears_a_circular_whole() -> None:
    life, _ = walked()
    known = next(one for one in lines(life) if one.circular is not None)
    for inside in (Scope(area="990101"), Scope(area="990101001"), Scope(area="990101001200")):
        assert may_hear(inside, known.facets)
        assert not hears_of(inside, known.facets)


def test_a_circular_says_who_is_late_and_by_how_much_and_repeats_nobodys_words() -> None:
    life = Life(name="thin", area="990101001200001", title="三楼王大妈家没有自来水")
    clock = ladder_clock(life)
    life.now = clock.due_at + timedelta(days=6)
    life.step(clock, ChainAction.CIRCULATE, step=KNOWN, copies=(on_duty(TOWN_DESK, "zhao"),), reason="写给自己人的话")
    (telling,) = lines(life)
    circular = telling.circular
    assert circular is not None
    assert (circular.area, circular.target, circular.clock) == ("990101001200", VILLAGE_DESK, ClockKind.SIGN_IN)
    assert circular.late_seconds == timedelta(days=6).total_seconds()
    assert circular.words.zh == "全县通报：麓城街道某村指挥平台的签收已逾期 6 天"
    sent = text_of(circular) + text_of(thin_circular(telling))
    for secret in ("王大妈", "zhao", "写给自己人的话", life.area, str(clock.order_id)):
        assert secret not in sent
    own = thin(telling).data
    assert (own.circular, own.order_id, own.late_seconds) == (True, clock.order_id, circular.late_seconds)


def test_a_secret_report_is_made_known_to_nobody_who_may_not_see_it() -> None:
    life = Life(name="secret")
    life.view = replace(life.view, secret=True)
    life.step(ladder_clock(life), ChainAction.CIRCULATE, step=KNOWN)
    (telling,) = lines(life)
    assert (telling.circular, telling.facets.circular) == (None, False)
    assert circular_of(telling.data, CODES) is None
    with pytest.raises(ValueError, match="is no circular"):
        thin_circular(telling)


def test_the_public_is_told_nothing_of_a_chain_nor_by_when_an_instruction_is_to_be_answered() -> None:
    life, clock = walked()
    assert not any(step_of(event) for event in life.events if event.type.startswith("whistle.sla."))
    reply = replace(clock, clock_id=life.case_id, kind=ClockKind.SUPERVISE, order_id=None, due_at=clock.started_at)
    life.start(reply)
    shown = due(folded(life))
    assert shown is not None
    assert shown.due_at == clock.due_at


def test_a_reply_is_still_due_when_the_case_is_closed() -> None:
    life = Life(name="outlives")
    order = life.order(VILLAGE_DESK)
    reply = replace(life.clock(order), kind=ClockKind.SUPERVISE, order_id=None)
    answer = replace(life.clock(order), clock_id=life.case_id, kind=ClockKind.FEEDBACK, order_id=None)
    life.start(reply)
    life.start(answer)
    life.resolve(order)
    assert {one.clock.kind for one in folded(life).running} == {ClockKind.SUPERVISE, ClockKind.FEEDBACK}
    life.verify()
    life.close()
    assert [one.clock.kind for one in folded(life).running] == [ClockKind.SUPERVISE]
