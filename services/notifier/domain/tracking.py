"""Following a report by its code: which case it is part of, and what whoever reported may read of it.

The code itself never comes here: events carry its digest (``shared/tracking.py``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum, unique
from typing import TYPE_CHECKING, Final
from uuid import UUID

from services.notifier.domain.clocks import most_pressing
from services.notifier.domain.public_words import public_words
from services.notifier.domain.words import CODES, Names, office_words
from shared.events.case import CaseEvent, CaseOpened, CaseReportJoined, CaseReportSplit
from shared.events.envelope import Event
from shared.vocabulary import CaseState, ClockKind, Level
from shared.words import CLOCKS, Words

if TYPE_CHECKING:
    from services.notifier.domain.fold import CaseRead, Told


@unique
class How(StrEnum):
    """How a report came to be part of a case."""

    OPENED = "opened"
    JOINED = "joined"
    SPLIT = "split"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """From ``since`` on the report behind the code with ``digest`` is part of ``case_id``."""

    digest: str
    event_id: UUID
    case_id: UUID
    report_id: UUID
    how: How
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step as the public reads it. ``note`` was written for the reporter; ``office`` acts, ``level`` has the case.

    ``yours`` marks the step that is about the reader's own report.
    """

    event_id: UUID
    at: datetime
    state: CaseState
    words: Words
    level: Level
    office: Words | None = None
    note: str = ""
    yours: bool = False
    of_report: How | None = None
    """Set where the step is about one report alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The next limit that somebody must keep."""

    words: Words
    due_at: datetime


def link_of(event: Event[Told]) -> Link | None:
    """What ``event`` says of a code, if anything."""
    match event.data:
        case CaseOpened(tracking=digest, case=view, report_id=report_id) if digest is not None:
            case_id, how = view.case_id, How.OPENED
        case CaseReportJoined(tracking=digest, case=view, report_id=report_id) if digest is not None:
            case_id, how = view.case_id, How.JOINED
        case CaseReportSplit(tracking=digest, to_case=to_case, report_id=report_id) if digest is not None:
            case_id, how = to_case, How.SPLIT
        case _:
            return None
    return Link(digest=digest, event_id=event.id, case_id=case_id, report_id=report_id, how=how, since=event.time)


def step_of(event: Event[Told], names: Names = CODES) -> Step | None:
    """The step that the public reads of ``event``; None when it is told nothing of it."""
    data = event.data
    if not isinstance(data, CaseEvent):
        return None
    said = public_words(data, names)
    if said is None:
        return None
    target = getattr(data, "target", None)
    return Step(
        event_id=event.id,
        at=event.time,
        state=data.case.state,
        words=said[0],
        level=data.case.level,
        office=None if target is None else office_words(target, data.case.area, names),
        note=said[1],
        of_report=_OF_REPORT.get(type(data)),
    )


_OF_REPORT: Final[Mapping[type[CaseEvent], How]] = {
    CaseOpened: How.OPENED,
    CaseReportJoined: How.JOINED,
    CaseReportSplit: How.SPLIT,
}


def path(links: Iterable[Link]) -> tuple[Link, ...]:
    """The links of one code in their order; of one case only the first counts.

    A report that was split off has two links to its new case: the split's, and the opening's.
    """
    ordered = sorted(links, key=lambda link: (link.since, link.how is How.OPENED, str(link.event_id)))
    kept: list[Link] = []
    for link in ordered:
        if not kept or kept[-1].case_id != link.case_id:
            kept.append(link)
    return tuple(kept)


def told_to(links: Sequence[Link], steps: Sequence[Sequence[Step]], *, own: Collection[UUID]) -> tuple[Step, ...]:
    """The steps of a report that went the way of ``links``; ``steps`` are those of each of their cases.

    ``own`` are the events that are about this very report. Of a case that it left, what happened while it was part
    of it; of the one that it is part of now, all: what was done before for the neighbours is what whoever joined
    wants to know. Another's leaving is told to nobody.
    """
    told: list[Step] = []
    for number, (link, of_case) in enumerate(zip(links, steps, strict=True)):
        until = links[number + 1].since if number + 1 < len(links) else None
        told.extend(step for step in of_case if until is None or link.since <= step.at <= until)
    mine = (_own(step) if step.event_id in own else step for step in told)
    return tuple(
        sorted((step for step in mine if step.yours or step.of_report is not How.SPLIT), key=lambda step: step.at)
    )


_OWN: Final[Mapping[How, Words]] = {
    How.JOINED: Words(
        zh="您的反映与他人反映的是同一事项，已并入一并办理", en="Others reported the same: yours is handled with theirs"
    ),
    How.SPLIT: Words(zh="您的反映是另一事项，已另案办理", en="Yours is a matter of its own: it goes on by itself"),
}


def _own(step: Step) -> Step:
    words = step.words if step.of_report is None else _OWN.get(step.of_report, step.words)
    return replace(step, yours=True, words=words)


def due(read: CaseRead) -> Due | None:
    """The next limit of the case that runs; the office's own handling limit before any other.

    By when an instruction from above is to be answered is the offices' own matter.
    """
    running = [one for one in read.running if not read.stands_still(one) and one.clock.kind is not ClockKind.SUPERVISE]
    handling = [one for one in running if one.clock.kind is ClockKind.HANDLE]
    found = most_pressing(handling) or most_pressing(running)
    return None if found is None else Due(words=CLOCKS[found.clock.kind], due_at=found.clock.due_at)


def closed_at(steps: Iterable[Step]) -> datetime | None:
    """When the case was closed, of the ``steps`` of it in their order; None when it is not."""
    at: datetime | None = None
    for step in steps:
        at = (at or step.at) if step.state is CaseState.CLOSED else None
    return at
