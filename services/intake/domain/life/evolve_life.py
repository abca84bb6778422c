"""Fold what happens to a case beside its orders: filing, time that stands still, supervision, appeals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias, assert_never
from uuid import UUID

from services.intake.domain.life.case import Appeal, Case, Extension, Supervision
from shared.events.case import (
    CaseAppealed,
    CaseAppealReviewed,
    CaseDepartmentRated,
    CaseExtended,
    CaseExtensionAsked,
    CaseExtensionBacked,
    CaseExtensionDeclined,
    CaseFiled,
    CaseHandedOver,
    CaseHung,
    CaseMassed,
    CaseMerged,
    CaseNoted,
    CasePaused,
    CaseRecategorised,
    CaseRefused,
    CaseReportJoined,
    CaseReportSplit,
    CaseResumed,
    CaseSupervised,
    CaseSupervisionReplied,
    CaseSupervisionSentBack,
    CaseSupervisionSigned,
)
from shared.vocabulary import ActorKind

_OfTime: TypeAlias = (
    CasePaused
    | CaseHung
    | CaseResumed
    | CaseExtensionAsked
    | CaseExtensionBacked
    | CaseExtensionDeclined
    | CaseExtended
)
_OfSupervision: TypeAlias = CaseSupervised | CaseSupervisionReplied | CaseSupervisionSigned | CaseSupervisionSentBack
_OfReview: TypeAlias = CaseAppealed | CaseAppealReviewed | CaseDepartmentRated
_OfTheView: TypeAlias = CaseFiled | CaseRecategorised | CaseReportJoined | CaseReportSplit | CaseMassed | CaseNoted
LifeEvent: TypeAlias = _OfTheView | CaseHandedOver | CaseRefused | CaseMerged | _OfTime | _OfSupervision | _OfReview


def lived(case: Case, event: LifeEvent) -> Case:
    """The case, which has the event's view already, with what it must remember of the event."""
    match event:
        case CaseFiled() | CaseRecategorised() | CaseReportJoined() | CaseReportSplit() | CaseMassed() | CaseNoted():
            return case
        case CaseHandedOver():
            return replace(case, handed_over=tuple(dict.fromkeys((*case.handed_over, event.service))))
        case CaseRefused() | CaseMerged():
            return replace(case, asked=None, extension=None)
        case CaseSupervised() | CaseSupervisionReplied() | CaseSupervisionSigned() | CaseSupervisionSentBack():
            return _supervised(case, event)
        case CaseAppealed() | CaseAppealReviewed() | CaseDepartmentRated():
            return _reviewed(case, event)
        case _:
            return _timed(case, event)


def _timed(case: Case, event: _OfTime) -> Case:
    match event:
        case CasePaused() | CaseResumed():
            return case
        case CaseHung():
            return replace(case, hung=True)
        case CaseExtensionAsked():
            asked = Extension(extension_id=event.extension_id, order_id=event.order_id, by=event.by, to=event.to)
            return replace(case, extension=asked)
        case CaseExtensionBacked():
            asked_before = case.extension
            backed = None if asked_before is None else replace(asked_before, backed_by=event.by)
            return replace(case, extension=backed)
        case CaseExtensionDeclined() | CaseExtended():
            return replace(case, extension=None)
        case _:
            assert_never(event)


def _supervised(case: Case, event: _OfSupervision) -> Case:
    match event:
        case CaseSupervised():
            return _instructed(case, event)
        case CaseSupervisionReplied():
            return _one(case, event.supervision_id, lambda one: replace(one, replied=True))
        case CaseSupervisionSentBack():
            return _one(case, event.supervision_id, lambda one: replace(one, replied=False))
        case CaseSupervisionSigned():
            left = (one for one in case.supervisions if one.supervision_id != event.supervision_id)
            return replace(case, supervisions=tuple(left))
        case _:
            assert_never(event)


def _instructed(case: Case, event: CaseSupervised) -> Case:
    ordered = Supervision(supervision_id=event.supervision_id, by=event.by, target=event.target)
    case = replace(case, supervisions=(*case.supervisions, ordered))
    if event.by.kind is not ActorKind.SYSTEM:
        return case
    return replace(case, instructed=(*case.instructed, event.supervision_id))


def _one(case: Case, supervision_id: UUID, change: Callable[[Supervision], Supervision]) -> Case:
    changed = (change(one) if one.supervision_id == supervision_id else one for one in case.supervisions)
    return replace(case, supervisions=tuple(changed))


def _reviewed(case: Case, event: _OfReview) -> Case:
    match event:
        case CaseAppealed():
            appeal = Appeal(appeal_id=event.appeal_id, order_id=event.order_id, by=event.by)
            return replace(case, appeals=(*case.appeals, appeal))
        case CaseAppealReviewed():
            appeals = (_judged(one, event) if one.appeal_id == event.appeal_id else one for one in case.appeals)
            return replace(case, appeals=tuple(appeals))
        case CaseDepartmentRated():
            return replace(case, graded=(*case.graded, event.order_id))
        case _:
            assert_never(event)


def _judged(appeal: Appeal, event: CaseAppealReviewed) -> Appeal:
    """Upheld once, it goes to the second review; anything else decides it."""
    if event.upheld and event.step == 1:
        return replace(appeal, first=event.by)
    return replace(appeal, decided=True)
