"""Facts of filing, merging, pauses, supervision and appeal: how they fold, whom they concern, what they are called."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, get_args
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.domain.fold import CaseRead, Told, fold
from services.notifier.domain.public_words import STATES, public_words
from services.notifier.domain.requests import AppealState, ExtensionState, SupervisionState
from services.notifier.domain.summary import CaseSummary, summarise
from services.notifier.domain.telling import tell
from services.notifier.domain.timeline import Entry, entry_of
from services.notifier.domain.tracking import How, Link, closed_at, link_of, path, step_of, told_to
from services.notifier.domain.waiting import Waiting, waiting
from services.notifier.domain.words import CODES
from services.notifier.store.rows import text_of, value_of
from shared.events import case as facts
from shared.events.case import CaseEvent
from shared.events.envelope import Event
from shared.events.examples import examples_of
from shared.events.parts import Alike, Guess, Held, Photo
from shared.events.sla import Moved
from shared.vocabulary import AppealGround, CaseState, ClockKind, EmergencyService, OrderRole, RefusalCode, Source
from tests.fakes.notifier import START, Life, department
from tests.unit.notifier.test_fold import folded, interleaved

PHOTO = Photo(photo_id="a" * 64, media_type="image/jpeg", width=8, height=6, bytes=9)


def busy() -> Life:
    """A case with every new kind of fact."""
    life = Life(
        name="busy",
        state=CaseState.RECEIVED,
        guess=Guess(category="01.002", confidence=0.4),
        alike=(Alike(case_id=uuid4(), score=0.6, why="近"),),
        tracking="d" * 64,
    )
    life.tell(facts.CaseFiled, view={"state": CaseState.OPENED}, category_before="02.001", text="停水了")
    life.tell(facts.CaseHandedOver, service=EmergencyService.FIRE, words=("起火",))
    life.tell(facts.CaseHandedOver, service=EmergencyService.FIRE, receipt="119-7")
    report = uuid4()
    life.tell(
        facts.CaseReportJoined,
        view={"reports": 2},
        report_id=report,
        source=Source.RESIDENT,
        text="也停水" * 100,
        why="近",
        photos=(PHOTO,),
    )
    life.tell(facts.CaseMassed, view={"mass": True}, reports=10, window_hours=24, reason="多人")
    life.tell(facts.CaseReportSplit, view={"reports": 1}, report_id=report, to_case=uuid4(), reason="另一栋")
    order = life.order(department("water"))
    handle = life.clock(order, ClockKind.HANDLE, minutes=240)
    life.start(handle)
    life.sign(order)
    first = life.extend(order)
    life.tell(facts.CaseExtensionDeclined, extension_id=first, order_id=order.order_id, reason="不准")
    second = life.extend(order)
    life.tell(facts.CaseExtensionBacked, extension_id=second, order_id=order.order_id)
    life.tell(facts.CaseExtended, view={"extensions": 1}, extension_id=second, order_id=order.order_id, to=life.now)
    handle = life.move(handle, handle.due_at + timedelta(days=2), Moved.EXTENDED)
    life.pause(order)
    life.wait(hours=3)
    life.resume(handle)
    supervision = life.supervise(department("water"))
    life.tell(facts.CaseSupervisionReplied, supervision_id=supervision, reply="在办")
    life.tell(facts.CaseSupervisionSentBack, supervision_id=supervision, reason="不具体", reply_due_at=life.now)
    life.resolve(order)
    life.close()
    appeal = uuid4()
    life.tell(
        facts.CaseAppealed, appeal_id=appeal, order_id=order.order_id, ground=AppealGround.OVERDUE, reason="未超时"
    )
    life.tell(facts.CaseAppealReviewed, appeal_id=appeal, step=1, upheld=True, reason="属实")
    life.tell(facts.CaseAppealReviewed, view={"exempt": True}, appeal_id=appeal, step=2, upheld=True, reason="属实")
    life.tell(
        facts.CaseDepartmentRated,
        order_id=order.order_id,
        order_role=OrderRole.LEAD,
        target=order.target,
        speed=4,
        quality=5,
    )
    return life


@given(st.integers(0, 2**32), st.integers(0, 60))
def test_new_facts_fold_alike_in_any_order_of_topics_and_however_often(seed: int, upto: int) -> None:
    events = busy().events
    mixed = interleaved(events, seed)
    assert folded([*mixed, *mixed[:upto]]) == folded(events)


def test_what_new_facts_leave_behind() -> None:
    read = folded(busy().events)
    assert sorted(one.state for one in read.requests.extensions.values()) == [
        ExtensionState.DECLINED,
        ExtensionState.GRANTED,
    ]
    (supervision,) = read.requests.supervisions.values()
    assert (supervision.state, supervision.reply, supervision.sent_back) == (SupervisionState.OPEN, "在办", "不具体")
    (appeal,) = read.requests.appeals.values()
    assert (appeal.state, appeal.reviews) == (AppealState.UPHELD, ("属实", "属实"))
    (joined,) = read.reports.joined
    assert joined.split_to is not None
    assert len(joined.text) == 200
    (handed,) = read.reports.handed_over
    assert (handed.receipt, handed.words) == ("119-7", ("起火",))
    assert read.reports.photos == (PHOTO,)
    assert summarise(read).exempt
    assert value_of(CaseRead, text_of(read)) == read
    assert value_of(CaseSummary, text_of(summarise(read))) == summarise(read)


def test_a_case_that_was_stored_before_these_facts_still_reads() -> None:
    text = text_of(folded(Life(name="old").events))
    old = {name: value for name, value in value_of(dict[str, Any], text).items() if name not in {"reports", "requests"}}
    assert value_of(CaseRead, text_of(old)).reports.joined == ()


def waits_after(*tellings: Callable[[Life], object], **made: Any) -> tuple[Waiting, ...]:
    life = Life(name="waits", **made)
    for telling in tellings:
        telling(life)
    return waiting(folded(life.events))


def test_what_a_case_waits_for() -> None:
    alike = (Alike(case_id=uuid4(), score=0.6, why="近"),)
    refused: dict[str, Any] = {
        "view": {"state": CaseState.REFUSED},
        "code": RefusalCode.ABUSE,
        "reason": "—",
        "words": "—",
    }
    assert waits_after(state=CaseState.RECEIVED, alike=alike) == (Waiting.FILE, Waiting.ALIKE)
    assert waits_after(lambda life: life.sign(life.order(department("water"))), alike=alike) == ()
    assert waits_after(lambda life: life.tell(facts.CaseRefused, **refused), alike=alike) == ()
    assert waits_after(lambda life: life.supervise(department("water"))) == (Waiting.REPLY,)
    assert waits_after(lambda life: life.supervise(department("water")), Life.close) == ()


def test_an_appeal_waits_although_its_case_has_ended() -> None:
    life = Life(name="appeal")
    order = life.order(department("water"))
    life.close()
    life.tell(facts.CaseAppealed, appeal_id=uuid4(), order_id=order.order_id, ground=AppealGround.RATING, reason="不实")
    assert waiting(folded(life.events)) == (Waiting.APPEAL,)


def test_a_department_hears_what_is_about_its_own_order_and_of_nobody_elses() -> None:
    life = Life(name="concern")
    water = life.order(department("water"))
    power = life.order(department("power"), role=OrderRole.ASSIST)
    appeal = uuid4()
    mark = len(life.events)
    life.extend(water)
    life.supervise(department("power"))
    life.tell(facts.CaseSupervisionReplied, supervision_id=_supervised(life), reply="在办")
    life.tell(facts.CaseAppealed, appeal_id=appeal, order_id=power.order_id, ground=AppealGround.RATING, reason="不实")
    life.tell(facts.CaseAppealReviewed, appeal_id=appeal, step=1, upheld=False, reason="属实")
    life.tell(
        facts.CaseDepartmentRated,
        order_id=water.order_id,
        order_role=OrderRole.LEAD,
        target=water.target,
        speed=1,
        quality=1,
    )
    life.pause(water)
    read = folded(life.events)
    heard = [sorted(tell(event, read).facets.departments) for event in life.events[mark:]]
    assert heard == [["water"], ["power"], ["power"], ["power"], ["power"], ["water"], ["power", "water"]]


def _supervised(life: Life) -> UUID:
    data = life.events[-1].data
    assert isinstance(data, facts.CaseSupervised)
    return data.supervision_id


def test_a_paused_cases_assistant_goes_on_while_the_lead_stands_still() -> None:
    life = Life(name="assistant")
    water = life.order(department("water"))
    power = life.order(department("power"), role=OrderRole.ASSIST)
    lead, helper = life.clock(water), life.clock(power, minutes=50)
    life.start(lead)
    life.start(helper)
    life.pause(water)
    read = folded(life.events)
    assert {one.clock.order_id: read.stands_still(one) for one in read.running} == {
        water.order_id: True,
        power.order_id: False,
    }
    line = summarise(read)
    assert line.clock is not None
    assert (line.clock.clock_id, line.due_at) == (helper.clock_id, helper.due_at)


def test_while_all_stands_still_the_line_shows_what_is_left_and_is_never_due() -> None:
    life = Life(name="all-still")
    water = life.order(department("water"))
    life.start(life.clock(water))
    life.tell(
        facts.CaseHung,
        view={"state": CaseState.HUNG, "held": Held(code="hung", since=life.now, hung=True)},
        until=life.now,
        reason="待拆迁",
    )
    line = summarise(folded(life.events))
    assert line.clock is not None
    assert (line.clock.still, line.due_at) == (True, None)
    assert line.clock.left_seconds == pytest.approx(30 * 60, abs=10)


def test_the_acceptance_limit_runs_only_while_nobody_has_filed() -> None:
    life = Life(name="accept", state=CaseState.RECEIVED)
    order = Life(name="other").order(department("water"))
    life.start(life.clock(order, ClockKind.ACCEPT))
    assert len(folded(life.events).running) == 1
    life.tell(facts.CaseFiled, view={"state": CaseState.OPENED}, category_before="01.002", text="停水")
    assert folded(life.events).running == ()


def _examples(kind: type[CaseEvent]) -> list[CaseEvent]:
    found = [msgspec.convert(example, kind) for example in examples_of(kind.TYPE).values()]
    return [replace(one, by=replace(one.by, name="经办人陈某")) for one in found]


@pytest.mark.parametrize("kind", get_args(CaseEvent), ids=lambda kind: kind.__name__)
def test_every_fact_has_a_line_in_both_languages_and_the_public_reads_no_word_of_an_officer(
    kind: type[CaseEvent],
) -> None:
    found = _examples(kind)
    assert found, f"no example of {kind.__name__}"
    for data in found:
        event: Event[Told] = Event(id=uuid4(), source="/", subject="", time=START, sequence=1, data=data)
        entry = entry_of(event, CODES)
        assert entry.words.zh
        assert entry.words.en
        assert entry.words.zh != entry.words.en
        step = step_of(event)
        if step is not None:
            said = f"{step.words.zh}{step.words.en}"
            inside = [getattr(data, name, "") for name in ("note", "reason", "why", "instruction")]
            assert not any(words and words in said for words in inside)
            assert "经办人陈某" not in f"{said}{step.note}{step.office}"


def _entry(data: CaseEvent) -> Entry:
    return entry_of(Event(id=uuid4(), source="/", subject="", time=START, sequence=1, data=data), CODES)


def test_the_line_of_a_whistle_has_the_reason_of_who_asked_and_of_who_let_it_sound() -> None:
    sounded = _examples(facts.CaseWhistled)[0]
    assert isinstance(sounded, facts.CaseWhistled)
    assert _entry(replace(sounded, note="情况属实")).note == f"{sounded.reason}\n情况属实"
    assert _entry(replace(sounded, note="")).note == sounded.reason


def test_the_first_line_of_a_case_says_why_it_is_so_grave() -> None:
    opened = _examples(facts.CaseOpened)[0]
    assert isinstance(opened, facts.CaseOpened)
    assert [why.zh for why in _entry(replace(opened, severity_why="不认识给出的等级")).why][2:] == ["不认识给出的等级"]
    assert len(_entry(replace(opened, severity_why="")).why) == 2


def test_every_state_has_public_words() -> None:
    assert set(STATES) == set(CaseState)


def test_the_public_is_told_nothing_of_judgements_and_requests() -> None:
    silent = {type(event.data).__name__ for event in busy().events if step_of(event) is None}
    assert {
        "CaseAppealed",
        "CaseAppealReviewed",
        "CaseDepartmentRated",
        "CaseExtensionAsked",
        "CaseExtensionBacked",
        "CaseExtensionDeclined",
        "CaseSupervisionReplied",
        "CaseSupervisionSentBack",
        "CaseMassed",
        "OrderIssued",
        "ClockStarted",
    } <= silent
    paused = next(event.data for event in busy().events if isinstance(event.data, facts.CasePaused))
    said = public_words(paused, CODES)
    assert said is not None
    assert paused.reason not in said[0].zh


def test_a_code_is_known_by_its_digest_alone() -> None:
    link = link_of(busy().events[0])
    assert link is not None
    assert (link.digest, link.how) == ("d" * 64, How.OPENED)
    assert link_of(Life(name="none").events[0]) is None


def link(case_id: UUID, how: How, minute: int) -> Link:
    return Link(
        digest="d" * 64,
        event_id=uuid4(),
        case_id=case_id,
        report_id=uuid4(),
        how=how,
        since=START + timedelta(minutes=minute),
    )


@given(st.integers(0, 2**32))
def test_the_way_of_a_report_is_the_same_whoever_tells_of_it_first(seed: int) -> None:
    one, two, three = uuid4(), uuid4(), uuid4()
    links = [
        link(one, How.OPENED, 0),
        link(two, How.JOINED, 5),
        link(three, How.SPLIT, 9),
        link(three, How.OPENED, 9),
    ]
    mixed = random.Random(seed).sample(links, len(links))
    assert [(each.case_id, each.how) for each in path(mixed)] == [
        (one, How.OPENED),
        (two, How.JOINED),
        (three, How.SPLIT),
    ]


def test_of_a_case_that_a_report_left_only_its_own_time_is_told() -> None:
    master = Life(name="left")
    report = uuid4()
    master.tell(
        facts.CaseReportJoined,
        view={"reports": 2},
        report_id=report,
        source=Source.RESIDENT,
        text="也停水",
        why="近",
        tracking="d" * 64,
    )
    gone = Life(name="gone", now=master.now + timedelta(minutes=1))
    master.wait(minutes=1)
    master.tell(
        facts.CaseReportSplit,
        report_id=report,
        to_case=gone.case_id,
        reason="—",
        tracking="d" * 64,
    )
    master.sign(master.order(department("water")))
    links = [found for event in master.events if (found := link_of(event))]
    steps = [[step for event in life.events if (step := step_of(event))] for life in (master, gone)]
    told = told_to(path(links), steps, own={one.event_id for one in links})
    assert [step.words.zh for step in told] == [
        "您的反映与他人反映的是同一事项，已并入一并办理",
        "您的反映是另一事项，已另案办理",
        "已受理",
    ]
    assert [step.yours for step in told] == [True, True, False]


def test_a_closing_counts_from_the_last_round() -> None:
    life = Life(name="rounds")
    life.close()
    life.tell(facts.CaseRated, rating=facts.Rating.NOT)
    steps = [step for event in life.events if (step := step_of(event))]
    assert closed_at(steps) == life.events[1].time
    life.reopen()
    life.wait(hours=1)
    life.close()
    again = [step for event in life.events if (step := step_of(event))]
    assert closed_at(again) == life.events[-1].time
    assert closed_at(again[:-1]) is None


def test_a_repeat_of_any_new_fact_changes_nothing() -> None:
    events = busy().events
    read = folded(events)
    for event in events:
        assert fold(read, event) == read
