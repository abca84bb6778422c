"""An action as somebody asks for it, before anybody has looked at the case."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from services.intake.domain.asking.targets import Whom
from services.intake.domain.life.states import Action
from services.intake.domain.reports.texts import clean
from shared.events.case import Rating
from shared.events.parts import Actor
from shared.masking import mask
from shared.playbook.model import Playbook
from shared.vocabulary import AppealGround, EmergencyService, Refused, Severity, WhistleKind

MOST_OF_NOTE: Final = 2000
NOTED: Final = frozenset(
    {
        Action.SIGN,
        Action.ARRIVE,
        Action.PROGRESS,
        Action.RESOLVE,
        Action.VERIFY,
        Action.CLOSE,
        Action.RATE,
        Action.RATE_DEPARTMENT,
        Action.CONFIRM,
        Action.FILE,
        Action.NOTE,
        Action.HAND_OVER,
        Action.APPROVE,
        Action.SIGN_OFF,
    }
)
"""Actions whose event carries a note and no reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyRequest:
    """The four elements of a reply as far as they are given."""

    accepted_at: datetime | None = None
    spoken_with: str = ""
    done: str = ""
    done_by: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRequest:
    """What somebody asks of a case; ``reason`` may also come as ``note``, and tidied the other way round (`NOTED`).

    ``until`` is the moment that is meant: to which a case is held or an order extended, or by which a reply is due.
    """

    action: Action
    order_id: UUID | None = None
    note: str = ""
    reason: str = ""
    rating: Rating | None = None
    kind: WhistleKind | None = None
    departments: tuple[str, ...] = ()
    lead: str | None = None
    whistle_id: UUID | None = None
    to: Whom | None = None
    code: str | None = None
    words: str = ""
    category: str | None = None
    condition: str | None = None
    severity: Severity | None = None
    into: UUID | None = None
    report_id: UUID | None = None
    service: EmergencyService | None = None
    receipt: str = ""
    until: datetime | None = None
    extension_id: UUID | None = None
    supervision_id: UUID | None = None
    appeal_id: UUID | None = None
    ground: AppealGround | None = None
    upheld: bool | None = None
    speed: int | None = None
    quality: int | None = None
    reply: ReplyRequest | None = None

    @property
    def why(self) -> str:
        """The reason, which may also have come as the note."""
        return self.reason or self.note


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """Who asks, when and in which county; ``due_at`` is the deadline of the order meant, None when none is known."""

    by: Actor
    playbook: Playbook
    now: datetime
    due_at: datetime | None = None


def tidy_request(request: ActionRequest) -> ActionRequest:
    """The request with its words cleaned and masked: they go into events.

    Actions whose event has a note alone keep the reason in it: why somebody approved is never lost.

    Raises:
        Refused: control characters in one of them, or note and reason do not fit into one; names the field.
    """
    reply = request.reply
    if reply is not None:
        reply = replace(
            reply, spoken_with=_words(reply.spoken_with, "reply.spoken_with"), done=_words(reply.done, "reply.done")
        )
    note, reason = _words(request.note, "note"), _words(request.reason, "reason")
    return replace(
        request,
        note=_noted(note, reason) if request.action in NOTED else note,
        reason=reason,
        words=_words(request.words, "words"),
        receipt=clean(request.receipt, field="receipt", lines=False) if request.receipt.strip() else "",
        reply=reply,
    )


def _noted(note: str, reason: str) -> str:
    both = "\n".join(dict.fromkeys(filter(None, (note, reason))))
    if len(both) > MOST_OF_NOTE:
        raise Refused(
            f"note and reason have {len(both)} characters together",
            field="reason",
            allowed=[f"{MOST_OF_NOTE} characters, the note included"],
        )
    return both


def _words(text: str, field: str) -> str:
    return mask(clean(text, field=field)) if text.strip() else ""
