"""What a step of a chain says as it is taken: the step itself and, where it moves the case up, the hand-over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.escalation.domain.chain import CaseShown, Planned, RunningClock, event_of
from services.escalation.domain.deadline import Terms
from services.escalation.domain.on_watch import Call, Watch, call
from services.escalation.domain.planning import later, roughly_later
from services.escalation.domain.step_words import NATURAL, NO_PLAYBOOK, nobody, reason, stands_for
from shared.events import sla
from shared.events.envelope import Event
from shared.playbook.model import Limit
from shared.vocabulary import ChainAction, WhenLate


@dataclass(frozen=True, slots=True, kw_only=True)
class StandsFor:
    """What one notice of a case stands for after an outage: other steps of its clock, and other clocks."""

    steps: tuple[str, ...] = ()
    clocks: tuple[UUID, ...] = ()


ITSELF = StandsFor()


def announce_step(
    clock: RunningClock,
    planned: Planned,
    *,
    after: RunningClock,
    case: CaseShown,
    watch: Watch,
    stands: StandsFor = ITSELF,
) -> tuple[Event[sla.SlaEvent], ...]:
    """The events of a step that ``clock`` takes, with ids that a repeat derives again; ``watch.at`` is the instant.

    ``after`` is what the clock is then.
    """
    step, now, told, shown = clock.step_of(planned), watch.at, call(clock, planned, watch), after.told
    name = f"{planned.step}:{planned.nth}" + (f":{clock.extended}" if clock.extended else "")
    why = reason(clock, planned, to=told.to, at=now, notes=_notes(planned, told, watch, stands))
    data = sla.ClockStepped(
        case=case.view,
        clock=shown,
        chain=clock.shown.chain or "",
        step=step.id,
        nth=planned.nth,
        action=step.action,
        planned_at=planned.at,
        fired_at=now,
        late_seconds=max((now - planned.at).total_seconds(), 0.0),
        reason=why,
        to=told.to,
        copies=told.copies,
        instruction="" if step.instruction is None else f"{step.instruction.zh} | {step.instruction.en}",
        reply_due_at=None if step.reply_within is None else _reply_due(clock, step.reply_within, watch),
        passed_over=stands.steps,
        covers=stands.clocks,
    )
    stepped = event_of(clock, f"stepped:{name}", case=case, data=data, at=now)
    if told.up is None:
        return (stepped,)
    up, reached = told.up, clock.reached
    moved = sla.ClockEscalated(
        case=case.view,
        clock=shown,
        fired_at=now,
        from_level=clock.line[reached - 1].level if reached else clock.shown.level,
        to_level=up.level,
        to=up.target,
        when_late=WhenLate.TAKE_OVER if step.action is ChainAction.TAKE_OVER else WhenLate.OVERSEE,
        reason=why,
    )
    return (stepped, event_of(clock, f"escalated:{name}", case=case, data=moved, at=now))


def _notes(planned: Planned, told: Call, watch: Watch, stands: StandsFor) -> list[tuple[str, str]]:
    notes = []
    if stands != ITSELF:
        notes.append(stands_for(len(stands.steps), len(stands.clocks)))
    if planned.natural:
        notes.append(NATURAL)
    if watch.playbook is None:
        return [*notes, NO_PLAYBOOK]
    return [*notes, *(nobody(one) for one in (*told.to, *told.copies) if not one.officers)]


def _reply_due(clock: RunningClock, within: Limit, watch: Watch) -> datetime:
    """By when a reply is due, by the hours of whoever must act; natural time where no playbook is here to say them."""
    if watch.playbook is None:
        return roughly_later(watch.at, within)
    terms = Terms.of(watch.playbook, clock.shown.target, clock.shown.level)
    return later(watch.at, within, terms)[0]
