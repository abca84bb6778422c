"""Which limit of a playbook a clock runs by, and the clock that it makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from services.escalation.domain.chain import Above, RunningClock, Warned
from services.escalation.domain.clocks import Demand
from services.escalation.domain.deadline import Deadline, Terms, after, span
from services.escalation.domain.fold import Matter
from services.escalation.domain.running import left_after, moved
from services.escalation.domain.words import BY_DATE, arithmetic, by_date, limit_in_words
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


SUPERVISE_DEFAULT: Final = ClockLimit(
    id="default-supervise",
    kind=ClockKind.SUPERVISE,
    category=None,
    condition=None,
    severity=None,
    limit=Limit(amount=1, unit=LimitUnit.NATURAL_DAY),
    warn_at=(0.8,),
    when_late=WhenLate.OVERSEE,
    source="the default profile, for a playbook that says nothing of supervision; its date is the supervisor's own",
)
DEFAULTS: Final = {ClockKind.SIGN_IN: SIGN_IN_DEFAULT, ClockKind.SUPERVISE: SUPERVISE_DEFAULT}


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

    None when the playbook does not limit this; a sign-in and a supervision are always limited, and so is the
    arrival of whoever was whistled for.
    """
    whistled = order is not None and order.whistle is not None
    profile = None if order is None else order.clock_profile
    fitting = fitting_limits(playbook, kind, matter, profile=profile, whistled=whistled)
    return fitting[0] if fitting else None


def fitting_limits(
    playbook: Playbook, kind: ClockKind, matter: Matter, *, profile: str | None, whistled: bool
) -> tuple[ClockLimit, ...]:
    """Every limit of ``playbook`` that fits, the best first; its default where there is one and nothing fits."""
    line = {category.code: depth for depth, category in enumerate(reversed(playbook.category_line(matter.category)), 1)}
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
        default = DEFAULTS.get(kind)
        default = WHISTLED.get(kind, default) if whistled else default
        return () if default is None else (default,)
    return tuple(sorted(fitting, key=lambda limit: _closeness(limit, line), reverse=True))


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

    Deadline, warnings and who is above are settled here: a running clock keeps them, whatever mode is entered
    afterwards (docs/decisions/0014), until something of its own case moves it (docs/decisions/0023). A canary's
    clock runs and stops, and says nothing to anybody in between.

    Raises:
        UnknownYear: when its limit runs into a year without a calendar.
    """
    limit = limit_for(playbook, demand.kind, demand.matter, order=demand.order.order if demand.order else None)
    if limit is None:
        return None
    answers = _answers(demand, playbook)
    terms = Terms.of(playbook, *answers)
    clock = _begun(demand, limit, playbook, answers=answers, terms=terms)
    for move in demand.moves:
        clock = moved(clock, move, terms=terms)
    return replace(clock, warnings_passed=_said_before(clock, demand))


def _begun(
    demand: Demand, limit: ClockLimit, playbook: Playbook, *, answers: tuple[Target, Level], terms: Terms
) -> RunningClock:
    """The clock at its start, before anything held it."""
    issued = demand.order.order if demand.order else None
    run = _run(demand, limit, terms)
    found = run.found
    target, level = answers
    above = _above(demand, playbook, target, level)
    silent = demand.matter.purpose is Purpose.CANARY
    shown = sla.Clock(
        clock_id=demand.clock_id,
        kind=demand.kind,
        started_at=demand.started_at,
        due_at=found.due_at,
        level=level,
        limit=BY_DATE if demand.due_at is not None else limit_in_words(limit.limit),
        arithmetic=run.arithmetic,
        when_late=WhenLate.NONE if silent else limit.when_late,
        playbook=PlaybookRef(version=playbook.version, digest=playbook.digest),
        order_id=issued.order_id if issued else None,
        order_role=issued.role if issued else None,
        target=target,
        order=issued,
    )
    warnings = tuple(
        Warned(fraction=fraction, at=_at_fraction(demand, fraction, run, terms))
        for fraction in (() if silent else limit.warn_at)
    )
    return RunningClock(
        case_id=demand.case_id,
        shown=shown,
        warnings=warnings,
        above=above,
        silent=silent,
        unit=run.unit,
        amount=run.whole,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """How long a clock runs from its start, and of what whole limit."""

    found: Deadline
    unit: LimitUnit
    whole: timedelta
    arithmetic: str


def _run(demand: Demand, limit: ClockLimit, terms: Terms) -> _Run:
    start = demand.started_at
    if demand.due_at is not None:
        # Whoever supervises names a date, not a limit.
        whole = max(demand.due_at - start, timedelta())
        found = Deadline(started_at=start, due_at=start + whole, amount=whole)
        words = by_date(found, terms=terms)
        return _Run(found=found, unit=LimitUnit.CONTINUOUS_HOUR, whole=whole, arithmetic=words)
    # A result that was sent back (返工) has what is left of its limit, not a new one.
    unit = limit.limit.unit
    rest = left_after(demand.rounds, span(limit.limit, terms=terms), unit, terms=terms)
    found = after(start, rest.left, unit, terms=terms)
    words = arithmetic(found, limit.limit, terms=terms, taken=rest.whole - rest.left)
    return _Run(found=found, unit=unit, whole=rest.whole, arithmetic=words)


def _at_fraction(demand: Demand, fraction: float, run: _Run, terms: Terms) -> datetime:
    # The fraction is one of the limit, so that half of four working hours is two working hours.
    taken = run.whole - run.found.amount
    return after(demand.started_at, run.whole * fraction - taken, run.unit, terms=terms).due_at


def _said_before(clock: RunningClock, demand: Demand) -> int:
    """Warnings that are not said: those before the case was named anew, and what an extension has passed."""
    if demand.renamed_at is None:
        return clock.warnings_passed
    return max(clock.warnings_passed, sum(1 for warning in clock.warnings if warning.at <= demand.renamed_at))


def _answers(demand: Demand, playbook: Playbook) -> tuple[Target, Level]:
    """Who has to act: the target of the order or supervision, or else a desk."""
    if demand.target is not None:
        return demand.target, _level_of(demand.target, playbook)
    if demand.order is None:
        desk = _desk(playbook, demand.matter.area, level_of(demand.matter.area))
        return desk, level_of(desk.id)
    order = demand.order.order
    if demand.kind is ClockKind.VERIFY:
        desk = _desk(playbook, demand.matter.area, order.level)
        return desk, level_of(desk.id)
    return order.target, order.level


def _level_of(target: Target, playbook: Playbook) -> Level:
    if target.kind is TargetKind.DESK:
        return level_of(target.id)
    department = playbook.departments.get(target.id)
    return Level.COUNTY if department is None else department.level


def _above(demand: Demand, playbook: Playbook, target: Target, level: Level) -> Above | None:
    """Who takes hold when ``target`` is late."""
    area = desk_above(playbook, target, level=level, area=demand.matter.area)
    return None if area is None else Above(target=_desk_of(playbook, area), level=area.level)


def _desk(playbook: Playbook, area: str, level: Level) -> Target:
    return _desk_of(playbook, playbook.desk_area(area, at_least=level))


def _desk_of(playbook: Playbook, area: Area) -> Target:
    return Target(kind=TargetKind.DESK, id=area.code, name=playbook.desk_name(area.code).zh)
