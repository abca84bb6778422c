"""Which limit of a playbook a clock runs by, and the clock that it makes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from services.escalation.domain.chain import Above, RunningClock, Warned
from services.escalation.domain.clocks import Demand
from services.escalation.domain.deadline import Terms, deadline, elapsed
from services.escalation.domain.fold import Matter
from services.escalation.domain.words import arithmetic, limit_in_words
from shared.events import sla
from shared.events.parts import PlaybookRef, Target
from shared.playbook.above import desk_above
from shared.playbook.model import Area, ClockLimit, Limit, LimitUnit, Playbook
from shared.vocabulary import ClockKind, Level, TargetKind, WhenLate, level_of

SIGN_IN_DEFAULT: Final = ClockLimit(
    id="default-sign-in",
    kind=ClockKind.SIGN_IN,
    category=None,
    condition=None,
    severity=None,
    limit=Limit(amount=4, unit=LimitUnit.WORKING_HOUR),
    warn_at=(0.75,),
    when_late=WhenLate.OVERSEE,
    source="the default profile, for a playbook that limits no sign-in: no order goes without a clock",
)


def limit_for(playbook: Playbook, kind: ClockKind, matter: Matter) -> ClockLimit | None:
    """The limit that fits best: the deepest category, then a named condition, then a named severity.

    None when the playbook does not limit this; a sign-in is always limited.
    """
    line = {category.code: depth for depth, category in enumerate(reversed(playbook.category_line(matter.category)), 1)}
    fitting = [
        (
            line.get(limit.category, 0) if limit.category else 0,
            limit.condition is not None,
            limit.severity is not None,
            limit,
        )
        for limit in playbook.clocks
        if limit.kind is kind
        and (limit.category is None or limit.category in line)
        and limit.condition in (None, matter.condition)
        and limit.severity in (None, matter.severity)
    ]
    if not fitting:
        return SIGN_IN_DEFAULT if kind is ClockKind.SIGN_IN else None
    return max(fitting, key=lambda one: one[:3])[3]


def start(demand: Demand, playbook: Playbook) -> RunningClock | None:
    """The clock that ``demand`` starts under ``playbook``; None where the playbook sets no limit.

    Deadline, warnings and who is above are settled here, once: a running clock keeps them.

    Raises:
        UnknownYear: when its limit runs into a year without a calendar.
    """
    limit = limit_for(playbook, demand.kind, demand.matter)
    if limit is None:
        return None
    terms = Terms.of(playbook)
    # A result that was sent back (返工) has what is left of its limit, not a new one.
    taken = sum((elapsed(a, b, limit.limit.unit, terms=terms) for a, b in demand.rounds), timedelta())
    found = deadline(demand.started_at, limit.limit, terms=terms, taken=taken)
    target, level = _answers(demand, playbook)
    above = _above(demand, playbook, target, level)
    shown = sla.Clock(
        clock_id=demand.clock_id,
        kind=demand.kind,
        started_at=demand.started_at,
        due_at=found.due_at,
        level=level,
        limit=limit_in_words(limit.limit),
        arithmetic=arithmetic(found, limit.limit, terms=terms, taken=taken),
        when_late=limit.when_late,
        playbook=PlaybookRef(version=playbook.version, digest=playbook.digest),
        order_id=demand.order.order.order_id if demand.order else None,
        order_role=demand.order.order.role if demand.order else None,
        target=target,
        order=demand.order.order if demand.order else None,
    )
    warnings = tuple(
        Warned(fraction=fraction, at=_at_fraction(demand, limit.limit, fraction, terms, taken))
        for fraction in limit.warn_at
    )
    return RunningClock(case_id=demand.case_id, shown=shown, warnings=warnings, above=above)


def _at_fraction(demand: Demand, limit: Limit, fraction: float, terms: Terms, taken: timedelta) -> datetime:
    # The fraction is one of the limit, so that half of four working hours is two working hours.
    part = Limit(amount=limit.amount * fraction, unit=limit.unit)
    return deadline(demand.started_at, part, terms=terms, taken=taken).due_at


def _answers(demand: Demand, playbook: Playbook) -> tuple[Target, Level]:
    """Who has to act: the target of the order, or for dispatch and verification a desk."""
    if demand.order is None:
        desk = _desk(playbook, demand.matter.area, level_of(demand.matter.area))
        return desk, level_of(desk.id)
    order = demand.order.order
    if demand.kind is ClockKind.VERIFY:
        desk = _desk(playbook, demand.matter.area, order.level)
        return desk, level_of(desk.id)
    return order.target, order.level


def _above(demand: Demand, playbook: Playbook, target: Target, level: Level) -> Above | None:
    """Who takes hold when ``target`` is late."""
    area = desk_above(playbook, target, level=level, area=demand.matter.area)
    return None if area is None else Above(target=_desk_of(playbook, area), level=area.level)


def _desk(playbook: Playbook, area: str, level: Level) -> Target:
    return _desk_of(playbook, playbook.desk_area(area, at_least=level))


def _desk_of(playbook: Playbook, area: Area) -> Target:
    return Target(kind=TargetKind.DESK, id=area.code, name=playbook.desk_name(area.code).zh)
