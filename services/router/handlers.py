"""What the router does with each thing that can happen to a case: read it, decide, hand out orders."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from services.router.domain.answering import Answered, answer, text_of
from services.router.domain.facts import Facts
from services.router.domain.issuing import events_of
from services.router.domain.tally import Tallies, Tally
from services.router.ports import Found, Rulebooks, Shortcut, Taken
from shared.events.case import CaseOpened
from shared.events.codec import Message, decode, encode
from shared.events.envelope import Event, Payload
from shared.events.order import OrderEvent
from shared.events.topics import CASE, SLA
from shared.playbook.model import Text
from shared.runtime.delivery import Record, Rejected
from shared.runtime.telemetry import current_traceparent, process_span, tracing_is_on
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
    """What a batch came to: messages in the order of their causes, records set aside, records that called for nothing.

    `orders` are the events behind those of the messages that were decided anew.
    """

    messages: list[Message] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    passed_over: list[Record] = field(default_factory=list)
    orders: list[Event[OrderEvent]] = field(default_factory=list)
    tallies: Tallies = field(default_factory=Tallies)

    def add(self, messages: Sequence[Message], tally: Tally, *, remembered: bool) -> None:
        """Take the answer to one record."""
        self.messages += messages
        self.tallies.add(tally, remembered=remembered)


async def route_batch(
    records: Sequence[Record], *, rulebooks: Rulebooks, now: datetime, shortcut: Shortcut | None = None
) -> Routed:
    """Return the orders that `records` lead to; the same records lead to the same ids."""
    routed = Routed()
    for record in records:
        headers = dict(record.headers)
        if headers.get("ce_type") in PASSED_OVER:
            routed.passed_over.append(record)
            continue
        found = shortcut.find(record, headers) if shortcut is not None else None
        if found is not None:
            routed.add(_repeated(found, record, headers), found.tally, remembered=True)
            continue
        try:
            await _route_one(record, rulebooks, now, shortcut=shortcut, into=routed)
        except (Malformed, Refused) as final:
            routed.rejected.append(Rejected(record=record, reason=final.reason))
    return routed


def _repeated(found: Found, record: Record, headers: Mapping[str, bytes]) -> Sequence[Message]:
    if not tracing_is_on():
        return found.messages()
    with _span(record, headers["traceparent"].decode()):
        return found.messages(current_traceparent())


async def _route_one(
    record: Record, rulebooks: Rulebooks, now: datetime, *, shortcut: Shortcut | None, into: Routed
) -> None:
    cause = decode(record.value, record.headers)
    happened = cause.data
    if not isinstance(happened, Answered):
        raise Malformed(f"{cause.type} does not belong on {record.topic}")
    with _span(record, cause.traceparent):
        book = await rulebooks.of(happened.case)
        facts = Facts.of(happened.case, text_of(happened), at=cause.time)
        decision = answer(happened, facts, book)
        if decision.unsaid is not None:
            log.warning("nothing to ask of anybody", extra=_told(cause, decision.unsaid))
        traced = replace(cause, traceparent=current_traceparent() or cause.traceparent)
        orders = events_of(decision, traced, happened.case, now=now)
    messages = [encode(order) for order in orders]
    into.orders += orders
    into.add(messages, Tally.of(decision), remembered=False)
    if shortcut is not None and isinstance(happened, CaseOpened):
        taken = Taken(
            cause=cause, opened=happened, facts=facts, book=book, decision=decision, orders=orders, messages=messages
        )
        shortcut.learn(taken)


def _span(record: Record, traceparent: str | None) -> AbstractContextManager[object]:
    return process_span(
        record.topic,
        group=GROUP,
        traceparent=traceparent,
        partition=record.partition,
        offset=record.offset,
    )


def _told(cause: Event[Payload], why: Text) -> dict[str, str]:
    return {"event.name": "router.unsaid", "case": cause.subject, "cause": cause.type, "why": why.zh, "why_en": why.en}
