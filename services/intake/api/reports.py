"""Reports come in here as JSON."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Response
from fastapi.routing import APIRouter

from services.intake.api.bodies import AcceptedBody, ReportBody
from services.intake.api.direct import DirectRoute
from services.intake.api.limits import limits_of
from services.intake.api.rooms import REPLAYED, IdempotencyKey, asker, counted, problems, response, rooms_of
from services.intake.domain.life.permissions import Bearer
from services.intake.handlers import accept_report

router = APIRouter(prefix="/v1", route_class=DirectRoute)


@router.post(
    "/reports",
    status_code=201,
    summary="Send a report",
    response_model=AcceptedBody,
    responses={
        201: {"description": "Durable: the report has become a case.", "headers": REPLAYED},
        **problems(400, 401, 403, 413, 415, 422, 503),
    },
)
async def post_report(
    body: ReportBody,
    request: Request,
    bearer: Annotated[Bearer, Depends(asker)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Place the report, name its category, and open a case.

    Answered 201 only after the case is durable. Your own `Idempotency-Key` makes a repeat harmless.
    """
    rooms = rooms_of(request)
    limits_of(request).take_source(bearer.area, body.source)
    with counted(rooms.metrics.reports, body.source) as count:
        reply = await accept_report(body.as_report(), bearer=bearer, client_key=idempotency_key, doors=rooms.doors)
        count("replayed" if reply.replayed else "accepted")
    return response(reply, status=201)
