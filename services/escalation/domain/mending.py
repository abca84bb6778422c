"""A case's clocks as its facts demand them, beside those that are stored: what a repair writes.

What a clock has said stays said: a breach is never undone, and nothing is said twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from msgspec.structs import replace

from services.escalation.domain.audit import Books, StoredClock, caught_up, counted, in_order
from services.escalation.domain.chain import SOURCE, Planned, RunningClock, Warned
from services.escalation.domain.clocks import Demand, Stop, demanded
from services.escalation.domain.facts import Fact, Facts
from services.escalation.domain.lateness import stopped_late
from services.escalation.domain.limits import start
from shared.events import sla
from shared.events.envelope import Event, derive_id
from shared.events.parts import CaseView
from shared.playbook.model import Playbook, UnknownYear


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A warning that was said, by its fraction, or a step that was taken, by its own instant; and when."""

    fired_at: datetime
    fraction: float | None = None
    planned_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What a clock has said, and when it said that it was late; None where it has not."""

    words: tuple[Word, ...] = ()
    breached_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """A clock as it is to stand, where that is not how it is stored; ``before`` is None where it was not."""

    before: StoredClock | None
    clock: RunningClock
    stop: Stop | None
    breached_at: datetime | None
    is_late_untold: bool = False

    @property
    def is_told(self) -> bool:
        """Whether readers must hear of it by an event of the repair's own: its start and its stop tell themselves."""
        was = self.before
        if was is None or was.clock is None or self.stop is not None:
            return False
        return was.stop is not None or was.clock.shown.due_at != self.clock.shown.due_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Mending:
    """All that a repair changes in the clocks of a case; ``waiting`` says what cannot be reckoned yet, and why."""

    clocks: tuple[Mended, ...] = ()
    waiting: tuple[str, ...] = ()


Told: TypeAlias = Event[sla.SlaEvent]


def spoken_of(events: Iterable[Told]) -> Mapping[UUID, Spoken]:
    """What each clock has said, also by the step of another that stood for it."""
    said = dict[UUID, Spoken]()
    for event in events:
        match event.data:
            case sla.ClockBreached(fired_at=at):
                _hear(said, (event.data.clock.clock_id,), Spoken(breached_at=at))
            case sla.ClockWarned(fired_at=at, fraction=fraction):
                _hear(said, (event.data.clock.clock_id,), Spoken(words=(Word(fired_at=at, fraction=fraction),)))
            case sla.ClockStepped(fired_at=at, planned_at=planned, covers=covers):
                told = Spoken(words=(Word(fired_at=at, planned_at=planned),))
                _hear(said, (event.data.clock.clock_id, *covers), told)
            case _:
                continue
    return said


def _hear(said: dict[UUID, Spoken], clock_ids: Iterable[UUID], new: Spoken) -> None:
    for clock_id in clock_ids:
        old = said.get(clock_id, Spoken())
        breaches = [at for at in (old.breached_at, new.breached_at) if at is not None]
        said[clock_id] = Spoken(words=(*old.words, *new.words), breached_at=min(breaches, default=None))


def mend(
    facts: Facts, rows: Mapping[UUID, StoredClock], said: Mapping[UUID, Spoken], books: Books, *, now: datetime
) -> Mending:
    """What must be written so that the clocks stand as ``facts`` demand; nothing where they do.

    A clock of a playbook that is no longer in force keeps what it was started with. One that nothing demands is
    called off at ``now``.
    """
    work = _Work(rows=rows, said=said, books=books)
    demands = demanded(facts)
    for demand in demands:
        work.settle(demand)
    known = {demand.clock_id for demand in demands}
    for clock_id, row in rows.items():
        if clock_id not in known:
            work.call_off(row, now)
    return Mending(clocks=tuple(work.clocks), waiting=tuple(work.waiting))


def announce_repair(mended: Mended, repair_id: UUID, *, view: CaseView, now: datetime) -> Told:
    """The event that says until when a clock runs from now on, by the repair's word."""
    clock = mended.clock
    before = clock.shown.due_at if mended.before is None else mended.before.due_at
    data = sla.ClockMoved(case=view, clock=clock.told, before=before, why=sla.Moved.REPAIRED, moved_at=now)
    return Event(
        id=derive_id(clock.shown.clock_id, f"repaired:{repair_id}"),
        source=SOURCE,
        subject=str(view.case_id),
        time=now,
        sequence=view.version,
        data=data,
    )


@dataclass(slots=True, kw_only=True)
class _Work:
    rows: Mapping[UUID, StoredClock]
    said: Mapping[UUID, Spoken]
    books: Books
    clocks: list[Mended] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)

    def settle(self, demand: Demand) -> None:
        row, playbook = self.rows.get(demand.clock_id), self.books(demand.traits.area)
        if playbook is None:
            self.waiting.append(f"{demand.kind}: no playbook is in force for {demand.traits.area}")
            return
        try:
            clock = _clock(demand, row, playbook)
        except UnknownYear as error:
            self.waiting.append(f"{demand.kind}: {error}")
            return
        if clock is not None:
            self._keep(row, clock, demand.stop)

    def call_off(self, row: StoredClock, now: datetime) -> None:
        if row.clock is None or (row.stop is not None and row.stop.by is Fact.REPAIRED):
            return
        self._keep(row, row.clock, Stop(at=now, outcome=sla.Outcome.CANCELLED, by=Fact.REPAIRED))

    def _keep(self, row: StoredClock | None, clock: RunningClock, stop: Stop | None) -> None:
        said = self.said.get(clock.shown.clock_id)
        clock = as_said(clock, said)
        stored = None if row is None else row.breached_at
        breached_at = stored or (said.breached_at if said is not None else None)
        late = stop is not None and breached_at is None and stopped_late(clock, stop)
        if stop is not None and late:
            # Whatever stopped it came when its limit was over, and nobody has been told.
            clock, breached_at = replace(clock, breached=True), stop.at
        if row is None or not _stands(row, clock, stop):
            self.clocks.append(Mended(before=row, clock=clock, stop=stop, breached_at=breached_at, is_late_untold=late))


def _stands(row: StoredClock, clock: RunningClock, stop: Stop | None) -> bool:
    if row.stop != stop or row.clock is None:
        return False
    # What a stopped clock counted, nobody asks any more; that it was late, everybody.
    if stop is not None:
        return row.clock.breached == clock.breached
    return row.clock == clock and in_order(row, clock)


def _clock(demand: Demand, row: StoredClock | None, playbook: Playbook) -> RunningClock | None:
    """The clock as its limit and its moves make it; None where the playbook sets no limit."""
    if row is None or row.clock is None:
        clock = start(demand, playbook)
        late = row is not None and row.breached_at is not None
        return replace(clock, breached=True) if clock is not None and late else clock
    clock = row.clock
    if row.stop is not None and demand.stop is not None:
        return clock
    if not clock.breached and clock.shown.playbook.digest == playbook.digest:
        right = start(demand, playbook)
        if right is not None and (counted(right), right.moves) != (counted(clock), clock.moves):
            return right
    return caught_up(clock, demand, playbook) or clock


def as_said(clock: RunningClock, said: Spoken | None) -> RunningClock:
    """``clock`` with what it has said behind it: by instants of its own, so that nothing between is lost.

    What comes first is said first, or stood for by what came after it. A late clock warns no more.
    """
    if said is None:
        return clock
    late = said.breached_at
    heard = [(word.fired_at, _instant(clock, word)) for word in said.words]
    warned = [at for fired_at, at in heard if at is not None and (late is None or fired_at < late)]
    stepped = [at for _, at in heard if at is not None]
    return replace(
        clock,
        warnings_passed=max(clock.warnings_passed, _until(clock.warnings, warned)),
        steps_taken=max(clock.steps_taken, _until(clock.steps, stepped)),
        breached=clock.breached or late is not None,
    )


def _instant(clock: RunningClock, word: Word) -> datetime | None:
    """Where on the clock a word stands; None where it no longer has such a threshold."""
    if word.planned_at is not None:
        return word.planned_at
    found = (one.at for one in clock.warnings if one.fraction == word.fraction and one.at <= word.fired_at)
    return next(found, None)


def _until(planned: Iterable[Warned | Planned], instants: Sequence[datetime]) -> int:
    last = max(instants, default=None)
    return sum(1 for one in planned if last is not None and one.at <= last)
