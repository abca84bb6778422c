"""The endpoints that write: every report, every action on a case and every change of mode comes in here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, FastAPI, Header, Request, Response
from fastapi.routing import APIRouter
from prometheus_client import Counter

from services.intake.api.bodies import (
    AcceptedBody,
    ActedBody,
    ActionBody,
    ModeBody,
    ModeChangeBody,
    ProblemBody,
    ReportBody,
    WrongStateBody,
)
from services.intake.api.refusals import outage, problem_of
from services.intake.domain.permissions import Bearer
from services.intake.handlers import Doors, Reply, accept_report, act_on_case, confirm_mode, propose_mode
from services.intake.metrics import Metrics
from shared.runtime.auth import KeyRing, Principal
from shared.runtime.bearer import bearer
from shared.runtime.problems import ProblemHooks, install
from shared.vocabulary import Refused

_MEDIA_TYPE: Final = "application/problem+json"
_REPLAYED: Final[dict[str, Any]] = {
    "Idempotent-Replayed": {
        "description": "`true` when the same request was answered before and this is that answer.",
        "schema": {"type": "string", "enum": ["true"]},
    }
}

router = APIRouter(prefix="/v1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """What the endpoints need; hung on the app."""

    doors: Doors
    keyring: KeyRing
    metrics: Metrics


def describe_api() -> FastAPI:
    """The endpoints alone, for the OpenAPI file."""
    app = FastAPI(
        title="Whistle intake",
        summary="Reports, actions on cases and changes of mode come in here; reading and listening is the notifier's.",
        version="1",
        docs_url=None,
        redoc_url=None,
    )
    app.include_router(router)
    described = app.openapi

    def openapi() -> dict[str, Any]:
        return _problems_alone(described())

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to change the document
    return app


def make_api(doors: Doors, keyring: KeyRing, metrics: Metrics) -> FastAPI:
    """The HTTP API as an ASGI app; errors by RFC 9457."""
    app = describe_api()
    app.state.rooms = Rooms(doors=doors, keyring=keyring, metrics=metrics)
    install(app, ProblemHooks(refusal=problem_of, outage=outage, observe=metrics.observe_http))
    return app


def _problems_alone(schema: dict[str, Any]) -> dict[str, Any]:
    """FastAPI also writes each error as plain JSON; ours have one media type."""
    for path in schema["paths"].values():
        for operation in path.values():
            for answer in operation["responses"].values():
                if _MEDIA_TYPE in answer.get("content", {}):
                    answer["content"].pop("application/json", None)
    return schema


def _rooms(request: Request) -> Rooms:
    rooms: Rooms = request.app.state.rooms
    return rooms


def _keyring(request: Request) -> KeyRing:
    return _rooms(request).keyring


async def _bearer(principal: Annotated[Principal, Depends(bearer(_keyring))]) -> Bearer:
    return Bearer(
        key_id=principal.key_id,
        role=principal.role,
        area=principal.area,
        department=principal.department,
        name=principal.name,
    )


IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=128,
        pattern=r"^[\x21-\x7e]+$",
        description="Your own name for this request: sent again with it, it is done once and answered alike.",
    ),
]


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: _problem(ProblemBody, _WORDS[status]) for status in statuses}


def _problem(model: type[ProblemBody], words: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"model": model, "description": words, "content": {_MEDIA_TYPE: {"schema": schema}}}


_WORDS: Final = {
    400: "The body is no JSON in UTF-8.",
    401: "The key is missing or not known.",
    403: "The key may not do this; says who may.",
    404: "There is no such case or change of mode.",
    413: "The body is larger than 256 kB.",
    415: "The body is not application/json.",
    422: "A field is wrong: names it and what is allowed.",
    503: "PostgreSQL or the playbook is away: send the same request again after Retry-After seconds.",
}


@router.post(
    "/reports",
    status_code=201,
    summary="Send a report",
    response_model=AcceptedBody,
    responses={
        201: {"description": "Durable: the report has become a case.", "headers": _REPLAYED},
        **_problems(400, 401, 403, 413, 415, 422, 503),
    },
)
async def post_report(
    body: ReportBody,
    request: Request,
    bearer: Annotated[Bearer, Depends(_bearer)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Place the report, name its category, and open a case.

    Answered 201 only after the case is durable. Your own `Idempotency-Key` makes a repeat harmless.
    """
    rooms = _rooms(request)
    with _counted(rooms.metrics.reports, body.source) as count:
        reply = await accept_report(body.as_report(), bearer=bearer, client_key=idempotency_key, doors=rooms.doors)
        count("replayed" if reply.replayed else "accepted")
    return _response(reply, status=201)


@router.post(
    "/cases/{case_id}/actions",
    summary="Act on a case",
    response_model=ActedBody,
    responses={
        200: {"description": "Durable: the action is done.", "headers": _REPLAYED},
        409: _problem(WrongStateBody, "Not open in this state: names the state and what is open."),
        **_problems(400, 401, 403, 404, 413, 415, 422, 503),
    },
)
async def post_action(
    case_id: UUID,
    body: ActionBody,
    request: Request,
    bearer: Annotated[Bearer, Depends(_bearer)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Sign, arrive, progress, resolve or return an order; verify, reject, close, reopen or rate the case.

    Whistle for departments, confirm or decline that; release, transfer or rule upon an order.
    """
    rooms = _rooms(request)
    with _counted(rooms.metrics.actions, body.action) as count:
        reply = await act_on_case(
            case_id, body.as_request(), bearer=bearer, client_key=idempotency_key, doors=rooms.doors
        )
        count("replayed" if reply.replayed else "done")
    return _response(reply, status=200)


@router.post(
    "/modes",
    status_code=202,
    summary="Propose a change of mode",
    response_model=ModeChangeBody,
    responses={
        202: {"description": "Durable: it waits for a second person, for half an hour.", "headers": _REPLAYED},
        409: _problem(ProblemBody, "The mode in force does not allow it."),
        **_problems(400, 401, 403, 413, 415, 422, 503),
    },
)
async def post_mode(
    body: ModeBody,
    request: Request,
    bearer: Annotated[Bearer, Depends(_bearer)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Propose that a mode of the playbook be entered in an area, or `normal` that the one in force be left.

    A later proposal for the same area takes the place of one that nobody has confirmed.
    """
    rooms = _rooms(request)
    with _counted(rooms.metrics.mode_requests, "propose") as count:
        reply = await propose_mode(body.as_request(), bearer=bearer, client_key=idempotency_key, doors=rooms.doors)
        count("replayed" if reply.replayed else "done")
    return _response(reply, status=202)


@router.post(
    "/modes/{change_id}/confirm",
    summary="Confirm a change of mode",
    response_model=ModeChangeBody,
    responses={
        200: {"description": "Durable: the mode is in force; open cases are settled next.", "headers": _REPLAYED},
        409: _problem(ProblemBody, "The proposal is no longer open, or the mode in force does not allow it."),
        **_problems(401, 403, 404, 413, 422, 503),
    },
)
async def post_confirm(
    change_id: UUID,
    request: Request,
    bearer: Annotated[Bearer, Depends(_bearer)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Be the second person: another key, by another name, than who proposed it."""
    rooms = _rooms(request)
    with _counted(rooms.metrics.mode_requests, "confirm") as count:
        reply = await confirm_mode(change_id, bearer=bearer, client_key=idempotency_key, doors=rooms.doors)
        count("replayed" if reply.replayed else "done")
    return _response(reply, status=200)


class _Count:
    def __init__(self, counter: Counter, label: str) -> None:
        self._counter = counter
        self._label = label

    def __call__(self, outcome: str) -> None:
        self._counter.labels(self._label, outcome).inc()


@contextmanager
def _counted(counter: Counter, label: str) -> Iterator[_Count]:
    count = _Count(counter, label)
    try:
        yield count
    except Refused:
        count("refused")
        raise


def _response(reply: Reply, *, status: int) -> Response:
    headers = {"Idempotent-Replayed": "true"} if reply.replayed else {}
    return Response(reply.body, status_code=status, media_type="application/json", headers=headers)
