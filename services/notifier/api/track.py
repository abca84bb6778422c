"""A report followed by its code: what was done, step by step, and live; no key, no name, no note from inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response

from services.notifier.api.door import Visitor
from services.notifier.api.responses import problems
from services.notifier.api.rooms import InRooms, Rooms, answer
from services.notifier.domain.public_words import STATES
from services.notifier.domain.tracking import Due, Step, closed_at, due
from services.notifier.store.public import Followed
from shared.runtime.problems import Problem
from shared.tracking import digest_of_code
from shared.vocabulary import CaseState
from shared.words import Words

Code = Annotated[
    str,
    Path(
        description="A tracking code: 16 letters and digits; hyphens, spaces and case do not count.",
        max_length=64,
        examples=["K7QM-2XVN-8RTD-C4HP"],
    ),
]

router = APIRouter(prefix="/v1/track")


@dataclass(frozen=True, slots=True, kw_only=True)
class NextView:
    """What whoever reported may do now: rate the outcome, and have it opened again until ``reopen_until``."""

    rate: bool
    reopen_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackView:
    """Where a report has come to. ``merged``: it is handled with ``reports`` - 1 others of the same matter.

    ``held_until`` is when a case that stands still is looked at again; ``due`` the next limit that somebody must keep.
    """

    state: CaseState
    words: Words
    case_id: UUID
    category: Words
    area: Words
    reports: int
    merged: bool
    reported_at: datetime
    updated_at: datetime
    due: Due | None
    held_until: datetime | None
    next: NextView
    steps: Sequence[Step]
    now: datetime


@router.get(
    "/{code}",
    summary="Follow a report by its code",
    response_model=TrackView,
    responses=problems(404, 422, 429, 503),
)
async def track(code: Code, rooms: InRooms, _visitor: Visitor) -> Response:
    """The state of the report and every step of it, in words for the public. The code is all that is needed."""
    return answer(track_view(await followed(code, rooms), rooms))


async def followed(code: str, rooms: Rooms) -> Followed:
    """Where the report with ``code`` has come to.

    Raises:
        Refused: it is no code at all.
        Problem: 404, nobody was ever given it.
    """
    found = await rooms.public.followed(digest_of_code(code))
    if found is None:
        raise _nobodys()
    return found


def _nobodys() -> Problem:
    return Problem(
        404,
        "not-found",
        "There is no such code",
        "nothing is known under this code; a report sent a moment ago may take some seconds to be here",
    )


def track_view(found: Followed, rooms: Rooms) -> TrackView:
    """Return ``found`` as the public reads it."""
    view = found.read.view
    closed = closed_at(found.of_case) if view.state is CaseState.CLOSED else None
    window = rooms.county.reopening(view.area)
    return TrackView(
        state=view.state,
        words=STATES[view.state],
        case_id=view.case_id,
        category=rooms.county.category(view.area, view.category),
        area=rooms.county.area(view.area),
        reports=view.reports,
        merged=found.merged,
        reported_at=found.opened_at,
        updated_at=found.read.updated_at,
        due=due(found.read),
        held_until=None if view.held is None else view.held.until,
        next=NextView(
            rate=view.state is CaseState.CLOSED,
            reopen_until=None if closed is None or window is None else _until(closed + window, rooms.clock()),
        ),
        steps=found.steps,
        now=rooms.clock(),
    )


def _until(end: datetime, now: datetime) -> datetime | None:
    return end if now < end else None


def without_steps(view: TrackView) -> TrackView:
    """The state alone, as the stream says it beside the steps."""
    return replace(view, steps=())
