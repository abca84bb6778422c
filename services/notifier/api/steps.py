"""The steps of a clock's chain as the API shows them: what was done, and what is still to come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.notifier.domain.clocks import Stepped
from services.notifier.ports import County
from shared.events.sla import Ahead, Told
from shared.vocabulary import ChainAction
from shared.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class AheadView:
    """A step still to come, at ``at``, unless the clock stops before; the ``nth`` of those that repeat it."""

    step: str
    nth: int
    action: ChainAction
    at: datetime
    title: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """A step that was taken: whom it told (``to``, ``copies``), who was on duty there, by when a reply is due.

    ``passed_over`` are earlier steps that it stood for after an outage.
    """

    step: str
    nth: int
    action: ChainAction
    title: Words
    planned_at: datetime
    fired_at: datetime
    to: Sequence[Told]
    copies: Sequence[Told]
    reply_due_at: datetime | None
    passed_over: Sequence[str]


def ahead_views(steps: Iterable[Ahead], *, area: str, chain: str, county: County) -> list[AheadView]:
    """The steps to come, the next first."""
    return [
        AheadView(step=one.step, nth=one.nth, action=one.action, at=one.at, title=county.step(area, chain, one.step))
        for one in sorted(steps, key=lambda one: one.at)
    ]


def step_views(steps: Iterable[Stepped], *, area: str, chain: str, county: County) -> list[StepView]:
    """The steps taken, the oldest first."""
    return [
        StepView(
            step=one.step,
            nth=one.nth,
            action=one.action,
            title=county.step(area, chain, one.step),
            planned_at=one.planned_at,
            fired_at=one.fired_at,
            to=one.to,
            copies=one.copies,
            reply_due_at=one.reply_due_at,
            passed_over=one.passed_over,
        )
        for one in steps
    ]
