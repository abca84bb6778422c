"""Early warnings (风险预警) on ``whistle.warning.v1``: more reports than usual, raised → updated → ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar
from uuid import UUID

from annotated_types import Ge, Gt, MaxLen, MinLen

from shared.events.parts import Instant, Note, Place, PlaybookRef, Slug
from shared.vocabulary import AreaCode, CategoryCode, Severity

MOST_CASES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A circle in which the reports lie (热点)."""

    centre: Place
    metres: Annotated[int, Ge(1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyWarning:
    """What is more than usual, where, by which figures.

    Within ``window_minutes`` up to ``until`` there were ``observed`` reports of ``category`` and below in ``area`` (in
    ``spot``, when there is one); ``since`` is the first of them. ``usual`` are those that the last weeks let expect for
    such a window at that time of the week; so many or more come once in ``odds`` such windows. ``cases`` are
    the newest of the ``case_count`` cases that the reports belong to.
    """

    warning_id: UUID
    county: AreaCode
    area: AreaCode
    category: CategoryCode
    rule: Slug
    title: Annotated[str, MaxLen(500)]
    title_en: Annotated[str, MaxLen(500)]
    since: Instant
    until: Instant
    window_minutes: Annotated[int, Ge(1)]
    observed: Annotated[int, Ge(0)]
    usual: Annotated[float, Ge(0)]
    odds: Annotated[float, Gt(0)]
    reason: Note
    reason_en: Note
    cases: Annotated[tuple[UUID, ...], MaxLen(MOST_CASES)]
    case_count: Annotated[int, Ge(0)]
    playbook: PlaybookRef
    spot: Spot | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningCaseAsked:
    """The case that intake opens for a warning, as its rule says; without a severity it has its category's."""

    text: Annotated[str, MinLen(1), MaxLen(8000)]
    severity: Severity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningRaised:
    """For the first time there is more than usual by so much; ``case`` is opened with it, if any."""

    TYPE: ClassVar[str] = "whistle.warning.raised.v1"
    warning: EarlyWarning
    raised_at: Instant
    case: WarningCaseAsked | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningUpdated:
    """It has grown by half since it was last told."""

    TYPE: ClassVar[str] = "whistle.warning.updated.v1"
    warning: EarlyWarning
    updated_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningEnded:
    """It is as usual again; ``warning`` has the figures of the end, ``peak`` the most that was told."""

    TYPE: ClassVar[str] = "whistle.warning.ended.v1"
    warning: EarlyWarning
    ended_at: Instant
    peak: Annotated[int, Ge(1)]


WarningEvent = WarningRaised | WarningUpdated | WarningEnded
"""Everything on ``whistle.warning.v1``."""
