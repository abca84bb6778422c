"""A case that several work on: what is still open, how far its matter has come, which step was just done (一件事)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from services.intake.domain.life.case import Case, CaseOrder
from services.intake.domain.life.evolve import evolve
from services.intake.domain.life.system import SYSTEM
from shared.events.case import CaseEvent, CaseStepDone
from shared.events.parts import MatterView, StepView
from shared.vocabulary import OrderState

DONE: Final = frozenset({OrderState.RESOLVED, OrderState.WITHDRAWN})
"""A step in one of these keeps nobody waiting; withdrawn means that a desk released it."""

ANSWERED_WITHIN: Final = timedelta(minutes=5)
"""How long the lead waits for the router's answer to a whistle: during an outage the work must be able to end."""


def unjoined(case: Case, *, now: datetime) -> str | None:
    """Why the lead cannot report the case done yet, if so: who still works on it, and what waits."""
    working = [f"{_name(order)} still works on it ({_part(order)}: {order.state})" for order in _joint(case)]
    waiting = [f"step {step.id} {step.title} waits" for step in _waiting(case.view.matter)]
    whistles = list(_whistles(case, now=now))
    open_ends = [*working, *waiting, *whistles]
    return f"resolve is not open: {'; '.join(open_ends)}" if open_ends else None


def joined(case: Case, events: Sequence[CaseEvent], now: datetime) -> tuple[CaseEvent, ...]:
    """``events`` with the matter as far as it has come in each, and one more for each step that they finish."""
    told: list[CaseEvent] = []
    for decided in events:
        numbered = replace(decided, case=replace(decided.case, version=case.view.version + 1))
        matter = _matter(evolve(case, numbered, at=now))
        event = replace(numbered, case=replace(numbered.case, matter=matter))
        before, case = case, evolve(case, event, at=now)
        told.append(event)
        for step in _just_done(before.view.matter, case.view.matter):
            done = _step_done(case, step)
            case = evolve(case, done, at=now)
            told.append(done)
    return tuple(told)


def _joint(case: Case) -> tuple[CaseOrder, ...]:
    return tuple(order for order in case.standing if order.is_joint)


def _waiting(matter: MatterView | None) -> Iterator[StepView]:
    for step in () if matter is None else matter.steps:
        if step.state is None or step.state is OrderState.RETURNED:
            yield step


def _whistles(case: Case, *, now: datetime) -> Iterator[str]:
    if case.asked is not None:
        yield f"whistle {case.asked.whistle.whistle_id} waits for the word of the head of desk {case.asked.desk}"
    for one in case.sounded:
        if one.awaited_since is not None and now - one.awaited_since <= ANSWERED_WITHIN:
            yield f"whistle {one.whistle.whistle_id} sounded a moment ago, its orders are on the way"


def _name(order: CaseOrder) -> str:
    return f"{order.target.kind} {order.target.id} {order.target.name}".strip()


def _part(order: CaseOrder) -> str:
    return "whistle" if order.step is None else f"step {order.step}"


def _matter(case: Case) -> MatterView | None:
    matter = case.view.matter
    return None if matter is None else replace(matter, steps=tuple(_step(case, step) for step in matter.steps))


def _step(case: Case, step: StepView) -> StepView:
    """The step as its last order has it; it waits again when the router took that order back."""
    own = [order for order in case.orders if order.step == step.id and order.generation == case.view.reopened]
    if not own or (own[-1].state is OrderState.WITHDRAWN and not own[-1].released):
        return replace(step, state=None, order_id=None, target=None)
    return replace(step, state=own[-1].state, order_id=own[-1].order_id, target=own[-1].target)


def _just_done(before: MatterView | None, after: MatterView | None) -> Iterator[StepView]:
    known = {} if before is None else {step.id: step.state for step in before.steps}
    for step in () if after is None else after.steps:
        if step.state in DONE and known.get(step.id) not in DONE:
            yield step


def _step_done(case: Case, step: StepView) -> CaseStepDone:
    if step.order_id is None:
        raise ValueError(f"step {step.id} of case {case.view.case_id} was done without an order")
    return CaseStepDone(
        case=replace(case.view, version=case.view.version + 1),
        by=SYSTEM,
        step=step.id,
        order_id=step.order_id,
        standing=case.all_standing(),
    )
