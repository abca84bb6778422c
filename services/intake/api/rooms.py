"""What the endpoints share: the rooms behind them, who calls, counting, and how answers and errors look."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Request, Response
from prometheus_client import Counter

from services.intake.api.bodies import ProblemBody
from services.intake.api.limits import limits_of
from services.intake.domain.life.permissions import Bearer
from services.intake.handlers import Doors, Reply
from services.intake.metrics import Metrics
from shared.runtime.auth import KeyRing, Principal
from shared.runtime.bearer import bearer
from shared.runtime.patterns import VISIBLE
from shared.vocabulary import Refused

MEDIA_TYPE: Final = "application/problem+json"
REPLAYED: Final[dict[str, Any]] = {
    "Idempotent-Replayed": {
        "description": "`true` when the same request was answered before and this is that answer.",
        "schema": {"type": "string", "enum": ["true"]},
    }
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """What the endpoints need; hung on the app."""

    doors: Doors
    keyring: KeyRing
    metrics: Metrics


def rooms_of(request: Request) -> Rooms:
    """The rooms of the app that the request came to."""
    rooms: Rooms = request.app.state.rooms
    return rooms


def _keyring(request: Request) -> KeyRing:
    return rooms_of(request).keyring


_principal: Final = bearer(_keyring)


async def asker(request: Request, principal: Annotated[Principal, Depends(_principal)]) -> Bearer:
    """Who calls, as the domain knows them, counted; a dependency of every endpoint that needs a key."""
    limits_of(request).take_key(principal.key_id)
    return _bearer(principal)


@lru_cache(maxsize=4096)
def _bearer(principal: Principal) -> Bearer:
    return Bearer(
        key_id=principal.key_id,
        role=principal.role,
        area=principal.area,
        department=principal.department,
        name=principal.name,
        duties=principal.duties,
    )


async def asker_of(request: Request) -> Bearer:
    """``asker``, for who asks without FastAPI."""
    return await asker(request, await _principal(request))


IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=128,
        pattern=VISIBLE,
        description="Your own name for this request: sent again with it, it is done once and answered alike.",
    ),
]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What the OpenAPI file says of these error answers, and of the one that every door may give."""
    return {status: problem(ProblemBody, _WORDS[status]) for status in sorted({*statuses, 429})}


def problem(model: type[ProblemBody], words: str) -> dict[str, Any]:
    """What the OpenAPI file says of one error answer: its body and when it comes."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"model": model, "description": words, "content": {MEDIA_TYPE: {"schema": schema}}}


_WORDS: Final = {
    400: "The body is no JSON in UTF-8.",
    401: "The key is missing or not known.",
    403: "The key may not do this; says who may.",
    404: "There is no such case or change of mode.",
    408: "The body came too slowly.",
    413: "The body is larger than 256 kB.",
    415: "The body is not application/json.",
    422: "A field is wrong: names it and what is allowed.",
    429: "Too many requests of this key, source or address: wait Retry-After seconds.",
    503: "PostgreSQL or the playbook is away: send the same request again after Retry-After seconds.",
}


class _Count:
    def __init__(self, counter: Counter, label: str) -> None:
        self._counter = counter
        self._label = label

    def __call__(self, outcome: str) -> None:
        self._counter.labels(self._label, outcome).inc()


@contextmanager
def counted(counter: Counter, label: str) -> Iterator[_Count]:
    count = _Count(counter, label)
    try:
        yield count
    except Refused:
        count("refused")
        raise


def response(reply: Reply, *, status: int) -> Response:
    headers = {"Idempotent-Replayed": "true"} if reply.replayed else {}
    return Response(reply.body, status_code=status, media_type="application/json", headers=headers)
