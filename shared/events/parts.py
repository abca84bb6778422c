"""The values that several events carry: who, where, which case, which playbook."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from annotated_types import Ge, Le, MaxLen, MinLen

from shared.vocabulary import (
    NORMAL,
    ActorKind,
    AreaCode,
    Aware,
    CaseState,
    CategoryCode,
    Level,
    OrderReason,
    OrderRole,
    OrderState,
    Purpose,
    Severity,
    Source,
    TargetKind,
    WhistleKind,
)

Instant = Annotated[datetime, Aware()]
"""A moment, always with its offset; written in UTC."""

Note = Annotated[str, MaxLen(2000)]
"""Words of a person, personal data masked."""

Slug = Annotated[str, MinLen(1), MaxLen(64)]
"""An id that the playbook gives: of a rule, a mode, a matter, a step."""

Title = Annotated[str, MaxLen(200)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybookRef:
    """Which playbook decided; ``digest`` is the SHA-256 of its content in hex."""

    version: Annotated[str, MinLen(1), MaxLen(64)]
    digest: Annotated[str, MinLen(64), MaxLen(64)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Who is asked to act: a desk, whose id is its area code, or a department."""

    kind: TargetKind
    id: Annotated[str, MinLen(1), MaxLen(64)]
    name: Annotated[str, MaxLen(120)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who did it; ``key_id`` names the key that was used, ``id`` the desk, department or source."""

    kind: ActorKind
    id: Annotated[str, MaxLen(64)]
    name: Annotated[str, MaxLen(120)] = ""
    key_id: Annotated[str, MaxLen(64)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A point in WGS-84 degrees. A resident's exact home never stands here."""

    lon: Annotated[float, Ge(-180), Le(180)]
    lat: Annotated[float, Ge(-90), Le(90)]


Digest = Annotated[str, MinLen(64), MaxLen(64)]
"""A SHA-256 in hex."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What intake thinks a report is about, before anybody has said so.

    ``confidence`` and ``second_confidence`` are 0 to 1; ``words`` are those that decided.
    """

    category: CategoryCode
    confidence: Annotated[float, Ge(0), Le(1)]
    words: Annotated[tuple[Annotated[str, MaxLen(64)], ...], MaxLen(16)] = ()
    second: CategoryCode | None = None
    second_confidence: Annotated[float, Ge(0), Le(1)] = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """A case that may be the same matter; ``score`` is 0 to 1, ``why`` what speaks for it and against."""

    case_id: UUID
    score: Annotated[float, Ge(0), Le(1)]
    why: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """A photo of a report, as it is stored: without the data that the camera wrote into it.

    ``photo_id`` is the SHA-256 of what is stored; ``taken_at`` and ``place`` are what the camera said.
    """

    photo_id: Digest
    media_type: Annotated[str, MaxLen(32)]
    width: Annotated[int, Ge(1)]
    height: Annotated[int, Ge(1)]
    bytes: Annotated[int, Ge(1)]
    taken_at: Instant | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The four things that an answer to a reporter must name (答复四要素), personal data masked."""

    accepted_at: Instant
    spoken_with: Annotated[str, MinLen(1), MaxLen(120)]
    done: Annotated[str, MinLen(1), MaxLen(2000)]
    done_by: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Why a case's clocks stand still: ``code`` is the reason's id, ``hung`` when a leader hung it to ``until``."""

    code: Slug
    since: Instant
    until: Instant | None = None
    hung: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """One order given back, by whom and why; routing never asks the same target again by itself."""

    order_id: UUID
    target: Target
    reason: Note
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class WhistleRef:
    """The whistle that an order belongs to."""

    whistle_id: UUID
    kind: WhistleKind


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """One step of a case's matter as of one event.

    ``state`` is that of its order; None while it waits for the steps in ``after``. Withdrawn means
    released: whoever waits for it waits no longer.
    """

    id: Slug
    title: Title
    after: Annotated[tuple[Slug, ...], MaxLen(24)] = ()
    state: OrderState | None = None
    order_id: UUID | None = None
    target: Target | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MatterView:
    """The 一件事 that the case is run as: all of its steps in one place."""

    id: Slug
    title: Title
    steps: Annotated[tuple[StepView, ...], MinLen(1), MaxLen(24)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An order of the case as intake knows it: what routing needs to add to, replace or spare it."""

    order_id: UUID
    role: OrderRole
    reason: OrderReason
    target: Target
    level: Level
    state: OrderState
    issued_at: Instant
    step: Slug | None = None
    whistle: WhistleRef | None = None


Orders = Annotated[tuple[Standing, ...], MaxLen(64)]
"""The orders of the case that still stand, in the order in which they came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """The case as of one event: all that routing, clocks and filters need of its past.

    ``area`` is the finest area known (6 to 15 digits); ``level`` the level that has the case in
    hand; ``reports`` how many reports it stands for; ``title`` is masked. ``mode`` is the one in force
    where and when the event happened (for a drill's profile: in drill cases alone); ``earlier`` says
    when earlier cases of the same category in the same village were opened, newest first, as far back
    as 90 days; ``holder`` is who signed last as the lead and answers until another has (首接负责).
    ``master`` is the case that a merged one goes on in; ``held`` stands while its clocks stand still;
    ``extensions`` were granted; ``exempt`` by an appeal upheld; ``mass`` for many reports in a short time.
    """

    case_id: UUID
    version: Annotated[int, Ge(1)]
    state: CaseState
    county: AreaCode
    area: AreaCode
    level: Level
    category: CategoryCode
    severity: Severity
    source: Source
    title: Annotated[str, MaxLen(80)]
    opened_at: Instant
    playbook: PlaybookRef
    condition: Annotated[str, MaxLen(64)] | None = None
    tags: Annotated[tuple[Annotated[str, MaxLen(64)], ...], MaxLen(32)] = ()
    place: Place | None = None
    lead: Target | None = None
    returns: Annotated[tuple[Return, ...], MaxLen(32)] = ()
    reports: Annotated[int, Ge(1)] = 1
    reopened: Annotated[int, Ge(0)] = 0
    purpose: Purpose = Purpose.REAL
    mode: Slug = NORMAL
    earlier: Annotated[tuple[Instant, ...], MaxLen(16)] = ()
    holder: Target | None = None
    matter: MatterView | None = None
    master: UUID | None = None
    held: Held | None = None
    extensions: Annotated[int, Ge(0)] = 0
    exempt: bool = False
    mass: bool = False
    secret: bool = False
    """Its reporter asked for secrecy: nothing of it stands where everybody may read."""
