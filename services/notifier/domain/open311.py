"""What any city tells of its requests (Open311 GeoReport v2): a case in public words, a category as a service.

Only the first words of a report are public, masked as they are; an address is the village's name, never a house.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.notifier.domain.public_words import STATES
from services.notifier.domain.summary import CaseSummary
from services.notifier.domain.words import Names
from shared.playbook.model import Category, Playbook
from shared.vocabulary import CASE_ENDED, CaseState, ClockKind, Refused

WINDOW: Final = timedelta(days=90)
"""The longest range of a list, and the range when none is asked for (GeoReport v2, GET Service Requests)."""
MOST_REQUESTS: Final = 1000
"""The most that one list holds (the same)."""
MOST_IDS: Final = 100

UNREAD: Final = frozenset({CaseState.RECEIVED, CaseState.REFUSED})
"""Nobody has said yet, or somebody has said no, that what stands in it may stand anywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One kind of matter that can be reported; ``group`` is what it lies under, ``keywords`` speak for it."""

    service_code: str
    service_name: str
    description: str
    metadata: bool
    type: str
    keywords: str
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRequest:
    """One case as the public reads it; a field without a value is None."""

    service_request_id: str
    status: str
    status_notes: str
    service_name: str
    service_code: str
    description: str | None
    agency_responsible: str | None
    service_notice: str | None
    requested_datetime: datetime
    updated_datetime: datetime
    expected_datetime: datetime | None
    address: str
    address_id: str
    zipcode: str | None
    lat: float | None
    long: float | None
    media_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """From ``start`` to ``end``, both included."""

    start: datetime
    end: datetime


def services(playbook: Playbook) -> Iterator[Service]:
    """Every category that has none below it, in the order of the playbook."""
    parents = {category.parent for category in playbook.categories.values()}
    for category in playbook.categories.values():
        if category.code not in parents:
            yield service_of(category, playbook)


def service_of(category: Category, playbook: Playbook) -> Service:
    """``category`` as a service; none has attributes, so no client need ask for its definition."""
    above = playbook.category_line(category.code)[1:]
    return Service(
        service_code=category.code,
        service_name=category.name.zh,
        description=category.name.en,
        metadata=False,
        type="realtime",
        keywords=",".join(category.words),
        group=above[-1].name.zh if above else category.name.zh,
    )


def is_open(state: CaseState) -> bool:
    """Open or closed, the two that there are."""
    return state not in CASE_ENDED


def request_of(case: CaseSummary, names: Names) -> ServiceRequest:
    """``case`` as the public reads it."""
    unread = case.state in UNREAD
    handling = case.clock if case.clock is not None and case.clock.kind is ClockKind.HANDLE else None
    notes = STATES[case.state].zh
    return ServiceRequest(
        service_request_id=str(case.case_id),
        status="open" if is_open(case.state) else "closed",
        status_notes=notes if case.master is None else f"{notes}: {case.master}",
        service_name=names.category(case.area, case.category).zh,
        service_code=case.category,
        description=None if unread else case.title,
        agency_responsible=case.lead.name or case.lead.id if case.lead is not None else None,
        service_notice=None,
        requested_datetime=case.opened_at,
        updated_datetime=case.updated_at,
        expected_datetime=None if handling is None or handling.still else handling.due_at,
        address=names.area(case.area).zh,
        address_id=case.area[:12],
        zipcode=None,
        lat=None if case.place is None or unread else case.place.lat,
        long=None if case.place is None or unread else case.place.lon,
        media_url=None,
    )


def range_of(start: datetime | None, end: datetime | None, *, now: datetime) -> Range:
    """The range asked for; a bound that is missing lies 90 days from the other, or is now.

    Raises:
        Refused: it is longer than 90 days, or ends before it begins.
    """
    if start is None:
        last = end or now
        return Range(start=last - WINDOW, end=last)
    last = end or min(start + WINDOW, max(now, start))
    if not timedelta(0) <= last - start <= WINDOW:
        raise Refused(
            "the range is not from earlier to later within 90 days",
            field="start_date, end_date",
            allowed=["at most 90 days, the start first"],
        )
    return Range(start=start, end=last)


def moment_of(text: str | None, *, field: str) -> datetime | None:
    """A time in W3C format; a ``+`` that came as a space is read as it was meant.

    Raises:
        Refused: it is none, or has no offset.
    """
    if text is None or not text.strip():
        return None
    try:
        at = datetime.fromisoformat(text.strip().replace(" ", "+"))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Refused("this is no time", field=field, allowed=["a time with its offset, as 2026-11-21T08:00:00Z"])
    return at


def ids_of(text: str) -> list[UUID]:
    """The ids of a list with commas; one that can be no case's is left out, as one that is nobody's.

    Raises:
        Refused: there are too many.
    """
    given = [one.strip() for one in text.split(",") if one.strip()]
    if len(given) > MOST_IDS:
        raise Refused(f"{len(given)} ids", field="service_request_id", allowed=[f"{MOST_IDS} or fewer"])
    return [found for one in given if (found := _uuid(one)) is not None]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def states_of(text: str | None) -> frozenset[CaseState]:
    """The states that ``open``, ``closed`` or both stand for; nothing asked = every state.

    Raises:
        Refused: another word.
    """
    asked = {one.strip() for one in (text or "").lower().split(",") if one.strip()}
    if not asked <= {"open", "closed"}:
        raise Refused("this is no status", field="status", allowed=["open", "closed"])
    wanted = asked or {"open", "closed"}
    return frozenset(state for state in CaseState if ("open" if is_open(state) else "closed") in wanted)
