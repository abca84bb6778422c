"""One case in one line: what lists and the live stream show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.notifier.domain.clocks import ClockRead, most_pressing
from services.notifier.domain.fold import CaseRead
from services.notifier.domain.waiting import Waiting, waiting
from shared.events.parts import Held, MatterView, Place, Target
from shared.vocabulary import NORMAL, CaseState, ClockKind, Level, OrderState, Purpose, Severity, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockLine:
    """The most pressing running clock; past ``due_at`` it is late, whether or not it has said so.

    While the case is held it may stand ``still``: then ``left_seconds`` is what it keeps, and it is never late.
    """

    clock_id: UUID
    kind: ClockKind
    started_at: datetime
    due_at: datetime
    limit: str
    level: Level
    target: Target | None
    breached: bool
    still: bool = False
    left_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCount:
    """How many orders stand, and how many of them are signed for."""

    standing: int
    signed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MatterLine:
    """The 一件事 that the case is run as: how many of its steps are done or released, of how many."""

    id: str
    title: str
    done: int
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSummary:
    """One line of a list. ``escalated_to`` is the highest level that a late clock has reached.

    ``purpose`` marks a drill; ``holder`` answers until another lead has signed. ``waits`` says whose word
    the case waits for; ``master`` is the case that it was merged into.
    """

    case_id: UUID
    version: int
    state: CaseState
    county: str
    area: str
    level: Level
    category: str
    severity: Severity
    source: Source
    title: str
    opened_at: datetime
    updated_at: datetime
    lead: Target | None
    orders: OrderCount
    clock: ClockLine | None
    escalated_to: Level | None
    returns: int
    reopened: int
    reports: int
    tags: tuple[str, ...]
    place: Place | None
    purpose: Purpose = Purpose.REAL
    mode: str = NORMAL
    holder: Target | None = None
    matter: MatterLine | None = None
    waits: tuple[Waiting, ...] = ()
    held: Held | None = None
    master: UUID | None = None
    extensions: int = 0
    exempt: bool = False
    mass: bool = False

    @property
    def due_at(self) -> datetime | None:
        """When the case is late; None while nothing that limits it runs."""
        return None if self.clock is None or self.clock.still else self.clock.due_at


def summarise(read: CaseRead) -> CaseSummary:
    """Return the line of ``read``."""
    view = read.view
    standing = [order for order in read.orders.values() if order.stands(view.reopened)]
    running = [one for one in read.running if not read.stands_still(one)]
    pressing = most_pressing(running) or most_pressing(read.running)
    return CaseSummary(
        case_id=view.case_id,
        version=view.version,
        state=view.state,
        county=view.county,
        area=view.area,
        level=view.level,
        category=view.category,
        severity=view.severity,
        source=view.source,
        title=view.title,
        opened_at=view.opened_at,
        updated_at=read.updated_at,
        lead=view.lead,
        orders=OrderCount(
            standing=len(standing), signed=sum(order.state is not OrderState.ISSUED for order in standing)
        ),
        clock=None if pressing is None else _line(pressing, read),
        escalated_to=read.escalated_to,
        returns=len(view.returns),
        reopened=view.reopened,
        reports=view.reports,
        tags=view.tags,
        place=view.place,
        purpose=view.purpose,
        mode=view.mode,
        holder=view.holder,
        matter=None if view.matter is None else _matter(view.matter),
        waits=waiting(read),
        held=view.held,
        master=view.master,
        extensions=view.extensions,
        exempt=view.exempt,
        mass=view.mass,
    )


def _matter(matter: MatterView) -> MatterLine:
    done = sum(step.state in (OrderState.RESOLVED, OrderState.WITHDRAWN) for step in matter.steps)
    return MatterLine(id=matter.id, title=matter.title, done=done, steps=len(matter.steps))


def _line(one: ClockRead, read: CaseRead) -> ClockLine:
    clock, held = one.clock, read.view.held
    still = held is not None and read.stands_still(one)
    return ClockLine(
        clock_id=clock.clock_id,
        kind=clock.kind,
        started_at=clock.started_at,
        due_at=clock.due_at,
        limit=clock.limit,
        level=clock.level,
        target=clock.target,
        breached=one.breached_at is not None,
        still=still,
        left_seconds=(clock.due_at - held.since).total_seconds() if held is not None and still else None,
    )
