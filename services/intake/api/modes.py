"""A change of mode is proposed and confirmed here."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response
from fastapi.routing import APIRouter

from services.intake.api.bodies import ModeBody, ModeChangeBody, ProblemBody
from services.intake.api.rooms import REPLAYED, IdempotencyKey, asker, counted, problem, problems, response, rooms_of
from services.intake.domain.life.permissions import Bearer
from services.intake.handlers import confirm_mode, propose_mode

router = APIRouter(prefix="/v1")


@router.post(
    "/modes",
    status_code=202,
    summary="Propose a change of mode",
    response_model=ModeChangeBody,
    responses={
        202: {"description": "Durable: it waits for a second person, for half an hour.", "headers": REPLAYED},
        409: problem(ProblemBody, "The mode in force does not allow it."),
        **problems(400, 401, 403, 413, 415, 422, 503),
    },
)
async def post_mode(
    body: ModeBody,
    request: Request,
    bearer: Annotated[Bearer, Depends(asker)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Propose that a mode of the playbook be entered in an area, or `normal` that the one in force be left.

    A later proposal for the same area takes the place of one that nobody has confirmed.
    """
    rooms = rooms_of(request)
    with counted(rooms.metrics.mode_requests, "propose") as count:
        reply = await propose_mode(body.as_request(), bearer=bearer, client_key=idempotency_key, doors=rooms.doors)
        count("replayed" if reply.replayed else "done")
    return response(reply, status=202)


@router.post(
    "/modes/{change_id}/confirm",
    summary="Confirm a change of mode",
    response_model=ModeChangeBody,
    responses={
        200: {"description": "Durable: the mode is in force; open cases are settled next.", "headers": REPLAYED},
        409: problem(ProblemBody, "The proposal is no longer open, or the mode in force does not allow it."),
        **problems(401, 403, 404, 413, 422, 503),
    },
)
async def post_confirm(
    change_id: UUID,
    request: Request,
    bearer: Annotated[Bearer, Depends(asker)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Be the second person: another key, by another name, than who proposed it."""
    rooms = rooms_of(request)
    with counted(rooms.metrics.mode_requests, "confirm") as count:
        reply = await confirm_mode(change_id, bearer=bearer, client_key=idempotency_key, doors=rooms.doors)
        count("replayed" if reply.replayed else "done")
    return response(reply, status=200)
