"""What a desk may ask of a case beside its orders: take it on or not, name it anew, add a fact to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from services.intake.domain.life.states import Action
from shared.events.case import NoteKind
from shared.events.parts import Actor
from shared.vocabulary import EmergencyService, RefusalCode, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """What a person says that the case is about; what is None stays as it is."""

    category: str | None = None
    condition: str | None = None
    severity: Severity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCase:
    """A person takes on what had waited as received (立案)."""

    ACTION: ClassVar[Action] = Action.FILE
    by: Actor
    naming: Naming = Naming()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseCase:
    """The matter is not taken on (不予受理); ``words`` are for the reporter."""

    ACTION: ClassVar[Action] = Action.REFUSE
    by: Actor
    code: RefusalCode
    reason: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecategoriseCase:
    """A person says that the case is about something else."""

    ACTION: ClassVar[Action] = Action.RECATEGORISE
    by: Actor
    naming: Naming
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteCase:
    """A fact that moves nothing; ``reference`` is the sender's own name of what it is about.

    ``at_least`` makes a less grave case as grave as that, and no case less grave.
    """

    ACTION: ClassVar[Action] = Action.NOTE
    by: Actor
    note: str
    kind: NoteKind = NoteKind.REMARK
    reference: str | None = None
    at_least: Severity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOverCase:
    """110, 119 or 120 has the case as well; ``receipt`` is their number for it, once they have confirmed."""

    ACTION: ClassVar[Action] = Action.HAND_OVER
    by: Actor
    service: EmergencyService
    receipt: str | None = None
    words: tuple[str, ...] = ()
    note: str = ""


FilingCommand: TypeAlias = FileCase | RefuseCase | RecategoriseCase
FactCommand: TypeAlias = NoteCase | HandOverCase
