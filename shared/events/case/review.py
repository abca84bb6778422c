"""The level above looks on and after: supervision, appeals, and the base level's rating of departments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar
from uuid import UUID

from annotated_types import Ge, Le

from shared.events.parts import Actor, CaseView, Instant, Note, Target
from shared.vocabulary import AppealGround, OrderRole

Grade = Annotated[int, Ge(1), Le(5)]
"""1 (worst) to 5 (best)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSupervised:
    """An order from above (督办): what ``target`` is to do, and by when it is to reply."""

    TYPE: ClassVar[str] = "whistle.case.supervised.v1"
    case: CaseView
    by: Actor
    supervision_id: UUID
    target: Target
    instruction: Note
    reply_due_at: Instant
    order_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSupervisionReplied:
    """Whoever is supervised says what was done."""

    TYPE: ClassVar[str] = "whistle.case.supervision_replied.v1"
    case: CaseView
    by: Actor
    supervision_id: UUID
    reply: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSupervisionSigned:
    """Whoever supervises signs it off (销号)."""

    TYPE: ClassVar[str] = "whistle.case.supervision_signed.v1"
    case: CaseView
    by: Actor
    supervision_id: UUID
    note: Note = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSupervisionSentBack:
    """The reply is not enough: another is due at ``reply_due_at``."""

    TYPE: ClassVar[str] = "whistle.case.supervision_sent_back.v1"
    case: CaseView
    by: Actor
    supervision_id: UUID
    reason: Note
    reply_due_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseAppealed:
    """Who held an order of the closed case holds that it was judged wrongly (申诉)."""

    TYPE: ClassVar[str] = "whistle.case.appealed.v1"
    case: CaseView
    by: Actor
    appeal_id: UUID
    order_id: UUID
    ground: AppealGround
    reason: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseAppealReviewed:
    """One of the two reviews. The second that upholds exempts the case: its facts stay, its scores do not count it."""

    TYPE: ClassVar[str] = "whistle.case.appeal_reviewed.v1"
    case: CaseView
    by: Actor
    appeal_id: UUID
    step: Annotated[int, Ge(1), Le(2)]
    upheld: bool
    reason: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseDepartmentRated:
    """The base level rates a department that it called or that handled its case (反向评价)."""

    TYPE: ClassVar[str] = "whistle.case.department_rated.v1"
    case: CaseView
    by: Actor
    order_id: UUID
    order_role: OrderRole
    target: Target
    speed: Grade
    quality: Grade
    note: Note = ""
