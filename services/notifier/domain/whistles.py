"""What is known of a whistle (吹哨): who asked for it, whether it sounded, whom it called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum, unique
from uuid import UUID

from shared.events.case import CaseWhistleAsked, CaseWhistled, CaseWhistleDeclined
from shared.events.envelope import Event, Payload
from shared.events.parts import Actor
from shared.vocabulary import WhistleKind


@unique
class WhistleState(StrEnum):
    """How far a whistle has come."""

    ASKED = "asked"
    """It waits for the word of the desk's head."""
    SOUNDED = "sounded"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True, kw_only=True)
class WhistleRead:
    """One whistle; ``departments`` are all that it ever called, in the order of their calls.

    ``waiting`` are those that a sounded whistle shall call too when its head says the word.
    """

    whistle_id: UUID
    kind: WhistleKind
    state: WhistleState
    departments: tuple[str, ...]
    reason: str
    waiting: tuple[str, ...] = ()
    lead: str | None = None
    asked_at: datetime | None = None
    asked_by: Actor | None = None
    sounded_at: datetime | None = None
    sounded_by: Actor | None = None
    declined_why: str = ""


Whistles = Mapping[UUID, WhistleRead]


def fold_whistle(known: Whistles, event: Event[Payload]) -> Whistles:
    """Add what ``event`` says of a whistle; a repeat adds nothing."""
    match event.data:
        case CaseWhistleAsked() as asked:
            return _with(known, _asked(known.get(asked.whistle.whistle_id), asked, event.time))
        case CaseWhistled() as sounded:
            return _with(known, _sounded(known.get(sounded.whistle.whistle_id), sounded, event.time))
        case CaseWhistleDeclined(whistle=whistle, reason=why) if (read := known.get(whistle.whistle_id)) is not None:
            state = read.state if read.state is WhistleState.SOUNDED else WhistleState.DECLINED
            return _with(known, replace(read, state=state, waiting=(), declined_why=why))
        case _:
            return known


def _with(known: Whistles, read: WhistleRead) -> Whistles:
    return {**known, read.whistle_id: read}


def _asked(read: WhistleRead | None, asked: CaseWhistleAsked, at: datetime) -> WhistleRead:
    if read is not None and read.state is WhistleState.SOUNDED:
        new = tuple(one for one in asked.departments if one not in read.departments)
        return replace(read, waiting=new)
    return WhistleRead(
        whistle_id=asked.whistle.whistle_id,
        kind=asked.whistle.kind,
        state=WhistleState.ASKED,
        departments=(),
        waiting=asked.departments,
        reason=asked.reason,
        lead=asked.lead,
        asked_at=at,
        asked_by=asked.by,
    )


def _sounded(read: WhistleRead | None, sounded: CaseWhistled, at: datetime) -> WhistleRead:
    before = read or WhistleRead(
        whistle_id=sounded.whistle.whistle_id,
        kind=sounded.whistle.kind,
        state=WhistleState.SOUNDED,
        departments=(),
        reason=sounded.reason,
    )
    return replace(
        before,
        state=WhistleState.SOUNDED,
        departments=tuple(dict.fromkeys((*before.departments, *sounded.departments))),
        waiting=tuple(one for one in before.waiting if one not in sounded.departments),
        lead=sounded.lead or before.lead,
        sounded_at=before.sounded_at or at,
        sounded_by=before.sounded_by or sounded.by,
    )
