"""When a case's clocks stand still or run longer, and who allowed it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from shared.events.parts import Actor, CaseView, Instant, Note, Slug
from shared.vocabulary import ClockKind


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePaused:
    """The lead cannot go on for a reason that the county allows (暂停): its clocks keep their remainder.

    ``code`` is the reason's id in the playbook; without ``until`` it waits for a word.
    """

    TYPE: ClassVar[str] = "whistle.case.paused.v1"
    case: CaseView
    by: Actor
    code: Slug
    reason: Note
    order_id: UUID | None = None
    until: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseHung:
    """A leader hung the case to a date (挂账): every clock of it keeps its remainder until then."""

    TYPE: ClassVar[str] = "whistle.case.hung.v1"
    case: CaseView
    by: Actor
    until: Instant
    reason: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResumed:
    """A paused or hung case goes on, by somebody's word or because its date has come."""

    TYPE: ClassVar[str] = "whistle.case.resumed.v1"
    case: CaseView
    by: Actor
    reason: Note = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseExtensionAsked:
    """The holder of an order asks for more time before its deadline (延期申请)."""

    TYPE: ClassVar[str] = "whistle.case.extension_asked.v1"
    case: CaseView
    by: Actor
    extension_id: UUID
    order_id: UUID
    due_at: Instant
    to: Instant
    reason: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseExtensionBacked:
    """The first of the two approvals."""

    TYPE: ClassVar[str] = "whistle.case.extension_backed.v1"
    case: CaseView
    by: Actor
    extension_id: UUID
    order_id: UUID
    note: Note = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseExtensionDeclined:
    """Either of the two did not approve; a refusal does not count against the most that are allowed."""

    TYPE: ClassVar[str] = "whistle.case.extension_declined.v1"
    case: CaseView
    by: Actor
    extension_id: UUID
    order_id: UUID
    reason: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseExtended:
    """The second approval: the order's ``clock`` is due at ``to`` (延期)."""

    TYPE: ClassVar[str] = "whistle.case.extended.v1"
    case: CaseView
    by: Actor
    extension_id: UUID
    order_id: UUID
    to: Instant
    clock: ClockKind = ClockKind.HANDLE
    note: Note = ""
