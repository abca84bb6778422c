"""What the router does with each thing that can happen to a case: read it, decide, hand out orders."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from services.router.domain.answering import Answered, answer, text_of
from services.router.domain.facts import Facts
from services.router.domain.issuing import events_of
from services.router.ports import Rulebooks
from shared.events.codec import decode
from shared.events.envelope import Event, Payload
from shared.events.order import OrderEvent
from shared.events.topics import CASE, SLA
from shared.playbook.model import Text
from shared.runtime.delivery import Record, Rejected
from shared.runtime.telemetry import current_traceparent, process_span
from shared.vocabulary import Malformed, Refused

log = logging.getLogger(__name__)

GROUP: Final = "whistle-router"
TOPICS: Final = (CASE.name, SLA.name)

PASSED_OVER: Final = frozenset(
    payload.TYPE.encode() for payload in (*CASE.types, *SLA.types) if payload not in Answered.__args__
)
"""CloudEvents types that call for no order; they are not even decoded."""


@dataclass(slots=True, kw_only=True)
class Routed:
    """What a batch came to: order events in the order of their causes, and what was set aside."""

    orders: list[Event[OrderEvent]] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


async def route_batch(records: Sequence[Record], *, rulebooks: Rulebooks, now: datetime) -> Routed:
    """Return the orders that `records` lead to; the same records lead to the same ids."""
    routed = Routed()
    for record in records:
        if record.header("ce_type") in PASSED_OVER:
            continue
        try:
            routed.orders += await _route_one(record, rulebooks, now)
        except (Malformed, Refused) as final:
            routed.rejected.append(Rejected(record=record, reason=final.reason))
    return routed


async def _route_one(record: Record, rulebooks: Rulebooks, now: datetime) -> tuple[Event[OrderEvent], ...]:
    cause = decode(record.value, record.headers)
    happened = cause.data
    if not isinstance(happened, Answered):
        raise Malformed(f"{cause.type} does not belong on {record.topic}")
    span = process_span(
        record.topic,
        group=GROUP,
        traceparent=cause.traceparent,
        partition=record.partition,
        offset=record.offset,
    )
    with span:
        book = await rulebooks.of(happened.case)
        facts = Facts.of(happened.case, text_of(happened), at=cause.time)
        decision = answer(happened, facts, book)
        if decision.unsaid is not None:
            log.warning("nothing to ask of anybody", extra=_told(cause, decision.unsaid))
        traced = replace(cause, traceparent=current_traceparent() or cause.traceparent)
        return events_of(decision, traced, happened.case, now=now)


def _told(cause: Event[Payload], why: Text) -> dict[str, str]:
    return {"event.name": "router.unsaid", "case": cause.subject, "cause": cause.type, "why": why.zh, "why_en": why.en}
