"""Cases to route, and rulebooks without a shelf."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from services.router.domain.rulebook import Rulebook
from shared.events.case import CaseEvent, CaseOpened, CaseReopened, CaseReturned
from shared.events.codec import encode
from shared.events.envelope import WHISTLE, Event
from shared.events.parts import Actor, CaseView, PlaybookRef, Return, Target
from shared.events.sla import Clock, ClockEscalated, SlaEvent
from shared.runtime.delivery import Record
from shared.vocabulary import (
    ActorKind,
    CaseState,
    ClockKind,
    Level,
    OrderRole,
    Refused,
    Severity,
    Source,
    TargetKind,
    WhenLate,
    level_of,
)

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
SYSTEM = Actor(kind=ActorKind.SYSTEM, id="intake")
OLD_PLAYBOOK = PlaybookRef(version="0", digest="0" * 64)


def a_case(area: str = "990101101200", category: str = "05.001", **changes: Any) -> CaseView:
    """A case of a village of 云溪镇; every field can be another."""
    fields: dict[str, Any] = {
        "case_id": uuid5(WHISTLE, f"{area} {category}"),
        "version": 1,
        "state": CaseState.OPENED,
        "county": area[:6],
        "area": area,
        "level": level_of(area),
        "category": category,
        "severity": Severity.IV,
        "source": Source.HOTLINE,
        "title": "一件事",
        "opened_at": NOW,
        "playbook": OLD_PLAYBOOK,
    }
    return CaseView(**(fields | changes))


def desk(area: str) -> Target:
    return Target(kind=TargetKind.DESK, id=area)


def department(name: str) -> Target:
    return Target(kind=TargetKind.DEPARTMENT, id=name)


def opened(case: CaseView, text: str = "一件事") -> CaseOpened:
    return CaseOpened(case=case, by=SYSTEM, report_id=case.case_id, text=text, area_why="", category_why="")


def reopened(case: CaseView) -> CaseReopened:
    return CaseReopened(case=case, by=SYSTEM, reason="没有解决")


def returned(case: CaseView, *by: Target, role: OrderRole = OrderRole.LEAD) -> CaseReturned:
    """The case given back by each of `by`, the last of them now."""
    returns = tuple(Return(order_id=order_of(target), target=target, reason="不归我管", at=NOW) for target in by)
    view = a_case(**{name: getattr(case, name) for name in CaseView.__slots__} | {"returns": returns})
    return CaseReturned(
        case=view, by=SYSTEM, order_id=order_of(by[-1]), order_role=role, target=by[-1], reason="不归我管"
    )


def escalated(case: CaseView, to: str, *, when_late: WhenLate = WhenLate.TAKE_OVER, **clock: Any) -> ClockEscalated:
    """The sign-in clock of the village desk's order moved up to the desk of `to`."""
    late = desk(case.area[:12])
    fields: dict[str, Any] = {
        "clock_id": order_of(desk(to)),
        "kind": ClockKind.SIGN_IN,
        "started_at": NOW,
        "due_at": NOW,
        "level": Level.VILLAGE,
        "limit": "30 分钟（连续）",
        "arithmetic": "自 08:00 起 30 分钟",
        "when_late": when_late,
        "playbook": OLD_PLAYBOOK,
        "order_id": order_of(late),
        "order_role": OrderRole.LEAD,
        "target": late,
    }
    return ClockEscalated(
        case=case,
        clock=Clock(**(fields | clock)),
        fired_at=NOW,
        from_level=Level.VILLAGE,
        to_level=level_of(to),
        to=desk(to),
        when_late=when_late,
        reason="30 分钟未签收",
    )


def order_of(target: Target) -> UUID:
    return uuid5(WHISTLE, f"order of {target.id}")


def event(data: CaseEvent | SlaEvent, **changes: Any) -> Event[CaseEvent | SlaEvent]:
    """`data` in its envelope; the id follows from the data, as ids do."""
    fields: dict[str, Any] = {
        "id": uuid5(WHISTLE, repr(data)),
        "source": "/whistle/intake",
        "subject": str(data.case.case_id),
        "time": NOW,
        "sequence": data.case.version,
        "data": data,
    }
    return Event(**(fields | changes))


def record(of: Event[CaseEvent | SlaEvent], offset: int = 0) -> Record:
    message = encode(of)
    return Record(message.topic, 0, offset, message.key, message.value, message.headers, 0)


class OneRulebook:
    """The same rulebook for every case of its county."""

    def __init__(self, book: Rulebook) -> None:
        self.book = book

    async def of(self, case: CaseView) -> Rulebook:
        if case.county != self.book.playbook.county:
            raise Refused(f"no playbook is in force for county {case.county}", field="county")
        return self.book
