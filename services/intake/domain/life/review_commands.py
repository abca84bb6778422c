"""What can be asked from above and afterwards: supervision, appeal, rating of a department."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, TypeAlias
from uuid import UUID

from services.intake.domain.life.states import Action
from shared.events.parts import Actor, Target
from shared.vocabulary import AppealGround


@dataclass(frozen=True, slots=True, kw_only=True)
class SuperviseCase:
    """The level above says what ``target`` is to do and by when to reply (督办); without a target, the lead."""

    ACTION: ClassVar[Action] = Action.SUPERVISE
    by: Actor
    instruction: str
    reply_due_at: datetime
    target: Target | None = None
    order_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplySupervision:
    """Whoever is supervised, ``target``, says what was done."""

    ACTION: ClassVar[Action] = Action.REPLY
    by: Actor
    reply: str
    supervision_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOffSupervision:
    """Whoever supervises is content (销号)."""

    ACTION: ClassVar[Action] = Action.SIGN_OFF
    by: Actor
    supervision_id: UUID | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendBackSupervision:
    """Whoever supervises is not content: another reply is due."""

    ACTION: ClassVar[Action] = Action.SEND_BACK
    by: Actor
    reason: str
    reply_due_at: datetime
    supervision_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealOrder:
    """Who held an order of the closed case holds that it was judged wrongly (申诉); ``window`` is the county's."""

    ACTION: ClassVar[Action] = Action.APPEAL
    order_id: UUID
    by: Actor
    ground: AppealGround
    reason: str
    window: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewAppeal:
    """One of the two reviews of an appeal."""

    ACTION: ClassVar[Action] = Action.REVIEW
    by: Actor
    upheld: bool
    reason: str
    appeal_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RateDepartment:
    """The base level says how fast and how well a department did its order (反向评价); 1 to 5."""

    ACTION: ClassVar[Action] = Action.RATE_DEPARTMENT
    order_id: UUID
    by: Actor
    speed: int
    quality: int
    note: str = ""


SupervisionCommand: TypeAlias = SuperviseCase | ReplySupervision | SignOffSupervision | SendBackSupervision
ReviewCommand: TypeAlias = AppealOrder | ReviewAppeal | RateDepartment
