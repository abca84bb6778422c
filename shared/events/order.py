"""Orders issued and withdrawn, on the topic of their level; the router alone writes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar
from uuid import UUID

from annotated_types import MaxLen

from shared.events.parts import CaseView, Instant, MatterView, Note, PlaybookRef, Slug, Target, Title, WhistleRef
from shared.vocabulary import Level, OrderReason, OrderRole, Severity


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
class ShadowMatch:
    """A rule in shadow that would have acted: whom it would have asked, in words."""

    rule_id: Slug
    rule_title: Title
    words: Note
    words_en: Note


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
    shadows: Annotated[tuple[ShadowMatch, ...], MaxLen(8)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSettings:
    """What the rules changed on the case; None and empty changed nothing. Only the lead's order carries it.

    Intake takes ``severity`` and ``tags`` over, and enters ``mode`` for the case's area of the
    profile's level.
    """

    severity: Severity | None = None
    tags: Annotated[tuple[Annotated[str, MaxLen(64)], ...], MaxLen(32)] = ()
    mode: Slug | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A demand on one desk or department for one case.

    ``level`` is the level of the target and names the topic; ``generation`` counts the times the
    case was reopened, so that an old order cannot answer for a new round. ``step`` is the step of the
    case's matter; ``on_duty`` names the officers whom the roster had on duty when the order was
    made, first called first.
    """

    order_id: UUID
    case_id: UUID
    role: OrderRole
    reason: OrderReason
    target: Target
    level: Level
    issued_at: Instant
    generation: int = 0
    step: Slug | None = None
    whistle: WhistleRef | None = None
    clock_profile: Slug | None = None
    on_duty: Annotated[tuple[Slug, ...], MaxLen(8)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderIssued:
    """A target is asked to act on ``case``; ``cause_id`` is the event that this answers.

    ``matter`` comes with the lead's order: the steps that the case must be joined of before it resolves.
    ``replaces`` are the orders that this one stands instead of. Their withdrawals come on the topics of
    their own levels, before or after this: who folds several topics need not wait for them.
    """

    TYPE: ClassVar[str] = "whistle.order.issued.v1"
    order: Order
    case: CaseView
    explanation: Explanation
    cause_id: UUID
    sets: CaseSettings | None = None
    matter: MatterView | None = None
    replaces: Annotated[tuple[UUID, ...], MaxLen(64)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderWithdrawn:
    """A target need no longer act; ``replaced_by`` is the order that stands instead, if any.

    ``reason`` and ``reason_en`` say why in Chinese and English; older events
    have the first alone.
    """

    TYPE: ClassVar[str] = "whistle.order.withdrawn.v1"
    order: Order
    case: CaseView
    reason: Note
    cause_id: UUID
    replaced_by: UUID | None = None
    reason_en: Note = ""


OrderEvent = OrderIssued | OrderWithdrawn
