"""The cases beside a playbook's rules, decided by the router's own code and compared with what is expected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final
from uuid import uuid5
from zoneinfo import ZoneInfo

from services.router.domain.decision import Decision, Demanded
from services.router.domain.facts import Facts
from services.router.domain.routing import route
from services.router.domain.rulebook import Rulebook
from shared.events.envelope import WHISTLE
from shared.events.parts import CaseView, Place, PlaybookRef, Return, Target
from shared.playbook.cases import WorkedCase
from shared.playbook.files.cases import CaseNode, ExpectNode
from shared.playbook.model import Playbook, UnknownYear
from shared.vocabulary import CaseState, OrderReason, OrderRole, TargetKind, level_of

WEDNESDAY: Final = 3
WEEKS_TRIED: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """One thing that came out otherwise than expected; ``field`` is that of `expect`."""

    field: str
    expected: str
    actual: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One case that was decided, and what is wrong with the decision; nothing when it is as expected."""

    worked: WorkedCase
    decision: Decision
    wrong: tuple[Wrong, ...]


def try_all(cases: Sequence[WorkedCase], playbook: Playbook, *, now: datetime) -> Iterator[Tried]:
    """Decide each case by ``playbook``; one that says no time is decided on a quiet workday after ``now``."""
    book = Rulebook(playbook)
    quiet = quiet_moment(playbook, now=now)
    for number, worked in enumerate(cases):
        facts = facts_of(worked.node.case, playbook, quiet=quiet, number=number)
        decision = route(facts, book)
        yield Tried(worked=worked, decision=decision, wrong=tuple(compared(worked.node.expect, decision)))


def facts_of(case: CaseNode, playbook: Playbook, *, quiet: datetime, number: int = 0) -> Facts:
    """Return ``case`` as an opened case event tells it to routing."""
    at = quiet if case.at is None else _with_zone(case.at, playbook)
    category = playbook.categories[case.category]
    view = CaseView(
        case_id=uuid5(WHISTLE, f"case beside the rules {number}"),
        version=1,
        state=CaseState.OPENED,
        county=playbook.county,
        area=case.area,
        level=level_of(case.area),
        category=case.category,
        severity=case.severity or category.severity,
        source=case.source,
        title=case.title,
        opened_at=at,
        playbook=PlaybookRef(version=playbook.version, digest=playbook.digest),
        condition=case.condition,
        tags=case.tags,
        place=Place(lon=case.point.lon, lat=case.point.lat) if case.point is not None else None,
        returns=tuple(_return(who, playbook, at=at) for who in case.returned_by),
        reports=case.reports,
        purpose=case.purpose,
        mode=case.mode,
        earlier=tuple(sorted((at - timedelta(hours=hours) for hours in case.earlier), reverse=True)),
    )
    return Facts.of(view, case.text, at=at)


def compared(expect: ExpectNode, decision: Decision) -> Iterator[Wrong]:
    """Yield what ``expect`` names and ``decision`` does otherwise."""
    actual = actual_of(decision)
    for field, wanted in expect.model_dump(exclude_none=True).items():
        shown = _said(field, wanted)
        if shown != actual[field]:
            yield Wrong(field=field, expected=shown, actual=actual[field])


def actual_of(decision: Decision) -> dict[str, str]:
    """Return what came out, in the fields and words of `expect`."""
    orders = sorted(decision.orders, key=lambda order: order.role is not OrderRole.LEAD)
    lead = orders[0]
    sets = lead.sets
    profiles = {order.clock_profile for order in orders if order.clock_profile}
    return {
        "rule": lead.explanation.rule_id or "none",
        "lead": lead.target.id,
        "assist": _listed(orders, OrderRole.ASSIST),
        "oversee": _listed(orders, OrderRole.OVERSEE),
        "unrouted": _yes(lead.reason is OrderReason.UNROUTED),
        "ruling": _yes(lead.reason is OrderReason.RULING),
        "severity": sets.severity.name if sets is not None and sets.severity is not None else "not set",
        "tags": ", ".join(sorted(sets.tags)) if sets is not None else "",
        "clock_profile": ", ".join(sorted(profiles)) or "none",
        "mode": (sets.mode if sets is not None else None) or "not set",
        "matter": lead.matter.id if lead.matter is not None else "none",
        "shadows": ", ".join(sorted(shadow.rule_id for shadow in lead.explanation.shadows)),
    }


def quiet_moment(playbook: Playbook, *, now: datetime) -> datetime:
    """Return noon, local, of the next Wednesday that is a workday; of the next one at all when none is known."""
    zone = ZoneInfo(playbook.timezone)
    today = now.astimezone(zone).date()
    first = today + timedelta(days=(WEDNESDAY - today.isoweekday()) % 7)
    for week in range(WEEKS_TRIED):
        day = first + timedelta(weeks=week)
        try:
            if playbook.calendar.openings_on(day):
                return datetime.combine(day, time(12), zone).astimezone(UTC)
        except UnknownYear:
            break
    return datetime.combine(first, time(12), zone).astimezone(UTC)


def _said(field: str, wanted: object) -> str:
    if isinstance(wanted, bool):
        return _yes(wanted)
    if isinstance(wanted, tuple | list):
        return ", ".join(sorted(str(one) for one in wanted))
    return getattr(wanted, "name", str(wanted)) if field == "severity" else str(wanted)


def _listed(orders: Sequence[Demanded], role: OrderRole) -> str:
    return ", ".join(sorted(order.target.id for order in orders if order.role is role))


def _yes(held: bool) -> str:
    return "yes" if held else "no"


def _return(who: str, playbook: Playbook, *, at: datetime) -> Return:
    kind = TargetKind.DEPARTMENT if who in playbook.departments else TargetKind.DESK
    return Return(order_id=uuid5(WHISTLE, who), target=Target(kind=kind, id=who), reason="returned", at=at)


def _with_zone(moment: datetime, playbook: Playbook) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(playbook.timezone))
