"""Orders issued and withdrawn, on the topic of their level; the router alone writes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar
from uuid import UUID

from annotated_types import MaxLen

from shared.events.parts import CaseView, Instant, Note, PlaybookRef, Target
from shared.vocabulary import Level, OrderReason, OrderRole


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition as it was tried: what was asked of ``field``, what was there, whether it held."""

    field: Annotated[str, MaxLen(64)]
    operator: Annotated[str, MaxLen(32)]
    expected: Annotated[str, MaxLen(500)]
    actual: Annotated[str, MaxLen(500)]
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMiss:
    """A rule that all but matched, with the one condition that failed."""

    rule_id: Annotated[str, MaxLen(64)]
    rule_title: Annotated[str, MaxLen(200)]
    failed: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why here: the rule, its conditions with their values, who was chosen how, and in words.

    ``rule_id`` is absent when no rule decided (unrouted, returned, escalated); ``words`` and
    ``words_en`` are the whole answer in one sentence, Chinese and English.
    """

    playbook: PlaybookRef
    words: Note
    words_en: Note
    rule_id: Annotated[str, MaxLen(64)] | None = None
    rule_version: Annotated[str, MaxLen(32)] | None = None
    rule_title: Annotated[str, MaxLen(200)] | None = None
    conditions: Annotated[tuple[Condition, ...], MaxLen(32)] = ()
    near_misses: Annotated[tuple[NearMiss, ...], MaxLen(8)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A demand on one desk or department for one case.

    ``level`` is the level of the target and names the topic; ``generation`` counts the times the
    case was reopened, so that an old order cannot answer for a new round.
    """

    order_id: UUID
    case_id: UUID
    role: OrderRole
    reason: OrderReason
    target: Target
    level: Level
    issued_at: Instant
    generation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderIssued:
    """A target is asked to act on ``case``; ``cause_id`` is the event that this answers."""

    TYPE: ClassVar[str] = "whistle.order.issued.v1"
    order: Order
    case: CaseView
    explanation: Explanation
    cause_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderWithdrawn:
    """A target need no longer act; ``replaced_by`` is the order that stands instead, if any."""

    TYPE: ClassVar[str] = "whistle.order.withdrawn.v1"
    order: Order
    case: CaseView
    reason: Note
    cause_id: UUID
    replaced_by: UUID | None = None


OrderEvent = OrderIssued | OrderWithdrawn
