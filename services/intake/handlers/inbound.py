"""Reports that outside systems lay on ``whistle.inbound.v1``, one transaction a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.intake.domain.reports import Report, report_id_of
from services.intake.domain.texts import clean
from services.intake.handlers.doors import Doors, KeyReused, replay
from services.intake.handlers.drafting import Draft, asked_by, prepare
from services.intake.handlers.filing import file_all
from services.intake.ports import Answer, ClientKey
from shared.events.codec import decode
from shared.events.inbound import ReportReceived
from shared.events.parts import Actor
from shared.runtime.delivery import Outcome, Record, Rejected
from shared.runtime.telemetry import process_span
from shared.vocabulary import ActorKind, Malformed, Refused

GROUP: Final = "whistle-intake-inbound"
MOST_OF_SOURCE: Final = 64
"""Characters of a CloudEvents source that name the sender in events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrived:
    record: Record
    key: ClientKey
    asked: bytes
    draft: Draft


async def accept_inbound(records: Sequence[Record], *, doors: Doors) -> Outcome:
    """Open a case for each new report of the batch; a bad one is rejected with the field and what is allowed.

    Source and reference name a report: the same again changes nothing, the same with another content
    is rejected.
    """
    arrived: dict[ClientKey, _Arrived] = {}
    repeats: list[_Arrived] = []
    rejected: list[Rejected] = []
    for record in records:
        try:
            one = _read(record, doors)
        except Malformed as error:
            rejected.append(Rejected(record=record, reason=error.reason))
        except Refused as refusal:
            rejected.append(Rejected(record=record, reason=in_words(refusal)))
        else:
            if arrived.setdefault(one.key, one) is not one:
                repeats.append(one)
    if arrived:
        await _keep(arrived, repeats, rejected, doors=doors)
    return Outcome(rejected=rejected)


def in_words(refusal: Refused) -> str:
    """A refusal as one line: the field, what is wrong, what is allowed."""
    where = "" if refusal.field is None else f"{refusal.field}: "
    allowed = "" if not refusal.allowed else f" (allowed: {'; '.join(refusal.allowed)})"
    return f"{where}{refusal.reason}{allowed}"


def _read(record: Record, doors: Doors) -> _Arrived:
    event = decode(record.value, record.headers)
    data = event.data
    if not isinstance(data, ReportReceived):
        raise Malformed(f"ce_type {event.type} does not belong on this topic")
    report = Report(
        source=data.source,
        text=data.text,
        area=data.area,
        place=data.place,
        category=data.category,
        severity=data.severity,
        tags=data.tags,
        occurred_at=data.occurred_at,
    )
    # Cleaned, for PostgreSQL holds no U+0000: such a name would bring its batch back for ever.
    source = clean(event.source, field="ce_source", lines=False)
    key = ClientKey(owner=f"inbound:{source}", key=clean(data.reference, field="reference", lines=False))
    by = Actor(kind=ActorKind.SOURCE, id=source[:MOST_OF_SOURCE])
    with process_span(
        record.topic,
        group=GROUP,
        traceparent=event.traceparent,
        partition=record.partition,
        offset=record.offset,
    ):
        draft = prepare(report, report_id=report_id_of(key.owner, key.key), by=by, at=None, doors=doors)
    return _Arrived(record=record, key=key, asked=asked_by(report), draft=draft)


async def _keep(
    arrived: Mapping[ClientKey, _Arrived], repeats: Sequence[_Arrived], rejected: list[Rejected], *, doors: Doors
) -> None:
    async with doors.store.transaction() as transaction:
        filed = await file_all([one.draft for one in arrived.values()], transaction, doors=doors)
        filings = dict(zip(arrived, filed, strict=True))
        free = await transaction.claim(
            {
                key: Answer(fingerprint=doors.vault.fingerprint(one.asked), body=filings[key].answer)
                for key, one in arrived.items()
            }
        )
        new = [filings[key] for key in arrived if key in free]
        await transaction.save([change for one in new for change in one.changes])
        await transaction.file([one.report for one in new])
        again = [*(one for key, one in arrived.items() if key not in free), *repeats]
        known = await transaction.answers({one.key for one in again}) if again else {}
    for one in again:
        try:
            replay(known[one.key], one.asked, doors.vault)
        except KeyReused:
            reason = "reference: used before by this source for another report (allowed: a new reference)"
            rejected.append(Rejected(record=one.record, reason=reason))
