"""What somebody asked for and somebody else has yet to answer: more time, a word on a supervision, an appeal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum, unique
from typing import TypeVar
from uuid import UUID

from shared.events.case import (
    CaseAppealed,
    CaseAppealReviewed,
    CaseExtended,
    CaseExtensionAsked,
    CaseExtensionBacked,
    CaseExtensionDeclined,
    CaseSupervised,
    CaseSupervisionReplied,
    CaseSupervisionSentBack,
    CaseSupervisionSigned,
)
from shared.events.envelope import Event, Payload
from shared.events.parts import Actor, Target
from shared.vocabulary import AppealGround


@unique
class ExtensionState(StrEnum):
    """How far a request for more time (延期) has come."""

    ASKED = "asked"
    BACKED = "backed"
    """The first of two has approved."""
    GRANTED = "granted"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionRead:
    """One request for more time; ``sequence`` is the version of the case that last spoke of it."""

    extension_id: UUID
    order_id: UUID
    state: ExtensionState
    due_at: datetime
    to: datetime
    reason: str
    asked_at: datetime
    asked_by: Actor
    backed_by: Actor | None = None
    decided_by: Actor | None = None
    note: str = ""
    sequence: int = 0


@unique
class SupervisionState(StrEnum):
    """How far a supervision (督办) has come."""

    OPEN = "open"
    """A reply is due."""
    REPLIED = "replied"
    """Whoever supervises has yet to sign it off, or to send it back."""
    SIGNED = "signed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisionRead:
    """One supervision; ``reply`` is the newest, ``sent_back`` why the one before was not enough."""

    supervision_id: UUID
    target: Target
    order_id: UUID | None
    state: SupervisionState
    instruction: str
    reply_due_at: datetime
    by: Actor
    at: datetime
    reply: str = ""
    replied_at: datetime | None = None
    sent_back: str = ""
    sequence: int = 0


@unique
class AppealState(StrEnum):
    """How far an appeal (申诉) has come."""

    FILED = "filed"
    BACKED = "backed"
    """The first review upheld it."""
    UPHELD = "upheld"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealRead:
    """One appeal; ``reviews`` are what the reviewers wrote, the first first."""

    appeal_id: UUID
    order_id: UUID
    ground: AppealGround
    state: AppealState
    reason: str
    by: Actor
    at: datetime
    reviews: tuple[str, ...] = ()
    sequence: int = 0


Extensions = Mapping[UUID, ExtensionRead]
Supervisions = Mapping[UUID, SupervisionRead]
Appeals = Mapping[UUID, AppealRead]

R = TypeVar("R", ExtensionRead, SupervisionRead, AppealRead)


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """All that was asked for in one case, by the ids that the facts carry."""

    extensions: Extensions = field(default_factory=dict[UUID, ExtensionRead])
    supervisions: Supervisions = field(default_factory=dict[UUID, SupervisionRead])
    appeals: Appeals = field(default_factory=dict[UUID, AppealRead])


def fold_requests(known: Requests, event: Event[Payload]) -> Requests:
    """Add what ``event`` says of any of them."""
    match event.data:
        case CaseExtensionAsked() | CaseExtensionBacked() | CaseExtended() | CaseExtensionDeclined():
            return replace(known, extensions=fold_extension(known.extensions, event))
        case CaseSupervised() | CaseSupervisionReplied() | CaseSupervisionSentBack() | CaseSupervisionSigned():
            return replace(known, supervisions=fold_supervision(known.supervisions, event))
        case CaseAppealed() | CaseAppealReviewed():
            return replace(known, appeals=fold_appeal(known.appeals, event))
        case _:
            return known


def fold_extension(known: Extensions, event: Event[Payload]) -> Extensions:
    """Add what ``event`` says of a request for more time; a repeat adds nothing."""
    match event.data:
        case CaseExtensionAsked() as asked:
            read = ExtensionRead(
                extension_id=asked.extension_id,
                order_id=asked.order_id,
                state=ExtensionState.ASKED,
                due_at=asked.due_at,
                to=asked.to,
                reason=asked.reason,
                asked_at=event.time,
                asked_by=asked.by,
                sequence=event.sequence,
            )
            return {asked.extension_id: read, **known}
        case CaseExtensionBacked(extension_id=of, by=by, note=note) if (old := _older(known, of, event)) is not None:
            return {
                **known,
                of: replace(old, state=ExtensionState.BACKED, backed_by=by, note=note, sequence=event.sequence),
            }
        case CaseExtended(extension_id=of, by=by, to=to, note=note) if (old := _older(known, of, event)) is not None:
            granted = replace(
                old, state=ExtensionState.GRANTED, decided_by=by, to=to, note=note, sequence=event.sequence
            )
            return {**known, of: granted}
        case CaseExtensionDeclined(extension_id=of, by=by, reason=why) if (old := _older(known, of, event)) is not None:
            return {
                **known,
                of: replace(old, state=ExtensionState.DECLINED, decided_by=by, note=why, sequence=event.sequence),
            }
        case _:
            return known


def fold_supervision(known: Supervisions, event: Event[Payload]) -> Supervisions:
    """Add what ``event`` says of a supervision; a repeat adds nothing."""
    match event.data:
        case CaseSupervised() as said:
            read = SupervisionRead(
                supervision_id=said.supervision_id,
                target=said.target,
                order_id=said.order_id,
                state=SupervisionState.OPEN,
                instruction=said.instruction,
                reply_due_at=said.reply_due_at,
                by=said.by,
                at=event.time,
                sequence=event.sequence,
            )
            return {said.supervision_id: read, **known}
        case CaseSupervisionReplied(supervision_id=of, reply=reply) if (old := _older(known, of, event)) is not None:
            said_so = replace(
                old,
                state=SupervisionState.REPLIED,
                reply=reply,
                replied_at=event.time,
                sent_back="",
                sequence=event.sequence,
            )
            return {**known, of: said_so}
        case CaseSupervisionSentBack(supervision_id=of, reason=why, reply_due_at=due_at) if (
            old := _older(known, of, event)
        ) is not None:
            again = replace(
                old, state=SupervisionState.OPEN, sent_back=why, reply_due_at=due_at, sequence=event.sequence
            )
            return {**known, of: again}
        case CaseSupervisionSigned(supervision_id=of) if (old := _older(known, of, event)) is not None:
            return {**known, of: replace(old, state=SupervisionState.SIGNED, sequence=event.sequence)}
        case _:
            return known


def fold_appeal(known: Appeals, event: Event[Payload]) -> Appeals:
    """Add what ``event`` says of an appeal; a repeat adds nothing."""
    match event.data:
        case CaseAppealed() as said:
            read = AppealRead(
                appeal_id=said.appeal_id,
                order_id=said.order_id,
                ground=said.ground,
                state=AppealState.FILED,
                reason=said.reason,
                by=said.by,
                at=event.time,
                sequence=event.sequence,
            )
            return {said.appeal_id: read, **known}
        case CaseAppealReviewed(appeal_id=of) as said if (old := _older(known, of, event)) is not None:
            reviewed = replace(old, state=_after(said), reviews=(*old.reviews, said.reason), sequence=event.sequence)
            return {**known, of: reviewed}
        case _:
            return known


def _after(review: CaseAppealReviewed) -> AppealState:
    if not review.upheld:
        return AppealState.DISMISSED
    return AppealState.BACKED if review.step == 1 else AppealState.UPHELD


def _older(known: Mapping[UUID, R], of: UUID, event: Event[Payload]) -> R | None:
    """What is known of it, unless ``event`` has been folded in before."""
    read = known.get(of)
    return read if read is not None and read.sequence < event.sequence else None
