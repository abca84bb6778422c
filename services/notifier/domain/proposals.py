"""Rulings (裁定) as proposals for the duty list: whose duty a desk above said it was, where the list was unclear."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.notifier.domain.audience import under
from shared.events.case import CaseRuled
from shared.playbook.model import Duty, EnforcementItem, Playbook, Power
from shared.vocabulary import VILLAGE_DIGITS, Purpose, TargetKind, covers


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """One ruling: ``department`` answers for ``category`` in ``area``, a village at the finest."""

    event_id: UUID
    case_id: UUID
    department: str
    category: str
    area: str
    ruled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Rulings that say the same, ``cases`` the newest of them; ``power`` None: no playbook names the category."""

    department: str
    category: str
    area: str
    count: int
    first_at: datetime
    last_at: datetime
    cases: tuple[UUID, ...]
    power: Power | None = None


def ruling_of(data: CaseRuled, *, event_id: UUID, at: datetime) -> Ruling | None:
    """The ruling that ``data`` is for the duty list.

    None when a desk is to act, which the list does not name, or when the case was not real.
    """
    if data.to.kind is not TargetKind.DEPARTMENT or data.case.purpose is not Purpose.REAL:
        return None
    return Ruling(
        event_id=event_id,
        case_id=data.case.case_id,
        department=data.to.id,
        category=data.case.category,
        area=data.case.area[:VILLAGE_DIGITS],
        ruled_at=at,
    )


def power_of(category: str, playbook: Playbook) -> Power | None:
    """The power that the lead of a case of ``category`` must have."""
    found = playbook.categories.get(category)
    return None if found is None else found.power


def is_listed(proposal: Proposal, playbook: Playbook) -> bool:
    """Say whether the playbook in force names this duty by now."""
    listed: Iterable[Duty | EnforcementItem]
    if proposal.power is Power.ENFORCE:
        listed = playbook.enforcement
    else:
        listed = (duty for duty in playbook.duties if duty.power is proposal.power)
    return any(
        one.department == proposal.department
        and under(one.category, proposal.category)
        and covers(one.area, proposal.area)
        for one in listed
    )
