"""Which limit of a playbook a clock runs by, and the clock that it makes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from services.escalation.domain.chain import Above, RunningClock, Warned
from services.escalation.domain.clocks import Demand
from services.escalation.domain.deadline import Terms, deadline, elapsed
from services.escalation.domain.fold import Matter
from services.escalation.domain.words import arithmetic, limit_in_words
from shared.events import sla
from shared.events.order import Order
from shared.events.parts import PlaybookRef, Target
from shared.playbook.above import desk_above
from shared.playbook.model import Area, ClockLimit, Limit, LimitUnit, Playbook
from shared.vocabulary import ClockKind, Level, Purpose, TargetKind, WhenLate, level_of

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


WHISTLED: Final = {
    kind: ClockLimit(
        id=f"default-whistle-{kind}",
        kind=kind,
        category=None,
        condition=None,
        severity=None,
        limit=Limit(amount=30, unit=LimitUnit.CONTINUOUS_MINUTE),
        warn_at=(0.5,),
        when_late=WhenLate.OVERSEE,
        source="the default profile, for a playbook that does not limit it: whoever is whistled for must report in",
        whistle=True,
    )
    for kind in (ClockKind.SIGN_IN, ClockKind.ARRIVE)
}


def limit_for(playbook: Playbook, kind: ClockKind, matter: Matter, *, order: Order | None = None) -> ClockLimit | None:
    """The limit that fits best; which goes before which stands at ``ClockLimit``.

    None when the playbook does not limit this; a sign-in is always limited, and so is the arrival of
    whoever was whistled for.
    """
    line = {category.code: depth for depth, category in enumerate(reversed(playbook.category_line(matter.category)), 1)}
    whistled = order is not None and order.whistle is not None
    profile = None if order is None else order.clock_profile
    fitting = [
        limit
        for limit in playbook.clocks
        if limit.kind is kind
        and (limit.category is None or limit.category in line)
        and limit.condition in (None, matter.condition)
        and limit.severity in (None, matter.severity)
        and limit.mode in (None, matter.mode)
        and limit.profile in (None, profile)
        and limit.whistle in (None, whistled)
    ]
    if not fitting:
        default = SIGN_IN_DEFAULT if kind is ClockKind.SIGN_IN else None
        return WHISTLED.get(kind, default) if whistled else default
    return max(fitting, key=lambda limit: _closeness(limit, line))


def _closeness(limit: ClockLimit, line: Mapping[str, int]) -> tuple[bool, bool, bool, int, bool, bool]:
    return (
        limit.mode is not None,
        limit.profile is not None,
        limit.whistle is not None,
        line.get(limit.category, 0) if limit.category else 0,
        limit.condition is not None,
        limit.severity is not None,
    )


def start(demand: Demand, playbook: Playbook) -> RunningClock | None:
    """The clock that ``demand`` starts under ``playbook``; None where the playbook sets no limit.

    Deadline, warnings and who is above are settled here, once: a running clock keeps them, whatever
    mode is entered afterwards (docs/decisions/0014). A canary's clock runs and stops, and says nothing
    to anybody in between.

    Raises:
        UnknownYear: when its limit runs into a year without a calendar.
    """
    issued = demand.order.order if demand.order else None
    limit = limit_for(playbook, demand.kind, demand.matter, order=issued)
    if limit is None:
        return None
    terms = Terms.of(playbook)
    # A result that was sent back (返工) has what is left of its limit, not a new one.
    taken = sum((elapsed(a, b, limit.limit.unit, terms=terms) for a, b in demand.rounds), timedelta())
    found = deadline(demand.started_at, limit.limit, terms=terms, taken=taken)
    target, level = _answers(demand, playbook)
    above = _above(demand, playbook, target, level)
    silent = demand.matter.purpose is Purpose.CANARY
    shown = sla.Clock(
        clock_id=demand.clock_id,
        kind=demand.kind,
        started_at=demand.started_at,
        due_at=found.due_at,
        level=level,
        limit=limit_in_words(limit.limit),
        arithmetic=arithmetic(found, limit.limit, terms=terms, taken=taken),
        when_late=WhenLate.NONE if silent else limit.when_late,
        playbook=PlaybookRef(version=playbook.version, digest=playbook.digest),
        order_id=issued.order_id if issued else None,
        order_role=issued.role if issued else None,
        target=target,
        order=issued,
    )
    warnings = tuple(
        Warned(fraction=fraction, at=_at_fraction(demand, limit.limit, fraction, terms, taken))
        for fraction in (() if silent else limit.warn_at)
    )
    return RunningClock(case_id=demand.case_id, shown=shown, warnings=warnings, above=above, silent=silent)


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
