"""Every action on a case comes in here."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response
from fastapi.routing import APIRouter

from services.intake.api.bodies import ActedBody, ActionBody, WrongStateBody
from services.intake.api.direct import DirectRoute
from services.intake.api.rooms import REPLAYED, IdempotencyKey, asker, counted, problem, problems, response, rooms_of
from services.intake.domain.life.permissions import Bearer
from services.intake.handlers import act_on_case

router = APIRouter(prefix="/v1", route_class=DirectRoute)


@router.post(
    "/cases/{case_id}/actions",
    summary="Act on a case",
    response_model=ActedBody,
    responses={
        200: {"description": "Durable: the action is done.", "headers": REPLAYED},
        409: problem(WrongStateBody, "Not open in this state: names the state and what is open."),
        **problems(400, 401, 403, 404, 413, 415, 422, 503),
    },
)
async def post_action(
    case_id: UUID,
    body: ActionBody,
    request: Request,
    bearer: Annotated[Bearer, Depends(asker)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Sign, arrive, progress, resolve or return an order; verify, reject, close, reopen or rate the case.

    Whistle for departments, confirm or decline that; release, transfer or rule upon an order. File or refuse what
    waits, name it anew, merge, split, note, hand over; pause, hang, resume; extend, approve or decline that; supervise,
    reply, sign off or send back; appeal, review; rate a department. Which fields each needs stands in the body.
    """
    rooms = rooms_of(request)
    with counted(rooms.metrics.actions, body.action) as count:
        reply = await act_on_case(
            case_id, body.as_request(), bearer=bearer, client_key=idempotency_key, doors=rooms.doors
        )
        count("replayed" if reply.replayed else "done")
    return response(reply, status=200)
