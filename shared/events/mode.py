"""The mode in force in an area, on ``whistle.mode.v1``; intake alone writes it, one record an area."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar
from uuid import UUID

from annotated_types import MaxLen

from shared.events.parts import Actor, Instant, Note, PlaybookRef, Slug
from shared.vocabulary import AreaCode, ModeKind, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeChanged:
    """From now on ``mode`` is in force in ``area`` and all inside it, until another is (平战转换).

    ``normal`` leaves it to the area above. ``confirmed_by`` is the second person; None when a rule on
    warnings entered it, whose case ``cause_id`` then names. ``grade`` and ``title`` are the profile's.
    """

    TYPE: ClassVar[str] = "whistle.mode.changed.v1"
    change_id: UUID
    area: AreaCode
    mode: Slug
    before: Slug
    kind: ModeKind
    title: Annotated[str, MaxLen(120)]
    title_en: Annotated[str, MaxLen(120)]
    by: Actor
    reason: Note
    changed_at: Instant
    playbook: PlaybookRef
    grade: Severity | None = None
    confirmed_by: Actor | None = None
    cause_id: UUID | None = None
