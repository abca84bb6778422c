"""What can be asked about a case's time: that it stand still, go on, or run longer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, TypeAlias
from uuid import UUID

from services.intake.domain.life.states import Action
from shared.events.parts import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseCase:
    """The lead cannot go on (暂停); ``code`` is the county's, ``until`` the end of it unless it waits for a word."""

    ACTION: ClassVar[Action] = Action.PAUSE
    by: Actor
    code: str
    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HangCase:
    """A leader hangs the case to a date (挂账), at most ``days`` natural days ahead."""

    ACTION: ClassVar[Action] = Action.HANG
    by: Actor
    until: datetime
    reason: str
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeCase:
    """A case that stands still goes on; ``when_due`` only if its date has come."""

    ACTION: ClassVar[Action] = Action.RESUME
    by: Actor
    reason: str = ""
    when_due: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AskExtension:
    """The holder of an order asks for more time (延期).

    ``due_at`` is the deadline of its handling, None when none is known; ``most`` the county's allowance.
    """

    ACTION: ClassVar[Action] = Action.EXTEND
    order_id: UUID
    by: Actor
    due_at: datetime | None
    to: datetime
    reason: str
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveExtension:
    """One of the two words that an extension needs."""

    ACTION: ClassVar[Action] = Action.APPROVE
    by: Actor
    extension_id: UUID | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineExtension:
    """Either of the two does not approve."""

    ACTION: ClassVar[Action] = Action.DECLINE_EXTENSION
    by: Actor
    reason: str
    extension_id: UUID | None = None


HoldCommand: TypeAlias = PauseCase | HangCase | ResumeCase
ExtensionCommand: TypeAlias = AskExtension | ApproveExtension | DeclineExtension
