"""The clock that a limit makes: its end, its warnings, who answers and who is above."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from msgspec.structs import replace

from services.escalation.domain.chain import Above, RunningClock, Warned
from services.escalation.domain.clocks import Demand
from services.escalation.domain.deadline import Deadline, Terms, after, span
from services.escalation.domain.fitting import limit_for
from services.escalation.domain.planning import Ground, plan
from services.escalation.domain.recent import Recent
from services.escalation.domain.running import left_after, moved
from services.escalation.domain.words import BY_DATE, arithmetic, by_date, limit_in_words
from shared.events import sla
from shared.events.parts import PlaybookRef, Target
from shared.playbook.above import desk_above
from shared.playbook.model import Area, ClockLimit, LimitUnit, Playbook
from shared.vocabulary import ClockKind, Level, Purpose, TargetKind, WhenLate, level_of


def start(demand: Demand, playbook: Playbook) -> RunningClock | None:
    """The clock that ``demand`` starts under ``playbook``; None where the playbook sets no limit.

    Deadline, warnings and who is above are settled here: a running clock keeps them, whatever mode is entered
    afterwards (docs/decisions/0014), until something of its own case moves it (docs/decisions/0023). A canary's
    clock runs and stops, and says nothing to anybody in between.

    Raises:
        UnknownYear: when its limit runs into a year without a calendar.
    """
    limit = limit_for(playbook, demand.kind, demand.traits, order=demand.order.order if demand.order else None)
    if limit is None:
        return None
    answers = _answers(demand, playbook)
    terms = Terms.of(playbook, *answers)
    clock = _begun(demand, limit, playbook, answers=answers, terms=terms)
    for move in demand.moves:
        clock = moved(clock, move, terms=terms)
    if demand.renamed_at is None:
        return clock
    return replace(
        clock,
        warnings_passed=_said_before(clock, demand.renamed_at),
        steps_taken=_taken_before(clock, demand.renamed_at),
    )


def _begun(
    demand: Demand, limit: ClockLimit, playbook: Playbook, *, answers: tuple[Target, Level], terms: Terms
) -> RunningClock:
    """The clock at its start, before anything held it."""
    issued = demand.order.order if demand.order else None
    run = _run(demand, limit, terms)
    found = run.found
    target, level = answers
    silent = demand.traits.purpose is Purpose.CANARY
    # A default that the playbook knows nothing of may name none, and a canary takes no steps.
    chain = None if silent or limit.chain is None else playbook.chains.get(limit.chain)
    line = _line(demand.traits.area, playbook, target, level, most=1 if chain is None else len(Level))
    ground = Ground(started_at=demand.started_at, found=found, whole=run.whole, unit=run.unit, terms=terms)
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
        chain=None if chain is None else chain.id,
    )
    warnings = tuple(
        Warned(fraction=fraction, at=_at_fraction(demand, fraction, run, terms))
        for fraction in (() if silent else limit.warn_at)
    )
    return RunningClock(
        case_id=demand.case_id,
        shown=shown,
        warnings=warnings,
        above=line[0] if line else None,
        higher=line[1:],
        silent=silent,
        unit=run.unit,
        amount=run.whole,
        chain=chain,
        steps=() if chain is None else plan(chain, ground),
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


def _said_before(clock: RunningClock, renamed_at: datetime) -> int:
    """Warnings that are not said: those before the case was named anew, and what an extension has passed."""
    return max(clock.warnings_passed, sum(1 for warning in clock.warnings if warning.at <= renamed_at))


def _taken_before(clock: RunningClock, renamed_at: datetime) -> int:
    """Steps that are not taken: those of a deadline still ahead that came before the case was named anew."""
    until = min(renamed_at, clock.shown.due_at)
    return max(clock.steps_taken, sum(1 for one in clock.steps if one.at <= until and one.at < clock.shown.due_at))


def _answers(demand: Demand, playbook: Playbook) -> tuple[Target, Level]:
    """Who has to act: the target of the order or supervision, or else a desk."""
    if demand.target is not None:
        return demand.target, _level_of(demand.target, playbook)
    if demand.order is None:
        desk = _desk(playbook, demand.traits.area, demand.level or level_of(demand.traits.area))
        return desk, level_of(desk.id)
    order = demand.order.order
    if demand.kind is ClockKind.VERIFY:
        desk = _desk(playbook, demand.traits.area, order.level)
        return desk, level_of(desk.id)
    return order.target, order.level


def _level_of(target: Target, playbook: Playbook) -> Level:
    if target.kind is TargetKind.DESK:
        return level_of(target.id)
    department = playbook.departments.get(target.id)
    return Level.COUNTY if department is None else department.level


def _line(area: str, playbook: Playbook, target: Target, level: Level, *, most: int) -> tuple[Above, ...]:
    """Who takes hold when ``target`` is late, the nearest desk first, up to the county's or to so many."""
    asked = (area, target.kind, target.id, level, most)
    return _LINES.of(playbook, asked, lambda: tuple(islice(_desks_above(playbook, target, level, area), most)))


def _desks_above(playbook: Playbook, target: Target, level: Level, area: str) -> Iterator[Above]:
    above = desk_above(playbook, target, level=level, area=area)
    while above is not None:
        desk = _desk_of(playbook, above)
        yield Above(target=desk, level=above.level)
        above = desk_above(playbook, desk, level=above.level, area=area)


def _desk(playbook: Playbook, area: str, level: Level) -> Target:
    return _DESKS_OF.of(playbook, (area, level), lambda: _desk_of(playbook, playbook.desk_area(area, at_least=level)))


def _desk_of(playbook: Playbook, area: Area) -> Target:
    code = area.code
    return _DESKS.of(playbook, code, lambda: Target(kind=TargetKind.DESK, id=code, name=playbook.desk_name(code).zh))


_DESKS: Final = Recent[Target]()
_DESKS_OF: Final = Recent[Target]()
_LINES: Final = Recent[tuple[Above, ...]]()
