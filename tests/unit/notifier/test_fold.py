"""What is known of a case: the same in whatever order three topics speak of it."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.domain.fold import CaseRead, Told, fold
from services.notifier.domain.orders import OrderRead
from services.notifier.domain.summary import summarise
from services.notifier.domain.telling import tell
from services.notifier.store.rows import text_of, value_of
from shared.events.case import CaseEvent
from shared.events.envelope import Event
from shared.events.order import OrderIssued, OrderWithdrawn
from shared.events.parts import Actor
from shared.events.sla import (
    ClockBreached,
    ClockEscalated,
    ClockMoved,
    ClockStarted,
    ClockStepped,
    ClockStopped,
    ClockWarned,
    Outcome,
)
from shared.vocabulary import CaseState, ChainAction, ClockKind, Level, OrderRole, OrderState
from tests.fakes.notifier import Life, department, desk, whole_life


def folded(events: Sequence[Event[Told]]) -> CaseRead:
    read: CaseRead | None = None
    for event in events:
        read = fold(read, event)
    assert read is not None
    return read


def eventful() -> Life:
    """A case with everything: an escalation, a withdrawal, a return, rework, a second round."""
    life = Life(name="eventful")
    first = life.order(department("water"))
    clock = life.clock(first)
    life.start(clock)
    life.warn(clock)
    life.step(clock, ChainAction.URGE)
    life.breach(clock)
    life.escalate(clock)
    life.step(clock, ChainAction.CIRCULATE, covers=(life.case_id,))
    life.withdraw(first)
    life.stop(clock, Outcome.CANCELLED)
    second = life.order(desk("990101001"), level=Level.TOWN)
    life.sign(second)
    life.give_back(second)
    third = life.order(department("drainage"))
    helper = life.order(desk("990101001200"), role=OrderRole.ASSIST)
    life.sign(third)
    life.sign(helper)
    life.resolve(third)
    life.reject(third)
    life.resolve(third, "再次办结")
    life.verify()
    life.close()
    life.reopen()
    life.order(department("water-supply"))
    return life


def topic_of(event: Event[Told]) -> str:
    match event.data:
        case OrderIssued(order=order) | OrderWithdrawn(order=order):
            return f"order.{order.level}"
        case (
            ClockStarted()
            | ClockStopped()
            | ClockMoved()
            | ClockWarned()
            | ClockBreached()
            | ClockEscalated()
            | ClockStepped()
        ):
            return "sla"
        case _:
            assert isinstance(event.data, CaseEvent)
            return "case"


def interleaved(events: Sequence[Event[Told]], seed: int) -> list[Event[Told]]:
    """Each topic keeps its order, the topics keep none between them, and some events come twice."""
    chance = random.Random(seed)
    queues: dict[str, list[Event[Told]]] = {}
    for event in events:
        queues.setdefault(topic_of(event), []).append(event)
    mixed: list[Event[Told]] = []
    while queues:
        topic = chance.choice(sorted(queues))
        mixed.append(queues[topic].pop(0))
        if not queues[topic]:
            del queues[topic]
    return mixed


@given(st.integers(0, 2**32))
def test_topics_may_speak_in_any_order_between_them(seed: int) -> None:
    events = eventful().events
    assert folded(interleaved(events, seed)) == folded(events)


@given(st.integers(0, 2**32), st.integers(0, 60))
def test_a_replay_of_everything_so_far_changes_nothing(seed: int, upto: int) -> None:
    mixed = interleaved(eventful().events, seed)
    assert folded([*mixed, *mixed[:upto]]) == folded(mixed)


def test_a_started_clock_counts_down_until_it_stops() -> None:
    life = Life(name="countdown")
    clock = life.clock(life.order(department("water")))
    life.start(clock)
    assert [read.clock for read in folded(life.events).running] == [clock]
    life.stop(clock)
    assert folded(life.events).running == ()


def test_of_two_stops_of_one_clock_the_earlier_counts() -> None:
    life = Life(name="two-stops")
    clock = life.clock(life.order(department("water")))
    life.start(clock)
    life.stop(clock, Outcome.MET)
    life.wait(minutes=1)
    life.stop(clock, Outcome.CANCELLED)
    late_first = [*life.events[:-2], life.events[-1], life.events[-2]]
    for events in (life.events, late_first):
        assert folded(events).clocks[clock.clock_id].outcome is Outcome.MET


def test_an_old_event_never_overwrites_a_newer_view() -> None:
    events = whole_life("old-event").events
    read = folded(events)
    assert fold(read, events[0]).view == read.view
    assert read.view.state is CaseState.CLOSED


def test_an_order_that_comes_before_its_case_is_known_by_the_orders_own_view() -> None:
    life = Life(name="order-first")
    life.order(department("water"))
    issued = next(event for event in life.events if isinstance(event.data, OrderIssued))
    read = folded([issued])
    assert read.view.case_id == life.case_id
    assert read.text == ""
    assert folded([issued, life.events[0]]).text == f"{life.title}。"


@pytest.mark.parametrize("withdrawn_first", (True, False))
def test_a_withdrawal_ends_an_order_whichever_topic_says_it_first(withdrawn_first: bool) -> None:
    life = Life(name="withdrawn")
    order = life.order(department("water"))
    life.sign(order)
    life.withdraw(order)
    withdrawal = next(event for event in life.events if isinstance(event.data, OrderWithdrawn))
    rest = [event for event in life.events if event is not withdrawal]
    read = folded([withdrawal, *rest] if withdrawn_first else [*rest, withdrawal])
    assert read.orders[order.order_id].state is OrderState.WITHDRAWN


def test_why_the_system_took_an_order_back_is_no_person_s_note() -> None:
    life = Life(name="taken-back")
    order = life.order(department("water"))
    life.withdraw(order, reason="由 县水务局 接替主办 / replaced as the lead by 县水务局")
    of_the_case = [event for event in life.events if not isinstance(event.data, OrderWithdrawn)]
    read = folded(of_the_case).orders[order.order_id]
    assert (read.state, read.note) == (OrderState.WITHDRAWN, "")
    assert (read.taken_back or "").startswith("由 县水务局")


def test_work_that_was_done_is_not_undone_by_a_late_withdrawal() -> None:
    life = Life(name="done-then-withdrawn")
    order = life.order(department("water"))
    life.sign(order)
    life.resolve(order)
    withdrawal = OrderWithdrawn(order=order, case=life.view, reason="晚到的撤回", cause_id=life.events[-1].id)
    read = folded(
        [*life.events, Event(id=order.order_id, source="r", subject="s", time=life.now, sequence=1, data=withdrawal)]
    )
    assert read.orders[order.order_id].state is OrderState.RESOLVED


def test_orders_of_an_earlier_round_no_longer_stand() -> None:
    life = eventful()
    read = folded(life.events)
    standing = [order.target.id for order in read.orders.values() if order.stands(read.view.reopened)]
    assert standing == ["water-supply"]


def test_a_clock_stops_being_shown_when_its_matter_is_over() -> None:
    life = Life(name="clock")
    order = life.order(department("water"))
    clock = life.clock(order, ClockKind.SIGN_IN)
    handle = life.clock(order, ClockKind.HANDLE, minutes=240)
    life.warn(clock)
    life.warn(handle)
    assert [one.clock.kind for one in folded(life.events).running] == [ClockKind.SIGN_IN, ClockKind.HANDLE]
    life.sign(order)
    assert [one.clock.kind for one in folded(life.events).running] == [ClockKind.HANDLE]
    life.resolve(order)
    assert folded(life.events).running == ()


def test_the_line_of_a_case_shows_its_most_pressing_clock_and_who_has_signed() -> None:
    life = Life(name="line")
    order = life.order(department("water"))
    life.order(desk("990101001200"), role=OrderRole.ASSIST)
    life.warn(life.clock(order, ClockKind.HANDLE, minutes=240))
    life.warn(life.clock(order, ClockKind.ARRIVE, minutes=20))
    life.sign(order)
    line = summarise(folded(life.events))
    assert line.clock is not None
    assert line.clock.kind is ClockKind.ARRIVE
    assert (line.orders.standing, line.orders.signed) == (2, 1)


def test_a_department_is_concerned_by_its_own_orders_and_by_facts_of_the_whole_case_only() -> None:
    life = Life(name="concerned")
    water = life.order(department("water"))
    power = life.order(department("power"), role=OrderRole.ASSIST)
    life.sign(water)
    life.sign(power)
    life.close()
    read: CaseRead | None = None
    concerned = []
    for event in life.events:
        read = fold(read, event)
        concerned.append((event.type.split(".")[2], sorted(tell(event, read).facets.departments)))
    assert concerned == [
        ("opened", []),
        ("issued", ["water"]),
        ("routed", ["water"]),
        ("issued", ["power"]),
        ("routed", ["power"]),
        ("signed", ["water"]),
        ("signed", ["power"]),
        ("closed", ["power", "water"]),
    ]


def test_an_event_speaks_to_the_level_of_its_order_or_of_the_desk_that_it_moves_to() -> None:
    life = Life(name="levels")
    order = life.order(department("water"), level=Level.VILLAGE)
    clock = life.clock(order)
    life.escalate(clock)
    read = folded(life.events)
    levels = {event.type: tell(event, read).facets.level for event in life.events}
    assert levels["whistle.order.issued.v1"] is Level.VILLAGE
    assert levels["whistle.sla.escalated.v1"] is Level.TOWN
    assert levels["whistle.case.escalated.v1"] is Level.TOWN


def test_every_line_of_a_timeline_has_words_in_both_languages_and_an_actor() -> None:
    life = eventful()
    read = folded(life.events)
    for event in life.events:
        entry = tell(event, read).entry
        assert entry.words.zh
        assert entry.words.en
        assert entry.actor.id
    issued = [tell(event, read).entry for event in life.events if isinstance(event.data, OrderIssued)]
    assert all(entry.why and entry.why[0].explanation is not None for entry in issued)


def test_what_is_stored_reads_back_the_same() -> None:
    read = folded(eventful().events)
    assert value_of(CaseRead, text_of(read)) == read
    for order in read.orders.values():
        assert value_of(OrderRead, text_of(order)) == order


def test_a_reporter_is_never_named_by_the_read_side() -> None:
    life = whole_life("masked")
    assert isinstance(life.events[0].data.by, Actor)  # type: ignore[union-attr]  # the first event is the case's own
    assert "phone" not in text_of(folded(life.events))
