"""What an event becomes for readers: its facets, its place in the feed, and the thin body of a webhook."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from services.notifier.domain.audience import Facets
from services.notifier.domain.circular import Circular, circular_of
from services.notifier.domain.concern import concerned
from services.notifier.domain.fold import CaseRead, Told
from services.notifier.domain.summary import CaseSummary, summarise
from services.notifier.domain.timeline import Entry, entry_of, rank_of
from services.notifier.domain.tracking import Link, Step, link_of, step_of
from services.notifier.domain.words import CODES, Names
from shared.events.case import CaseEscalated, CaseRouted
from shared.events.envelope import Event, derive_id
from shared.events.order import OrderIssued, OrderWithdrawn
from shared.events.parts import Target
from shared.events.sla import (
    ClockBreached,
    ClockEscalated,
    ClockMoved,
    ClockStarted,
    ClockStepped,
    ClockStopped,
    ClockWarned,
)
from shared.vocabulary import CaseState, ChainAction, Level, Severity, TargetKind, level_of

DELIVERY_STEP: Final = "delivery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One event made ready for every reader; ``data`` is its payload, ``case`` the case's line after it."""

    event_id: UUID
    type: str
    time: datetime
    sequence: int
    traceparent: str | None
    facets: Facets
    case: CaseSummary
    data: Told
    entry: Entry
    rank: int
    step: Step | None = None
    """What the public is told of it."""
    link: Link | None = None
    circular: Circular | None = None
    """What the whole county hears of it."""


def tell(event: Event[Told], read: CaseRead, names: Names = CODES) -> Telling:
    """Return ``event`` as it is told; ``read`` is the case with the event folded in."""
    data = event.data
    circular = circular_of(data, names)
    return Telling(
        event_id=event.id,
        type=event.type,
        time=event.time,
        sequence=event.sequence,
        traceparent=event.traceparent,
        facets=Facets(
            case_id=data.case.case_id,
            type=event.type,
            area=data.case.area,
            level=_level(data),
            category=data.case.category,
            severity=data.case.severity,
            departments=concerned(read, data),
            purpose=data.case.purpose,
            mode=data.case.mode,
            circular=circular is not None,
        ),
        case=summarise(read),
        data=data,
        entry=entry_of(event, names),
        rank=rank_of(data),
        step=step_of(event, names),
        link=link_of(event),
        circular=circular,
    )


def _level(data: Told) -> Level:
    """The level an event speaks to: the order's, the one a late case moves to, or else the one that has the case."""
    match data:
        case OrderIssued(order=order) | OrderWithdrawn(order=order):
            return order.level
        case CaseRouted(level=level) | CaseEscalated(to_level=level) | ClockEscalated(to_level=level):
            return level
        case (
            ClockStarted(clock=clock)
            | ClockStopped(clock=clock)
            | ClockMoved(clock=clock)
            | ClockWarned(clock=clock)
            | ClockBreached(clock=clock)
        ):
            return clock.level
        case ClockStepped():
            return _level_of_step(data)
        case _:
            return data.case.level


def _level_of_step(data: ClockStepped) -> Level:
    """The highest level of the desks that it tells; a circular speaks to the county."""
    if data.action is ChainAction.CIRCULATE:
        return Level.COUNTY
    desks = [one.target.id for one in (*data.to, *data.copies) if one.target.kind is TargetKind.DESK]
    return max((level_of(area) for area in desks), key=_height, default=data.clock.level)


def _height(level: Level) -> int:
    return -level.digits


@dataclass(frozen=True, slots=True, kw_only=True)
class ThinData:
    """What a webhook says of an event: enough to decide, no free text; the rest is fetched by ``case_id``.

    ``late_seconds`` is there when a limit was missed, or a step of its chain was taken after that. Of a ``circular``
    the case itself is open to those alone whom it concerns: they get the order, too.
    """

    event_id: UUID
    case_id: UUID
    version: int
    state: CaseState
    area: str
    level: Level
    category: str
    severity: Severity
    mode: str
    order_id: UUID | None
    target: Target | None
    late_seconds: float | None = None
    circular: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Thin:
    """The body of a webhook (Standard Webhooks: ``type``, ``timestamp``, ``data``)."""

    type: str
    timestamp: datetime
    data: ThinData


def thin(telling: Telling) -> Thin:
    """Return the webhook body of ``telling``: well under 20 kB, whatever people wrote."""
    return Thin(
        type=telling.type,
        timestamp=telling.time,
        data=ThinData(
            event_id=telling.event_id,
            case_id=telling.facets.case_id,
            version=telling.case.version,
            state=telling.case.state,
            area=telling.facets.area,
            level=telling.facets.level,
            category=telling.facets.category,
            severity=telling.facets.severity,
            mode=telling.facets.mode,
            order_id=telling.entry.order_id,
            target=telling.entry.target,
            late_seconds=_late(telling.data),
            circular=telling.circular is not None,
        ),
    )


def thin_circular(telling: Telling) -> Thin:
    """Return the webhook body of a circular for a subscription that may not see its case."""
    body = thin(telling)
    circular = telling.circular
    if circular is None:
        raise ValueError(f"{telling.type} {telling.event_id} is no circular")
    return replace(body, data=replace(body.data, area=circular.area, order_id=None))


def _late(data: Told) -> float | None:
    match data:
        case ClockBreached(clock=clock, fired_at=at) | ClockStepped(clock=clock, fired_at=at) if at >= clock.due_at:
            return (at - clock.due_at).total_seconds()
        case _:
            return None


def delivery_id(event_id: UUID, subscription_id: UUID) -> UUID:
    """The ``webhook-id`` of an event for a subscription: the same on every repeat and every attempt."""
    return derive_id(event_id, DELIVERY_STEP, str(subscription_id))
