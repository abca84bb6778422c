"""Whom an event concerns: the departments whose order it is about, or with a fact of the whole case all of them."""

from __future__ import annotations

from uuid import UUID

from services.notifier.domain.fold import CaseRead, Told
from services.notifier.domain.orders import department_of, order_id_of, target_of
from shared.events.case import (
    CaseAppealed,
    CaseAppealReviewed,
    CaseDepartmentRated,
    CaseExtended,
    CaseExtensionAsked,
    CaseExtensionBacked,
    CaseExtensionDeclined,
    CaseSupervised,
    CaseSupervisionReplied,
    CaseSupervisionSentBack,
    CaseSupervisionSigned,
    CaseTransferred,
    CaseWhistleAsked,
    CaseWhistled,
    CaseWhistleDeclined,
)
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


def concerned(read: CaseRead, data: Told) -> frozenset[str]:  # noqa: PLR0911  one arm for each kind of fact
    """The departments that ``data`` concerns.

    A department hears of its own orders only, so another's sign-in is not among what it hears, nor is
    what another asked for, was told, or was given in points. A step of a chain concerns whom it tells, too.
    """
    match data:
        case (
            ClockStarted(clock=clock)
            | ClockStopped(clock=clock)
            | ClockMoved(clock=clock)
            | ClockWarned(clock=clock)
            | ClockBreached(clock=clock)
            | ClockEscalated(clock=clock)
        ):
            return read.departments if clock.order_id is None else _only(clock.target)
        case ClockStepped(clock=clock):
            told = frozenset[str]().union(*(_only(one.target) for one in (*data.to, *data.copies)))
            return told | (read.departments if clock.order_id is None else _only(clock.target))
        case CaseWhistleAsked() | CaseWhistleDeclined():
            # Nobody has been called yet.
            return frozenset()
        case CaseWhistled(departments=called):
            return read.departments | frozenset(called)
        case CaseTransferred(order=order):
            return _only(order.target)
        case CaseSupervised(target=target) | CaseDepartmentRated(target=target):
            return _only(target)
        case CaseSupervisionReplied() | CaseSupervisionSentBack() | CaseSupervisionSigned():
            supervised = read.requests.supervisions.get(data.supervision_id)
            return _only(None if supervised is None else supervised.target)
        case CaseExtensionAsked() | CaseExtensionBacked() | CaseExtensionDeclined() | CaseExtended() | CaseAppealed():
            return _of_order(read, data.order_id)
        case CaseAppealReviewed(appeal_id=appeal_id):
            appeal = read.requests.appeals.get(appeal_id)
            return _of_order(read, None if appeal is None else appeal.order_id)
        case _:
            return read.departments if order_id_of(data) is None else _only(target_of(data))


def _only(target: Target | None) -> frozenset[str]:
    own = department_of(target)
    return frozenset() if own is None else frozenset({own})


def _of_order(read: CaseRead, order_id: UUID | None) -> frozenset[str]:
    order = None if order_id is None else read.orders.get(order_id)
    return _only(None if order is None else order.target)
