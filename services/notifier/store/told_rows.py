"""What is told, as rows: one mapping of columns to values for each table that the read side writes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from services.notifier.domain.circular import Circular
from services.notifier.domain.delivery import DeliveryState, Reason
from services.notifier.domain.fold import CaseRead
from services.notifier.domain.orders import OrderRead
from services.notifier.domain.proposals import Ruling
from services.notifier.domain.settling import settled
from services.notifier.domain.summary import summarise
from services.notifier.domain.telling import Telling
from services.notifier.domain.tracking import Link
from services.notifier.ports import Owed
from services.notifier.store.rows import raw, text_of
from shared.events.mode import ModeChanged


def case_row(read: CaseRead) -> dict[str, Any]:
    """A case as lists ask for it."""
    summary = summarise(read)
    return {
        "case_id": summary.case_id,
        "version": summary.version,
        "state": summary.state,
        "area": summary.area,
        "level": summary.level,
        "category": summary.category,
        "severity": summary.severity,
        "title": summary.title,
        "opened_at": summary.opened_at,
        "departments": sorted(read.departments),
        "due_at": summary.due_at,
        "escalated_to": summary.escalated_to,
        "purpose": summary.purpose,
        "mode": summary.mode,
        "waits": summary.waits,
        "secret": read.view.secret,
        "summary": raw(summary),
        # Orders and clocks have tables of their own.
        "fold": raw(replace(read, orders={}, clocks={})),
    }


def order_row(order: OrderRead, read: CaseRead) -> dict[str, Any]:
    """One order."""
    return {
        "order_id": order.order_id,
        "case_id": read.view.case_id,
        "level": order.level,
        "state": read.state_of(order),
        "fold": raw(order),
    }


def clock_rows(read: CaseRead) -> list[dict[str, Any]]:
    """The clocks of a case; one that stands still is not open."""
    running = {one.clock.clock_id for one in read.running if not read.stands_still(one)}
    return [
        {
            "clock_id": clock_id,
            "case_id": read.view.case_id,
            "open": clock_id in running,
            "due_at": one.clock.due_at,
            "escalated_to": one.escalated_to,
            "fold": raw(one),
        }
        for clock_id, one in read.clocks.items()
    ]


def timeline_row(telling: Telling) -> dict[str, Any]:
    """One line of a timeline, for those who may see all and for the public."""
    return {
        "event_id": telling.event_id,
        "case_id": telling.facets.case_id,
        "sequence": telling.sequence,
        "rank": telling.rank,
        "at": telling.time,
        "departments": sorted(telling.facets.departments),
        "entry": raw(telling.entry),
        "public": None if telling.step is None else raw(telling.step),
    }


def owed_row(owed: Owed) -> dict[str, Any]:
    """A delivery that is owed."""
    telling = owed.telling
    return {
        "delivery_id": owed.delivery_id,
        "subscription_id": owed.subscription_id,
        "event_id": telling.event_id,
        "case_id": telling.facets.case_id,
        "type": telling.type,
        "state": DeliveryState.WAITING if owed.held is None else DeliveryState.HELD,
        "reason": owed.held or Reason.QUEUED,
        "body": owed.body,
        "traceparent": telling.traceparent,
        "pause_seconds": None if owed.longest_pause is None else owed.longest_pause.total_seconds(),
    }


def settled_rows(read: CaseRead) -> list[dict[str, Any]]:
    """What each change of mode did to a case."""
    orders = tuple(read.orders.values())
    newest = {one.change_id: one for one in read.settlings}
    return [
        {"change_id": change_id, "case_id": read.view.case_id, "outcome": settled(one, orders)}
        for change_id, one in newest.items()
    ]


def ruling_row(ruling: Ruling) -> dict[str, Any]:
    """A ruling."""
    return {
        "event_id": ruling.event_id,
        "case_id": ruling.case_id,
        "department": ruling.department,
        "category": ruling.category,
        "area": ruling.area,
        "ruled_at": ruling.ruled_at,
    }


def link_row(link: Link) -> dict[str, Any]:
    """Which case a code follows."""
    return {
        "digest": link.digest,
        "event_id": link.event_id,
        "case_id": link.case_id,
        "report_id": link.report_id,
        "how": link.how,
        "since": link.since,
    }


def mode_row(change: ModeChanged) -> dict[str, Any]:
    """A change of mode."""
    return {
        "change_id": change.change_id,
        "area": change.area,
        "changed_at": change.changed_at,
        "body": raw(change),
    }


def feed_row(telling: Telling) -> dict[str, Any]:
    """One event of the feed, and what of a circular goes to those who may not see its case."""
    facets = telling.facets
    departments = sorted(facets.departments)
    return {
        "event_id": telling.event_id,
        "case_id": facets.case_id,
        "type": facets.type,
        "area": facets.area,
        "level": facets.level,
        "category": facets.category,
        "severity": facets.severity,
        "departments": departments,
        "purpose": facets.purpose,
        "mode": facets.mode,
        "data": msgspec.Raw(
            text_of(
                {
                    "id": telling.event_id,
                    "type": telling.type,
                    "time": telling.time,
                    "sequence": telling.sequence,
                    "level": facets.level,
                    "departments": departments,
                    "purpose": facets.purpose,
                    "traceparent": telling.traceparent,
                    "words": telling.entry.words,
                    "case": telling.case,
                    "data": telling.data,
                }
            )
        ),
        "circular": None if telling.circular is None else _circular(telling, telling.circular),
    }


def _circular(telling: Telling, circular: Circular) -> msgspec.Raw:
    """A circular as a stream sends it: without the case's line and without the event's payload."""
    return raw(
        {
            "id": telling.event_id,
            "type": telling.type,
            "time": telling.time,
            "level": telling.facets.level,
            "departments": (),
            "purpose": telling.facets.purpose,
            "words": circular.words,
            "case": None,
            "data": None,
            "circular": circular,
        }
    )
