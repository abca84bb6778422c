"""What several departments do in one case, as the notifier tells it; drills, canaries and modes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.api.whistles import whistle_views
from services.notifier.consumer import Teller
from services.notifier.domain.audience import Filter, Scope, wants
from services.notifier.domain.canary import Hop, Sighting
from services.notifier.domain.concern import concerned
from services.notifier.domain.delivery import QUICK, SCHEDULE, Answered, GiveUp, Reason, Retry, judge, pause_after
from services.notifier.domain.fold import CaseRead
from services.notifier.domain.proposals import ruling_of
from services.notifier.domain.settling import Settled, settled
from services.notifier.domain.summary import summarise
from services.notifier.domain.telling import tell
from services.notifier.domain.whistles import WhistleState
from services.notifier.handlers import notify_batch
from services.notifier.handlers.notify import UNCHARTED, Uncharted
from services.notifier.ports import Subscriber
from services.notifier.store.rows import text_of, value_of
from shared.events import case as facts
from shared.events.case import CaseEvent
from shared.events.codec import encode
from shared.events.envelope import Event, derive_id
from shared.events.parts import Actor
from shared.runtime.delivery import Record
from shared.vocabulary import ActorKind, ClockKind, OrderReason, OrderRole, OrderState, Purpose
from tests.fakes.joint import CALL, TOWN_DESK, changed_mode, entered, matter, standing, whistled
from tests.fakes.notifier import Life, department, desk, whole_life
from tests.fakes.read_side import FakeReadSide
from tests.unit.notifier.test_fold import folded, interleaved

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
SUBSCRIPTION = Subscriber(subscription_id=derive_id(CALL.whistle_id, "sub"), scope=Scope(area="990101"), asked=Filter())


def joint() -> Life:
    """A case with a whistle, a release, a transfer, a ruling, a matter, a mode, and a lead that gives it back."""
    life, (urban, police) = whistled("joint", "urban", "police")
    life.sign(urban)
    life.arrive(urban)
    life.tell(facts.CaseReleased, by=TOWN_DESK, order=standing(police), reason="现场已不需要")
    life.withdraw(police)
    lead = life.order(department("water"))
    life.sign(lead)
    life.give_back(lead)
    life.progress(lead)
    ruling = life.order(desk("990101"), reason=OrderReason.RULING)
    life.tell(facts.CaseTransferred, by=TOWN_DESK, order=standing(ruling), to=department("power"), reason="试转")
    life.tell(facts.CaseRuled, by=TOWN_DESK, to=department("water"), order=standing(ruling), reason="属供水")
    life.withdraw(ruling)
    again = life.order(department("water"), reason=OrderReason.RULED)
    life.tell(
        facts.CaseStepDone,
        view={"matter": matter(OrderState.RESOLVED, None)},
        step="s1",
        order_id=again.order_id,
    )
    cause = entered(life, changed_mode(1))
    life.order(department("emergency"), role=OrderRole.ASSIST, reason=OrderReason.MODE, cause_id=cause)
    life.sign(again)
    return life


@given(st.integers(0, 2**32))
def test_topics_may_speak_of_joint_handling_in_any_order(seed: int) -> None:
    events = joint().events
    assert folded(interleaved(events, seed)) == folded(events)


def test_what_is_stored_of_joint_handling_reads_back_the_same() -> None:
    read = folded(joint().events)
    assert value_of(CaseRead, text_of(read)) == read


def test_every_new_line_has_words_in_both_languages_and_no_code_of_another_language() -> None:
    life = joint()
    life.tell(facts.CaseWhistleDeclined, by=TOWN_DESK, whistle=CALL, reason="不必")
    read = folded(life.events)
    lines = {event.type: tell(event, read).entry for event in life.events if isinstance(event.data, CaseEvent)}
    assert {one for one in lines if one.split(".")[2] in NEW} == {f"whistle.case.{one}.v1" for one in NEW}
    for line in lines.values():
        assert line.words.zh
        assert line.words.en.isascii() or "部门" in line.words.en or "平台" in line.words.en or "步" in line.words.en


NEW = frozenset(
    "whistle_asked whistle_declined whistled released transferred ruled step_done mode_changed".split()  # noqa: SIM905
)


def test_each_department_that_was_called_is_shown_with_its_own_sign_in_and_arrival() -> None:
    life, (urban, police) = whistled("shown", "urban", "police")
    clock = life.clock(police, ClockKind.SIGN_IN)
    life.start(clock)
    life.sign(urban)
    life.arrive(urban)
    life.breach(clock)
    read = folded(life.events)
    (whistle,) = whistle_views(read, UNCHARTED, department=None)
    assert (whistle.state, whistle.asked_by, [one.department for one in whistle.called]) == (
        WhistleState.SOUNDED,
        TOWN_DESK,
        ["urban", "police"],
    )
    first, second = whistle.called
    assert first.signed_at is not None
    assert first.arrived_at is not None
    assert (second.signed_at, second.late, second.sign_due_at) == (None, [ClockKind.SIGN_IN], clock.due_at)
    (own,) = whistle_views(read, UNCHARTED, department="police")
    assert [one.department for one in own.called] == ["police"]
    assert whistle_views(read, UNCHARTED, department="water") == []


def test_a_whistle_that_waits_for_its_head_calls_nobody() -> None:
    life, _ = whistled("pending", "urban", confirmed=False)
    read = folded(life.events)
    (whistle,) = whistle_views(read, UNCHARTED, department=None)
    assert (whistle.state, [one.waits for one in whistle.called]) == (WhistleState.ASKED, [True])
    assert concerned(read, life.events[-1].data) == frozenset()
    assert whistle_views(read, UNCHARTED, department="urban") == []


def test_departments_added_to_a_sounded_whistle_wait_for_the_head_again() -> None:
    life, _ = whistled("added", "urban")
    more: dict[str, Any] = {"whistle": CALL, "departments": ("fire",), "reason": "有火险"}
    life.tell(facts.CaseWhistleAsked, by=TOWN_DESK, **more)
    (whistle,) = whistle_views(folded(life.events), UNCHARTED, department=None)
    assert [(one.department, one.waits) for one in whistle.called] == [("urban", False), ("fire", True)]
    life.tell(facts.CaseWhistled, by=TOWN_DESK, **more)
    (whistle,) = whistle_views(folded(life.events), UNCHARTED, department=None)
    assert [(one.department, one.waits) for one in whistle.called] == [("urban", False), ("fire", False)]


def test_a_lead_that_signed_and_gave_the_case_back_answers_until_another_has_signed() -> None:
    life = Life(name="returning")
    first = life.order(department("water"))
    life.sign(first)
    life.give_back(first)
    life.progress(first, "仍在现场值守")
    read = folded(life.events)
    assert read.state_of(read.orders[first.order_id]) is OrderState.RETURNING
    assert read.orders[first.order_id].note == "仍在现场值守"
    second = life.order(department("drainage"))
    assert folded(life.events).state_of(read.orders[first.order_id]) is OrderState.RETURNING
    life.sign(second)
    read = folded(life.events)
    assert read.state_of(read.orders[first.order_id]) is OrderState.RETURNED


def test_a_lead_that_never_signed_is_returned_at_once() -> None:
    life = Life(name="unsigned")
    first = life.order(department("water"))
    life.give_back(first)
    read = folded(life.events)
    assert read.state_of(read.orders[first.order_id]) is OrderState.RETURNED


def test_a_matter_is_one_line_with_its_steps_counted() -> None:
    life = Life(name="matter")
    done = matter(OrderState.RESOLVED, OrderState.WITHDRAWN, OrderState.ISSUED, None)
    order = life.order(department("housing"), role=OrderRole.ASSIST, reason=OrderReason.STEP, step="s1")
    life.tell(facts.CaseStepDone, view={"matter": done}, step="s1", order_id=order.order_id)
    read = folded(life.events)
    line = summarise(read).matter
    assert line is not None
    assert (line.id, line.done, line.steps) == ("unsafe-house", 2, 4)
    assert read.orders[order.order_id].of_step == "s1"


@pytest.mark.parametrize("order_first", (False, True))
def test_what_a_mode_change_did_to_a_case_is_told_by_what_answers_it(order_first: bool) -> None:
    outcomes = []
    for what in ("reroute", "withdraw", "keep"):
        life = Life(name=what)
        lead = life.order(department("water"))
        cause = entered(life, changed_mode(1))
        before = len(life.events)
        if what == "reroute":
            life.order(department("emergency"), reason=OrderReason.MODE, cause_id=cause)
        elif what == "withdraw":
            life.withdraw(lead, cause_id=cause)
        events = life.events
        if order_first and what != "keep":
            events = [*events[: before - 1], events[before], events[before - 1], *events[before + 1 :]]
        read = folded(events)
        (settling,) = read.settlings
        outcomes.append(settled(settling, read.orders.values()))
    assert outcomes == [Settled.REROUTED, Settled.WITHDRAWN, Settled.KEPT]


async def test_a_drill_is_owed_to_webhooks_only_as_held_back() -> None:
    side = FakeReadSide(hearing=[SUBSCRIPTION])
    drill, real = Life(name="drill", purpose=Purpose.DRILL), Life(name="real")
    await notify_batch([*drill.events, *real.events], read_side=side, now=NOW)
    held = {one.telling.facets.purpose: one.held for one in side.owed.values()}
    assert held == {Purpose.DRILL: Reason.DRILL, Purpose.REAL: None}
    assert [telling.case.purpose for telling in side.feed] == [Purpose.DRILL, Purpose.REAL]


@dataclass(slots=True)
class Swift(Uncharted):
    """A county that tries again quickly in one mode."""

    def longest_pause(self, area: str, mode: str) -> timedelta | None:
        return timedelta(seconds=60) if mode == "flood-2" else None


async def test_a_mode_shortens_the_pauses_of_deliveries_about_its_cases() -> None:
    side = FakeReadSide(hearing=[SUBSCRIPTION])
    lives = [Life(name="calm"), Life(name="wet", mode="flood-2")]
    await notify_batch([event for life in lives for event in life.events], read_side=side, now=NOW, county=Swift())
    pauses = {one.telling.case.mode: one.longest_pause for one in side.owed.values()}
    assert pauses == {"normal": None, "flood-2": timedelta(seconds=60)}


@given(st.integers(1, 48 * 3600))
def test_a_shortened_schedule_never_pauses_longer_at_first_and_still_lasts_as_long(seconds: int) -> None:
    longest = timedelta(seconds=seconds)
    pauses = list[timedelta]()
    while (pause := pause_after(len(pauses) + 1, longest=longest)) is not None:
        pauses.append(pause)
        assert len(pauses) < 100
    assert max(pauses[:QUICK]) <= longest
    assert sum(pauses, timedelta()) >= sum((one for one in SCHEDULE if one > longest), timedelta())
    plain = [pause_after(attempt, longest=None) for attempt in range(1, len(SCHEDULE) + 1)]
    assert plain == [*SCHEDULE[1:], None]


def test_a_receiver_that_asks_for_a_pause_gets_it_in_a_mode_too() -> None:
    busy = Answered(status=503, retry_after=timedelta(minutes=30))
    verdict = judge(busy, attempt=3, now=NOW, jitter=0, longest_pause=timedelta(seconds=5))
    assert isinstance(verdict, Retry)
    assert verdict.at == NOW + timedelta(minutes=30)
    last = judge(Answered(status=500), attempt=200, now=NOW, jitter=0, longest_pause=timedelta(seconds=5))
    assert isinstance(last, GiveUp)


def record_of(event: Event[Any]) -> Record:
    message = encode(event)
    return Record(
        topic=message.topic,
        partition=0,
        offset=0,
        timestamp_ms=0,
        key=message.key,
        value=message.value,
        headers=message.headers,
    )


async def test_a_canary_is_measured_at_each_hop_and_told_to_nobody() -> None:
    life = Life(name="canary", purpose=Purpose.CANARY)
    order = life.order(department("water"))
    helper = life.order(department("police"), role=OrderRole.ASSIST)
    for clock in (life.clock(order), life.clock(order, ClockKind.HANDLE), life.clock(helper)):
        life.start(clock)
    life.close()
    side, seen = FakeReadSide(hearing=[SUBSCRIPTION]), list[Sighting]()
    teller = Teller(read_side=side, clock=lambda: life.events[0].time + timedelta(seconds=4), seen=seen.append)
    outcome = await teller.handle([record_of(event) for event in life.events])
    assert not outcome.rejected
    assert [one.hop for one in seen] == [Hop.OPENED, Hop.ORDER, Hop.CLOCK, Hop.CLOSED]
    assert {one.after for one in seen} == {timedelta(seconds=4)}
    assert (side.cases, side.feed, side.owed) == ({}, [], {})


async def test_changes_of_mode_are_kept_and_one_that_cannot_be_is_set_aside_alone() -> None:
    changes = [changed_mode(1), changed_mode(2, mode="normal", before="flood-2")]
    life = Life(name="beside")
    events = [
        Event(id=one.change_id, source="/whistle/intake", subject=one.area, time=NOW, sequence=1, data=one)
        for one in changes
    ]
    side = FakeReadSide()
    misplaced = record_of(life.events[0])
    wrong = Record(
        topic="whistle.mode.v1",
        partition=0,
        offset=9,
        timestamp_ms=0,
        key=b"",
        value=misplaced.value,
        headers=misplaced.headers,
    )
    teller = Teller(read_side=side, clock=lambda: NOW)
    outcome = await teller.handle([*map(record_of, events), wrong, misplaced])
    assert list(side.modes.values()) == changes
    assert [one.record for one in outcome.rejected] == [wrong]
    assert len(side.feed) == 1


def test_filters_of_purpose_and_mode_hold_for_the_live_stream() -> None:
    life = Life(name="filters", purpose=Purpose.DRILL, mode="drill")
    facets = tell(life.events[0], folded(life.events)).facets
    assert wants(Filter(purposes=frozenset({Purpose.DRILL}), modes=frozenset({"drill"})), facets)
    assert not wants(Filter(purposes=frozenset({Purpose.REAL})), facets)
    assert not wants(Filter(modes=frozenset({"normal"})), facets)


def ruled(life: Life, to: str | None) -> facts.CaseRuled:
    target = desk("990101") if to is None else department(to)
    life.tell(facts.CaseRuled, by=Actor(kind=ActorKind.DESK, id="990101"), to=target, reason="属其职责")
    data = life.events[-1].data
    assert isinstance(data, facts.CaseRuled)
    return data


def test_only_rulings_for_departments_in_real_cases_become_proposals() -> None:
    event_id = CALL.whistle_id
    found = ruling_of(ruled(Life(name="r1", area="990101001200001"), "water"), event_id=event_id, at=NOW)
    assert found is not None
    assert (found.department, found.category, found.area) == ("water", "01.002", "990101001200")
    assert ruling_of(ruled(Life(name="r2"), None), event_id=event_id, at=NOW) is None
    assert ruling_of(ruled(Life(name="r3", purpose=Purpose.DRILL), "water"), event_id=event_id, at=NOW) is None


async def test_a_ruling_is_remembered_once() -> None:
    life, side = Life(name="remembered"), FakeReadSide()
    ruled(life, "water")
    await notify_batch(life.events, read_side=side, now=NOW)
    await notify_batch(life.events, read_side=side, now=NOW)
    assert [one.department for one in side.rulings.values()] == ["water"]


def test_a_whole_life_without_any_of_this_is_told_as_before() -> None:
    read = folded(whole_life("plain").events)
    line = summarise(read)
    assert (line.purpose, line.mode, line.matter, read.whistles, read.settlings) == (
        Purpose.REAL,
        "normal",
        None,
        {},
        (),
    )
