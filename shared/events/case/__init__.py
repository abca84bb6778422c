"""The facts of a case's life, on ``whistle.case.v1``; intake alone writes them."""

from __future__ import annotations

from shared.events.case.filing import (
    CaseFiled,
    CaseHandedOver,
    CaseMassed,
    CaseMerged,
    CaseNoted,
    CaseRecategorised,
    CaseRefused,
    CaseReportJoined,
    CaseReportSplit,
    NoteKind,
)
from shared.events.case.joint import (
    CaseModeChanged,
    CaseReleased,
    CaseRuled,
    CaseStepDone,
    CaseTransferred,
    CaseWhistleAsked,
    CaseWhistled,
    CaseWhistleDeclined,
)
from shared.events.case.life import (
    CaseArrived,
    CaseClosed,
    CaseEscalated,
    CaseOpened,
    CaseOrderWithdrawn,
    CaseProgressed,
    CaseRated,
    CaseRejected,
    CaseReopened,
    CaseResolved,
    CaseReturned,
    CaseRouted,
    CaseSigned,
    CaseVerified,
    Rating,
)
from shared.events.case.review import (
    CaseAppealed,
    CaseAppealReviewed,
    CaseDepartmentRated,
    CaseSupervised,
    CaseSupervisionReplied,
    CaseSupervisionSentBack,
    CaseSupervisionSigned,
    Grade,
)
from shared.events.case.time import (
    CaseExtended,
    CaseExtensionAsked,
    CaseExtensionBacked,
    CaseExtensionDeclined,
    CaseHung,
    CasePaused,
    CaseResumed,
)

CaseEvent = (
    CaseOpened
    | CaseRouted
    | CaseOrderWithdrawn
    | CaseSigned
    | CaseArrived
    | CaseProgressed
    | CaseResolved
    | CaseReturned
    | CaseVerified
    | CaseRejected
    | CaseClosed
    | CaseReopened
    | CaseRated
    | CaseEscalated
    | CaseFiled
    | CaseRefused
    | CaseRecategorised
    | CaseReportJoined
    | CaseReportSplit
    | CaseMerged
    | CaseMassed
    | CaseNoted
    | CaseHandedOver
    | CaseWhistleAsked
    | CaseWhistleDeclined
    | CaseWhistled
    | CaseReleased
    | CaseTransferred
    | CaseRuled
    | CaseStepDone
    | CaseModeChanged
    | CasePaused
    | CaseHung
    | CaseResumed
    | CaseExtensionAsked
    | CaseExtensionBacked
    | CaseExtensionDeclined
    | CaseExtended
    | CaseSupervised
    | CaseSupervisionReplied
    | CaseSupervisionSigned
    | CaseSupervisionSentBack
    | CaseAppealed
    | CaseAppealReviewed
    | CaseDepartmentRated
)

__all__ = [
    "CaseAppealReviewed",
    "CaseAppealed",
    "CaseArrived",
    "CaseClosed",
    "CaseDepartmentRated",
    "CaseEscalated",
    "CaseEvent",
    "CaseExtended",
    "CaseExtensionAsked",
    "CaseExtensionBacked",
    "CaseExtensionDeclined",
    "CaseFiled",
    "CaseHandedOver",
    "CaseHung",
    "CaseMassed",
    "CaseMerged",
    "CaseModeChanged",
    "CaseNoted",
    "CaseOpened",
    "CaseOrderWithdrawn",
    "CasePaused",
    "CaseProgressed",
    "CaseRated",
    "CaseRecategorised",
    "CaseRefused",
    "CaseRejected",
    "CaseReleased",
    "CaseReopened",
    "CaseReportJoined",
    "CaseReportSplit",
    "CaseResolved",
    "CaseResumed",
    "CaseReturned",
    "CaseRouted",
    "CaseRuled",
    "CaseSigned",
    "CaseStepDone",
    "CaseSupervised",
    "CaseSupervisionReplied",
    "CaseSupervisionSentBack",
    "CaseSupervisionSigned",
    "CaseTransferred",
    "CaseVerified",
    "CaseWhistleAsked",
    "CaseWhistleDeclined",
    "CaseWhistled",
    "Grade",
    "NoteKind",
    "Rating",
]
