"""The reports that a case stands for: how the first was understood, which came after, and their photos."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from shared.events.case import CaseHandedOver, CaseOpened, CaseRefused, CaseReportJoined, CaseReportSplit, CaseResolved
from shared.events.envelope import Event, Payload
from shared.events.parts import Alike, Guess, Photo, Reply
from shared.vocabulary import EmergencyService, RefusalCode, Source

MOST_JOINED: Final = 50
"""Reports of one case that are shown one by one, the newest; ``case.reports`` counts them all."""
MOST_PHOTOS: Final = 99
TEXT_SHOWN: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedRead:
    """A report that became part of the case; ``text`` is its beginning, ``split_to`` where it went on if it left."""

    report_id: UUID
    source: Source
    text: str
    why: str
    at: datetime
    from_case: UUID | None = None
    split_to: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """The case went to an emergency service as well; ``receipt`` once they confirmed it."""

    service: EmergencyService
    at: datetime
    words: tuple[str, ...] = ()
    receipt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportsRead:
    """What is known of the reports of one case."""

    guess: Guess | None = None
    alike: tuple[Alike, ...] = ()
    photos: tuple[Photo, ...] = ()
    joined: tuple[JoinedRead, ...] = ()
    handed_over: tuple[HandedOver, ...] = ()
    reply: Reply | None = None
    refused_as: RefusalCode | None = None
    refused_words: str = ""
    sequence: int = field(default=0)
    """The version of the case that last spoke of them."""

    @property
    def awaits_receipt(self) -> bool:
        """Say whether an emergency service has yet to confirm."""
        return any(one.receipt is None for one in self.handed_over)


def fold_reports(known: ReportsRead, event: Event[Payload]) -> ReportsRead:
    """Add what ``event`` says of the case's reports; a repeat adds nothing."""
    if event.sequence <= known.sequence and not isinstance(event.data, CaseOpened):
        return known
    match event.data:
        case CaseOpened(guess=guess, alike=alike, photos=photos):
            return replace(known, guess=guess, alike=alike, photos=_photos(photos, known.photos))
        case CaseReportJoined() as joined:
            read = JoinedRead(
                report_id=joined.report_id,
                source=joined.source,
                text=joined.text[:TEXT_SHOWN],
                why=joined.why,
                at=event.time,
                from_case=joined.from_case,
            )
            others = tuple(one for one in known.joined if one.report_id != joined.report_id)
            return replace(
                known,
                joined=(*others, read)[-MOST_JOINED:],
                photos=_photos(known.photos, joined.photos),
                sequence=event.sequence,
            )
        case CaseReportSplit(report_id=report_id, to_case=to_case):
            joined_now = tuple(
                replace(one, split_to=to_case) if one.report_id == report_id else one for one in known.joined
            )
            return replace(known, joined=joined_now, sequence=event.sequence)
        case CaseHandedOver() as handed:
            return replace(known, handed_over=_handed(known.handed_over, handed, event.time), sequence=event.sequence)
        case CaseResolved(reply=reply) if reply is not None:
            return replace(known, reply=reply, sequence=event.sequence)
        case CaseRefused(code=code, words=words):
            return replace(known, refused_as=code, refused_words=words, sequence=event.sequence)
        case _:
            return known


def _photos(first: tuple[Photo, ...], then: tuple[Photo, ...]) -> tuple[Photo, ...]:
    return tuple({photo.photo_id: photo for photo in (*first, *then)}.values())[:MOST_PHOTOS]


def _handed(known: tuple[HandedOver, ...], handed: CaseHandedOver, at: datetime) -> tuple[HandedOver, ...]:
    before = next((one for one in known if one.service == handed.service), None)
    now = HandedOver(
        service=handed.service,
        at=at if before is None else before.at,
        words=handed.words or (before.words if before else ()),
        receipt=handed.receipt or (before.receipt if before else None),
    )
    return (*(one for one in known if one is not before), now)
