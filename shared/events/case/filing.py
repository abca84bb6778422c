"""What a report becomes: a case filed or refused, part of another, told apart again; and facts added to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Annotated, ClassVar
from uuid import UUID

from annotated_types import MaxLen, MinLen

from shared.events.parts import Actor, CaseView, Digest, Note, Orders, Photo, Slug
from shared.vocabulary import CategoryCode, EmergencyService, RefusalCode, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFiled:
    """A person filed what had waited as received (立案); the router routes it as one just opened.

    ``category_before`` is what intake had guessed: the two together are one example to learn from.
    """

    TYPE: ClassVar[str] = "whistle.case.filed.v1"
    case: CaseView
    by: Actor
    category_before: CategoryCode
    text: Annotated[str, MinLen(1), MaxLen(8000)]
    note: Note = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRefused:
    """The matter is not taken on (不予受理): ``code`` and ``reason`` for the file, ``words`` for the reporter."""

    TYPE: ClassVar[str] = "whistle.case.refused.v1"
    case: CaseView
    by: Actor
    code: RefusalCode
    reason: Note
    words: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRecategorised:
    """A person named the category or condition anew; its clocks are back-dated, its orders stand."""

    TYPE: ClassVar[str] = "whistle.case.recategorised.v1"
    case: CaseView
    by: Actor
    category_before: CategoryCode
    reason: Note
    text: Annotated[str, MaxLen(8000)] = ""
    condition_before: Annotated[str, MaxLen(64)] | None = None
    standing: Orders = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseReportJoined:
    """A report of the same matter became part of the case; ``case.reports`` counts it.

    ``why`` says what made them one. ``from_case`` is the case that it was filed as before, if any.
    ``tracking`` is the digest of the code by which its reporter follows the case.
    """

    TYPE: ClassVar[str] = "whistle.case.report_joined.v1"
    case: CaseView
    by: Actor
    report_id: UUID
    source: Source
    text: Annotated[str, MaxLen(8000)]
    why: Note
    tracking: Digest | None = None
    from_case: UUID | None = None
    photos: Annotated[tuple[Photo, ...], MaxLen(9)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseReportSplit:
    """A report turned out to be of another matter: it goes on as ``to_case``."""

    TYPE: ClassVar[str] = "whistle.case.report_split.v1"
    case: CaseView
    by: Actor
    report_id: UUID
    to_case: UUID
    reason: Note
    tracking: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseMerged:
    """The case goes on as part of ``into`` (并案); its orders no longer stand."""

    TYPE: ClassVar[str] = "whistle.case.merged.v1"
    case: CaseView
    by: Actor
    into: UUID
    reason: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseMassed:
    """So many reports of one matter within a window that it is a mass matter (群体性诉求)."""

    TYPE: ClassVar[str] = "whistle.case.massed.v1"
    case: CaseView
    by: Actor
    reports: int
    window_hours: int
    reason: Note


@unique
class NoteKind(StrEnum):
    """What a note is about."""

    REMARK = "remark"
    ALERT_RESOLVED = "alert_resolved"
    ALERT_REPEATED = "alert_repeated"
    UPDATED = "updated"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseNoted:
    """A fact was added that moves nothing: a remark, an alert that ended, a warning updated."""

    TYPE: ClassVar[str] = "whistle.case.noted.v1"
    case: CaseView
    by: Actor
    kind: NoteKind
    note: Note
    reference: Slug | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseHandedOver:
    """Life may be at risk: the case was handed to 110, 119 or 120 as well; ``receipt`` once they confirmed it."""

    TYPE: ClassVar[str] = "whistle.case.handed_over.v1"
    case: CaseView
    by: Actor
    service: EmergencyService
    words: Annotated[tuple[Annotated[str, MaxLen(64)], ...], MaxLen(16)] = ()
    receipt: Annotated[str, MaxLen(64)] | None = None
    note: Note = ""
