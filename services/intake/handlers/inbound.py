"""Reports of outside systems on ``whistle.inbound.v1``, and cases that warnings ask for; one transaction a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.intake.domain.reports.report import Report, report_id_of
from services.intake.domain.reports.texts import clean
from services.intake.handlers.doors import Doors, KeyReused, Reply
from services.intake.handlers.drafting import asked_by, prepare
from services.intake.handlers.papers import Paper, keep_all
from services.intake.ports import ClientKey
from shared.events.codec import decode
from shared.events.inbound import ReportReceived
from shared.events.parts import Actor
from shared.events.topics import WARNING
from shared.events.warning import EarlyWarning, WarningCaseAsked, WarningEnded, WarningRaised, WarningUpdated
from shared.runtime.delivery import Outcome, Record, Rejected
from shared.runtime.telemetry import process_span
from shared.vocabulary import ActorKind, Malformed, Refused, Source

GROUP: Final = "whistle-intake-inbound"
WARNED: Final = "early-warning"
"""The tag of a case that a warning opened, for rules to ask for."""
MOST_OF_SOURCE: Final = 64
"""Characters of a CloudEvents source that name the sender in events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrived:
    record: Record
    paper: Paper


async def accept_inbound(records: Sequence[Record], *, doors: Doors) -> Outcome:
    """Open a case for each new report of the batch; a bad one is rejected with the field and what is allowed.

    Source and reference name a report: the same again changes nothing, the same with another content
    is rejected. An early warning opens the case that its rule asks for, once: its id names the report.
    """
    arrived: list[_Arrived] = []
    rejected: list[Rejected] = []
    for record in records:
        try:
            read = _read(record, doors)
            if read is not None:
                arrived.append(read)
        except Malformed as error:
            rejected.append(Rejected(record=record, reason=error.reason))
        except Refused as refusal:
            rejected.append(Rejected(record=record, reason=in_words(refusal)))
    if arrived:
        await _keep(arrived, rejected, doors=doors)
    return Outcome(rejected=rejected)


def in_words(refusal: Refused) -> str:
    """A refusal as one line: the field, what is wrong, what is allowed."""
    where = "" if refusal.field is None else f"{refusal.field}: "
    allowed = "" if not refusal.allowed else f" (allowed: {'; '.join(refusal.allowed)})"
    return f"{where}{refusal.reason}{allowed}"


def _read(record: Record, doors: Doors) -> _Arrived | None:
    """The report of a record; None for a warning that opens no case."""
    event = decode(record.value, record.headers)
    # Cleaned, for PostgreSQL holds no U+0000: such a name would bring its batch back for ever.
    source = clean(event.source, field="ce_source", lines=False)
    match event.data:
        case ReportReceived() as data if record.topic != WARNING.name:
            report = _reported(data)
            key = ClientKey(owner=f"inbound:{source}", key=clean(data.reference, field="reference", lines=False))
        case WarningRaised(case=WarningCaseAsked() as asked, warning=warning) if record.topic == WARNING.name:
            report = _warned(asked, warning)
            key = ClientKey(owner="warning", key=str(warning.warning_id))
        case WarningRaised() | WarningUpdated() | WarningEnded() if record.topic == WARNING.name:
            return None
        case _:
            raise Malformed(f"ce_type {event.type} does not belong on this topic")
    by = Actor(kind=ActorKind.SOURCE, id=source[:MOST_OF_SOURCE])
    with process_span(
        record.topic,
        group=GROUP,
        traceparent=event.traceparent,
        partition=record.partition,
        offset=record.offset,
    ):
        draft = prepare(report, report_id=report_id_of(key.owner, key.key), by=by, at=None, doors=doors)
    return _Arrived(record=record, paper=Paper(draft=draft, key=key, asked=asked_by(report)))


def _reported(data: ReportReceived) -> Report:
    return Report(
        source=data.source,
        text=data.text,
        area=data.area,
        place=data.place,
        category=data.category,
        severity=data.severity,
        tags=data.tags,
        occurred_at=data.occurred_at,
    )


def _warned(asked: WarningCaseAsked, warning: EarlyWarning) -> Report:
    """What a warning reports: in its area, at its spot if it has one."""
    return Report(
        source=Source.INSPECTION,
        text=asked.text,
        area=warning.area,
        place=None if warning.spot is None else warning.spot.centre,
        category=warning.category,
        severity=asked.severity,
        tags=(WARNED,),
        occurred_at=None,
    )


async def _keep(arrived: Sequence[_Arrived], rejected: list[Rejected], *, doors: Doors) -> None:
    replies = await keep_all([one.paper for one in arrived], doors=doors)
    for one, reply in zip(arrived, replies, strict=True):
        match reply:
            case KeyReused():
                reason = "reference: used before by this source for another report (allowed: a new reference)"
                rejected.append(Rejected(record=one.record, reason=reason))
            case Refused():
                rejected.append(Rejected(record=one.record, reason=in_words(reply)))
            case Exception():
                raise reply
            case Reply():
                pass
