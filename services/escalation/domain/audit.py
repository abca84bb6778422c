"""Do the clocks of a case stand as its facts demand? Every difference, with what is there and what should be.

The auditor looks by this, and a repair shows by it what it changes. Nothing here mends anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, unique
from typing import Final, TypeAlias
from uuid import UUID

from services.escalation.domain.chain import RunningClock
from services.escalation.domain.clocks import Demand, Stop, demanded
from services.escalation.domain.deadline import Terms
from services.escalation.domain.facts import Fact, Facts
from services.escalation.domain.fitting import DEFAULTS, limit_for
from services.escalation.domain.limits import start
from services.escalation.domain.running import moved
from shared.playbook.model import Playbook, UnknownYear
from shared.vocabulary import CASE_ENDED

Books: TypeAlias = Callable[[str], Playbook | None]
"""The playbook in force for an area; None when none has been seen."""


@unique
class Kind(StrEnum):
    """How a stored clock differs from what the facts of its case demand."""

    FACTS = "facts"
    """Clocks without readable facts of their case: they can never fire."""
    MISSING = "missing"
    UNSTOPPED = "unstopped"
    """It runs, and must have stopped."""
    STOPPED = "stopped"
    """It has stopped, and must run."""
    STOP = "stop"
    """It stopped at another instant, or otherwise, than the facts say."""
    DUE = "due"
    """It runs to another deadline, or with other warnings, than its limit and its moves give."""
    MOVES = "moves"
    """What held it, let it go on or put it off is not what the facts say."""
    ROW = "row"
    """Its columns are not those of the clock that it holds: it would speak at the wrong instant, or never."""
    UNKNOWN = "unknown"
    """No fact demands it."""


@unique
class Standing(StrEnum):
    """What an open case has of clocks."""

    RUNNING = "running"
    HELD = "held"
    UNLIMITED = "unlimited"
    """Nothing that it waits for is limited by its playbook."""
    WAITING = "waiting"
    """Its playbook, or the calendar of a year, is not here yet."""
    LATER = "later"
    """A playbook that came after its last fact limits it; its next fact starts the clock."""
    NONE = "none"
    """It must have a running clock and has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredClock:
    """A row of clocks: what it holds, with what it has said, and its columns beside it.

    ``clock`` is None where nobody can read what the row holds, and ``unreadable`` says why.
    """

    clock_id: UUID
    clock: RunningClock | None
    kind: str
    stop: Stop | None
    moves: int
    due_at: datetime
    held_at: datetime | None
    next_at: datetime | None
    breached_at: datetime | None
    unreadable: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One difference: what is ``stored`` and what is ``demanded``, in words of instants and states."""

    kind: Kind
    case_id: UUID
    stored: str
    demanded: str
    clock_id: UUID | None = None
    clock: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """One case looked at; ``standing`` is None for one that has ended."""

    findings: tuple[Finding, ...]
    standing: Standing | None


def audit(facts: Facts, rows: Mapping[UUID, StoredClock], books: Books) -> Audited:
    """Compare every clock that ``facts`` demand with its row, and every row with what is demanded."""
    look = _Look(case_id=facts.view.case_id, rows=rows, books=books, told_by=facts.view.playbook.digest)
    demands = demanded(facts)
    for demand in demands:
        look.at(demand)
    known = {demand.clock_id for demand in demands}
    look.findings.extend(_unknown(facts.view.case_id, row) for row in rows.values() if _stray(row, known))
    ended = facts.view.state in CASE_ENDED
    return Audited(findings=tuple(look.findings), standing=None if ended else look.standing(known))


def without_facts(case_id: UUID, rows: Mapping[UUID, StoredClock], why: str) -> Finding:
    """The finding on clocks whose case has no facts that can be read."""
    running = sum(1 for row in rows.values() if row.stop is None)
    return Finding(
        kind=Kind.FACTS, case_id=case_id, stored=f"{len(rows)} clocks, {running} of them running; {why}", demanded=""
    )


@dataclass(slots=True, kw_only=True)
class _Look:
    """One case while it is looked at; ``told_by`` is the digest of the playbook that its newest event names."""

    case_id: UUID
    rows: Mapping[UUID, StoredClock]
    books: Books
    told_by: str
    findings: list[Finding] = field(default_factory=list)
    waiting: bool = False
    later: bool = False

    def at(self, demand: Demand) -> None:
        row, playbook = self.rows.get(demand.clock_id), self.books(demand.traits.area)
        try:
            self.findings.extend(self._absent(demand, playbook) if row is None else self._row(demand, row, playbook))
        except UnknownYear:
            self.waiting = True

    def standing(self, known: set[UUID]) -> Standing:
        """What the open case has; the best that any of its clocks can say."""
        running = [row for row in self.rows.values() if row.stop is None and row.clock_id in known]
        if any(row.held_at is None for row in running):
            return Standing.RUNNING
        if running:
            return Standing.HELD
        if any(finding.kind in (Kind.MISSING, Kind.STOPPED) for finding in self.findings):
            return Standing.NONE
        if self.waiting:
            return Standing.WAITING
        return Standing.LATER if self.later else Standing.UNLIMITED

    def _absent(self, demand: Demand, playbook: Playbook | None) -> Iterator[Finding]:
        if playbook is None:
            self.waiting = True
            return
        limit = limit_for(
            playbook, demand.kind, demand.traits, order=demand.order.order if demand.order is not None else None
        )
        if limit is None:
            return
        clock = start(demand, playbook)
        if clock is None:
            return
        if self._limited_later(demand, playbook):
            self.later = self.later or demand.stop is None
            return
        yield self._found(Kind.MISSING, demand, stored="", should=_state(demand.stop, clock))

    def _limited_later(self, demand: Demand, playbook: Playbook) -> bool:
        # A fold settles all clocks of its case by the playbook then in force. So where the case's newest event, or
        # any of its clocks begun since, names the playbook of now, this clock was settled by it; else nobody knows.
        if demand.kind in DEFAULTS or self.told_by == playbook.digest:
            return False
        return not any(
            row.clock.shown.playbook.digest == playbook.digest and row.clock.shown.started_at >= demand.started_at
            for row in self.rows.values()
            if row.clock is not None
        )

    def _row(self, demand: Demand, row: StoredClock, playbook: Playbook | None) -> Iterator[Finding]:
        if row.stop != demand.stop:
            yield self._found(
                _stop_kind(row, demand), demand, stored=_stop_words(row.stop), should=_stop_words(demand.stop)
            )
        if row.stop is not None or demand.stop is not None:
            # What a clock that has stopped counted, nobody asks any more.
            return
        if row.clock is None or not in_order(row, row.clock):
            words = ("unreadable: " + row.unreadable, "a clock") if row.clock is None else _column_words(row, row.clock)
            yield self._found(Kind.ROW, demand, stored=words[0], should=words[1])
            return
        if playbook is None:
            self.waiting = True
            return
        yield from self._reckoned(demand, row.clock, playbook)

    def _reckoned(self, demand: Demand, clock: RunningClock, playbook: Playbook) -> Iterator[Finding]:
        if clock.moves != len(demand.moves):
            right = caught_up(clock, demand, playbook)
            due = "" if right is None else f", due {right.shown.due_at.isoformat()}"
            stored = f"{clock.moves} moves, due {clock.shown.due_at.isoformat()}"
            yield self._found(Kind.MOVES, demand, stored=stored, should=f"{len(demand.moves)} moves{due}")
            return
        # What an earlier playbook made of it cannot be reckoned again; a late clock is moved by nothing.
        if clock.breached or clock.shown.playbook.digest != playbook.digest:
            return
        right = start(demand, playbook)
        if right is not None and counted(right) != counted(clock):
            yield self._found(Kind.DUE, demand, stored=_due_words(clock), should=_due_words(right))

    def _found(self, kind: Kind, demand: Demand, *, stored: str, should: str) -> Finding:
        return Finding(
            kind=kind,
            case_id=self.case_id,
            stored=stored or "nothing",
            demanded=should,
            clock_id=demand.clock_id,
            clock=str(demand.kind),
        )


def caught_up(clock: RunningClock, demand: Demand, playbook: Playbook) -> RunningClock | None:
    """``clock`` with the moves that it lacks; None where it has more than the facts know of.

    Raises:
        UnknownYear: when its rest runs into a year without a calendar.
    """
    if clock.moves > len(demand.moves):
        return None
    terms = Terms.of(playbook, clock.shown.target, clock.shown.level)
    for move in demand.moves[clock.moves :]:
        clock = moved(clock, move, terms=terms)
    return clock


Counted: TypeAlias = tuple[object, ...]


def counted(clock: RunningClock) -> Counted:
    """What limit and moves make of a clock, without what it has said since.

    The steps of one that was put off depend on which of them were taken by then, and are left out.
    """
    shown, steps = clock.shown, () if clock.extended else (clock.chain, clock.steps)
    who = (clock.above, clock.higher, shown.when_late, clock.silent)
    return (shown.due_at, clock.unit, clock.amount, clock.still, clock.warnings, *who, *steps)


def in_order(row: StoredClock, clock: RunningClock) -> bool:
    """Whether a row's columns are those of the clock that it holds."""
    return _columns(row) == (clock.shown.due_at, _since(clock), clock.moves, clock.next_at)


def _columns(row: StoredClock) -> Counted:
    return (row.due_at, row.held_at, row.moves, row.next_at)


def _since(clock: RunningClock) -> datetime | None:
    return clock.still.since if clock.still is not None else None


def _stray(row: StoredClock, known: set[UUID]) -> bool:
    return row.clock_id not in known and (row.stop is None or row.stop.by is not Fact.REPAIRED)


def _unknown(case_id: UUID, row: StoredClock) -> Finding:
    stored = f"{_stop_words(row.stop)}, due {row.due_at.isoformat()}"
    return Finding(
        kind=Kind.UNKNOWN, case_id=case_id, stored=stored, demanded="nothing", clock_id=row.clock_id, clock=row.kind
    )


_STOPS: Final = {(True, False): Kind.UNSTOPPED, (False, True): Kind.STOPPED}


def _stop_kind(row: StoredClock, demand: Demand) -> Kind:
    return _STOPS.get((row.stop is None, demand.stop is None), Kind.STOP)


def _stop_words(stop: Stop | None) -> str:
    return "running" if stop is None else f"{stop.outcome} {stop.at.isoformat()} by {stop.by}"


def _state(stop: Stop | None, clock: RunningClock) -> str:
    return f"{_stop_words(stop)}, due {clock.shown.due_at.isoformat()}"


def _due_words(clock: RunningClock) -> str:
    warned = "".join(f", warns {one.fraction:g} at {one.at.isoformat()}" for one in clock.warnings)
    held = "" if clock.still is None else f", held since {clock.still.since.isoformat()} with {clock.still.left} left"
    return f"due {clock.shown.due_at.isoformat()}{held}{warned}"


def _column_words(row: StoredClock, clock: RunningClock) -> tuple[str, str]:
    names = ("due_at", "held_at", "moves", "next_at")
    right = (clock.shown.due_at, _since(clock), clock.moves, clock.next_at)
    wrong = [
        (name, is_, should) for name, is_, should in zip(names, _columns(row), right, strict=True) if is_ != should
    ]
    return ", ".join(f"{n} {_said(i)}" for n, i, _ in wrong), ", ".join(f"{n} {_said(s)}" for n, _, s in wrong)


def _said(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else "none" if value is None else str(value)
