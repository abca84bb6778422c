"""Before a report is sent: is it somebody's already?"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Response
from fastapi.routing import APIRouter

from services.intake.api.bodies import ReportBody
from services.intake.api.bodies.alike import AlikeBody
from services.intake.api.limits import limits_of
from services.intake.api.rooms import asker, problems, rooms_of
from services.intake.domain.life.permissions import Bearer
from services.intake.handlers.alike import find_alike

router = APIRouter(prefix="/v1")


@router.post(
    "/reports/alike",
    summary="Ask whether a report's matter is known already",
    response_model=AlikeBody,
    responses={
        200: {"description": "Cases that may be the same matter; nothing was kept."},
        **problems(400, 401, 403, 413, 415, 422, 503),
    },
)
async def post_alike(body: ReportBody, request: Request, bearer: Annotated[Bearer, Depends(asker)]) -> Response:
    """Say which cases the report may be about: the same body as to send it, before it is sent.

    Three neighbours may have reported this. Send the report with `same_as` to join one of them.
    """
    limits_of(request).take_source(bearer.area, body.source)
    found = await find_alike(body.as_report(), bearer=bearer, doors=rooms_of(request).doors)
    return Response(found, media_type="application/json")
