"""Warnings come in here as CAP 1.2: a chain of Alert, Update and Cancel is one case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Request
from fastapi.routing import APIRouter

from services.intake.api.bodies.parts import Body
from services.intake.api.cap_reading import read_cap
from services.intake.api.fronts import BODIES, CAP
from services.intake.api.limits import limits_of
from services.intake.api.rooms import asker, counted, problems, rooms_of
from services.intake.domain.life.permissions import Bearer, must_report
from services.intake.domain.sources.cap import SAYS, CapAlert, note_of, purpose_of, report_of
from services.intake.domain.sources.chains import Outcome, Says
from services.intake.handlers.chains import Message, Taken, take_message
from services.intake.handlers.doors import Doors
from shared.vocabulary import Source

FRONT: Final = "cap"
_BODY: Final[dict[str, Any]] = {
    "required": True,
    "content": {kind: {"schema": {"type": "string"}} for kind in sorted(BODIES[CAP].media_types)},
}

router = APIRouter()


class CapTakenBody(Body):
    """The message is durable: what became of it, and of which case."""

    outcome: Outcome
    case_id: UUID | None


@router.post(
    CAP,
    summary="Send a warning as CAP 1.2",
    responses={
        200: {"description": "Durable: the warning's case stands, and knows what is new."},
        **problems(400, 401, 403, 408, 413, 415, 422, 503),
    },
    openapi_extra={"requestBody": _BODY},
)
async def post_cap(request: Request, bearer: Annotated[Bearer, Depends(asker)]) -> CapTakenBody:
    """Open the case of a warning, or tell it what an Update or a Cancel says; a Cancel closes no case.

    Status `Exercise` is a drill; `Test`, `Draft` and `System` are refused. Severities Extreme to Minor are I to IV.
    The area is a `geocode` named `area`, else a point inside the first polygon or circle, else the key's area.
    """
    rooms = rooms_of(request)
    must_report(bearer, bearer.area)
    limits_of(request).take_source(bearer.area, Source.HANDOVER)
    with counted(rooms.metrics.reports, Source.HANDOVER) as count:
        taken = await _take(read_cap(await request.body()), bearer, rooms.doors)
        count(taken.outcome)
    return CapTakenBody(outcome=taken.outcome, case_id=taken.case_id)


async def _take(alert: CapAlert, bearer: Bearer, doors: Doors) -> Taken:
    purpose_of(alert)
    says = SAYS.get(alert.kind)
    if says is None:
        return Taken(outcome=Outcome.KNOWN, case_id=None)
    message = Message(
        front=FRONT,
        reference=alert.reference,
        says=says,
        report=report_of(alert, area=bearer.area, now=doors.clock()),
        note=note_of(alert),
        once=True,
        earlier=() if says is Says.FIRES else _oldest_first(alert.references),
    )
    return await take_message(message, bearer=bearer, doors=doors)


def _oldest_first(references: Sequence[str]) -> tuple[str, ...]:
    """By when they were sent, the last of the three parts of a reference."""
    return tuple(sorted(references, key=lambda one: one.rpartition(",")[2]))
