"""The modes in force by area (平战转换), what changed before, and what each change did to open cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.notifier.api.filters import AreaQuery, Asked, Cursor
from services.notifier.api.responses import problems
from services.notifier.api.rooms import InRooms, Reader, answer, scope_of
from services.notifier.domain.settling import Settled
from services.notifier.store.modes import ModePage, ModeRead
from shared.events.parts import Actor
from shared.vocabulary import ModeKind, Severity
from shared.words import Words

router = APIRouter(prefix="/v1")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeView:
    """One change: from ``changed_at`` on ``mode`` was in force in ``area`` and all inside it.

    ``confirmed_by`` null: a rule on warnings entered it, for the case ``cause_id``. ``settled`` counts
    the cases that this key may see: rerouted, withdrawn (an order was), kept.
    """

    change_id: UUID
    area: str
    mode: str
    before: str
    kind: ModeKind
    title: Words
    grade: Severity | None
    changed_at: datetime
    by: Actor
    confirmed_by: Actor | None
    cause_id: UUID | None
    reason: str
    playbook_version: str
    settled: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeListView:
    """``in_force``: areas in another mode than normal, the larger first. ``history``: newest first."""

    in_force: Sequence[ModeView]
    history: Sequence[ModeView]
    next: str | None
    now: datetime


@router.get("/modes", summary="Modes in force", response_model=ModeListView, responses=problems(401, 403, 422, 503))
async def get_modes(
    rooms: InRooms,
    reader: Reader,
    *,
    area: AreaQuery = None,
    cursor: Annotated[str | None, Query(description="`next` of the page before.", max_length=128)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Response:
    """Of the key's area (or `area` in it), of what lies inside, and of what holds it: the smallest in force counts."""
    asked = Asked(area=area).filter(reader)
    after = None if cursor is None else Cursor.read(cursor)
    found = await rooms.modes.find(
        scope_of(reader),
        area=asked.area,
        after=None if after is None else ModePage(changed_at=after.at, change_id=after.of),
        most=limit,
    )
    last = found.history[-1].change if found.more else None
    return answer(
        ModeListView(
            in_force=[mode_view(one) for one in found.in_force],
            history=[mode_view(one) for one in found.history],
            next=None if last is None else Cursor(at=last.changed_at, of=last.change_id).text,
            now=rooms.clock(),
        )
    )


def mode_view(read: ModeRead) -> ModeView:
    """Return a change as it is shown."""
    change = read.change
    return ModeView(
        change_id=change.change_id,
        area=change.area,
        mode=change.mode,
        before=change.before,
        kind=change.kind,
        title=Words(zh=change.title, en=change.title_en),
        grade=change.grade,
        changed_at=change.changed_at,
        by=change.by,
        confirmed_by=change.confirmed_by,
        cause_id=change.cause_id,
        reason=change.reason,
        playbook_version=change.playbook.version,
        settled={outcome.value: read.settled.get(outcome, 0) for outcome in Settled},
    )
