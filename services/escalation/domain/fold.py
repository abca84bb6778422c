"""The facts of one case as a set that only grows, so that any order of events gives the same facts.

Order holds within a topic and not between topics: an order's signature can arrive before the order.
So each fact is set once under its own name (a case event under the case's version, an order under
its id) and a repeat changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, TypeAlias
from uuid import UUID

from msgspec.structs import replace

from services.escalation.domain.facts import (
    Begun,
    Fact,
    Facts,
    Issued,
    Longer,
    Recall,
    Renamed,
    Step,
    Supervision,
    Traits,
)
from shared.events.case import (
    CaseArrived,
    CaseClosed,
    CaseEvent,
    CaseExtended,
    CaseFiled,
    CaseHung,
    CaseMerged,
    CaseOpened,
    CaseOrderWithdrawn,
    CasePaused,
    CaseRecategorised,
    CaseRefused,
    CaseRejected,
    CaseReleased,
    CaseReopened,
    CaseReportJoined,
    CaseReportSplit,
    CaseResolved,
    CaseResumed,
    CaseReturned,
    CaseRouted,
    CaseRuled,
    CaseSigned,
    CaseSupervised,
    CaseSupervisionReplied,
    CaseSupervisionSentBack,
    CaseSupervisionSigned,
    CaseVerified,
)
from shared.events.envelope import Event
from shared.events.order import OrderEvent, OrderIssued, OrderWithdrawn
from shared.events.parts import CaseView
from shared.vocabulary import CaseState, OrderRole, Source

MOST_REPORTERS: Final = 8
"""Of so many who reported it is known whether their report still belongs to the case: a mass matter has thousands."""


Folded: TypeAlias = CaseEvent | OrderEvent


def fold(facts: Facts | None, event: Event[Folded]) -> Facts:
    """The facts with ``event`` added; the same for every order of the same events, however often each."""
    # Facts are made anew once for an event, whatever it changes: they have many fields.
    view, by_case = event.data.case, not isinstance(event.data, OrderIssued | OrderWithdrawn)
    if facts is None:
        facts = Facts(view=view, told_by_case=by_case, told=event.sequence if by_case else 0)
    changes: dict[str, Any] = {**_seen(facts, event.sequence, view, by_case=by_case), **_changes(facts, event)}
    return replace(facts, **changes) if changes else facts


def _changes(facts: Facts, event: Event[Folded]) -> Mapping[str, Any]:
    match event.data:
        case OrderIssued(order=order) as told:
            issued = Issued.of(told, answers=event.sequence)
            return {"issued": {order.order_id: issued} | dict(facts.issued)}
        case OrderWithdrawn(order=order):
            recall = Recall(at=event.time, version=event.sequence)
            return {"recalled": {order.order_id: recall} | dict(facts.recalled)}
        case CaseReleased(order=order):
            return _without(facts, order.order_id, event.time)
        case CaseOrderWithdrawn(order_id=order_id):
            # Intake's own word: the order came too late, or another lead stands, and nobody can sign it.
            return _without(facts, order_id, event.time)
        case _:
            step = _step(event.data, event.time)
            if step is None or _beside_the_point(facts, event):
                return {}
            steps = {event.sequence: step} | dict(facts.steps)
            return {"steps": steps, **_beginning(facts, event), **_more(facts, event)}


def _beside_the_point(facts: Facts, event: Event[Folded]) -> bool:
    """Say whether a report that comes or goes changes nothing for those who wait for an answer."""
    match event.data:
        case CaseReportJoined(source=source):
            full = len(facts.reporters) >= MOST_REPORTERS and event.sequence not in facts.reporters
            return source is Source.SENSOR or full
        case CaseReportSplit(report_id=report_id):
            return report_id not in facts.reporters.values()
        case _:
            return False


def _beginning(facts: Facts, event: Event[Folded]) -> Mapping[str, Any]:
    """What the case was about where a clock of its own may begin: a batch may know more of it by then."""
    match event.data:
        case CaseRouted(case=view, level=level):
            begun = Begun(traits=Traits.of(view), level=level)
        case CaseReturned(order_role=role, case=view) if role is OrderRole.LEAD:
            begun = Begun(traits=Traits.of(view))
        case (
            CaseOpened(case=view)
            | CaseFiled(case=view)
            | CaseReopened(case=view)
            | CaseReportJoined(case=view)
            | CaseRejected(case=view)
        ):
            begun = Begun(traits=Traits.of(view))
        case _:
            return {}
    return {"begun": {**facts.begun, event.sequence: begun}}


def _more(facts: Facts, event: Event[Folded]) -> Mapping[str, Any]:
    at = event.sequence
    match event.data:
        case CaseOpened(case=view, report_id=report_id) if view.source is not Source.SENSOR:
            return {"reporters": {**facts.reporters, at: report_id}}
        case CaseReportJoined(report_id=report_id):
            return {"reporters": {**facts.reporters, at: report_id}}
        case CaseReportSplit(report_id=report_id):
            return {"left": {**facts.left, at: report_id}}
        case CaseResolved(reply=reply) if reply is not None:
            return {"answered": tuple(sorted({*facts.answered, at}))}
        case CaseExtended(clock=clock, to=to):
            return {"longer": {**facts.longer, at: Longer(clock=clock, to=to)}}
        case CaseRecategorised(case=view, standing=standing):
            stood = tuple(order.order_id for order in standing)
            return {"renamed": {**facts.renamed, at: Renamed(traits=Traits.of(view), orders=stood)}}
        case CaseSupervised(supervision_id=which, target=target, reply_due_at=due_at):
            told = Supervision(supervision_id=which, target=target, due_at=due_at)
        case CaseSupervisionSentBack(supervision_id=which, reply_due_at=due_at):
            told = Supervision(supervision_id=which, due_at=due_at)
        case CaseSupervisionReplied(supervision_id=which) | CaseSupervisionSigned(supervision_id=which):
            told = Supervision(supervision_id=which)
        case _:
            return {}
    return {"supervised": {**facts.supervised, at: told}}


def _without(facts: Facts, order_id: UUID, at: datetime) -> Mapping[str, Any]:
    return {"withdrawn": {**facts.withdrawn, order_id: min(at, facts.withdrawn.get(order_id, at))}}


def _seen(facts: Facts, version: int, view: CaseView, *, by_case: bool) -> Mapping[str, Any]:
    told = {"told": version} if by_case and facts.told is not None and version > facts.told else {}
    if (view.version, by_case) > (facts.view.version, facts.told_by_case):
        return {"view": view, "told_by_case": by_case, **told}
    return told


def _step(data: CaseEvent, at: datetime) -> Step | None:
    # Not here: what moves no clock, and whoever is called beside the lead.
    fact = _FACTS.get(type(data))
    if fact is None:
        return None
    if isinstance(data, CaseRouted):
        issued_at, role = data.issued_at or at, data.order_role
        led = role is OrderRole.LEAD
        return Step(fact=fact, at=issued_at, order_id=data.order_id, order_role=role) if led else None
    if isinstance(data, CaseOpened) and data.case.state is CaseState.RECEIVED:
        return Step(fact=Fact.RECEIVED, at=at)
    if isinstance(data, CaseRuled):
        return Step(fact=fact, at=at, order_id=None if data.order is None else data.order.order_id)
    return Step(
        fact=fact, at=at, order_id=getattr(data, "order_id", None), order_role=getattr(data, "order_role", None)
    )


_FACTS: Final[Mapping[type[CaseEvent], Fact]] = MappingProxyType(
    {
        CaseOpened: Fact.OPENED,
        CaseSigned: Fact.SIGNED,
        CaseArrived: Fact.ARRIVED,
        CaseResolved: Fact.RESOLVED,
        CaseReturned: Fact.RETURNED,
        CaseRuled: Fact.RULED,
        CaseRejected: Fact.REJECTED,
        CaseVerified: Fact.VERIFIED,
        CaseClosed: Fact.CLOSED,
        CaseReopened: Fact.REOPENED,
        CaseFiled: Fact.FILED,
        CaseRefused: Fact.REFUSED,
        CaseMerged: Fact.MERGED,
        CasePaused: Fact.PAUSED,
        CaseHung: Fact.HUNG,
        CaseResumed: Fact.RESUMED,
        CaseExtended: Fact.EXTENDED,
        CaseRecategorised: Fact.RECATEGORISED,
        CaseSupervised: Fact.SUPERVISED,
        CaseSupervisionReplied: Fact.REPLIED,
        CaseSupervisionSigned: Fact.SIGNED_OFF,
        CaseSupervisionSentBack: Fact.SENT_BACK,
        CaseRouted: Fact.ROUTED,
        CaseReportJoined: Fact.JOINED,
        CaseReportSplit: Fact.SPLIT,
    }
)
