"""A route for the endpoints that are asked most: what they take is read by hand and not found out for each request.

FastAPI's own way costs about a fifth of a whole report. What such an endpoint takes is known: the parts of its path,
``body``, ``request``, ``bearer`` and ``idempotency_key``. Its signature describes it in the OpenAPI file as ever, and
what is wrong is told in the same words.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any, Final, get_type_hints

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError

from services.intake.api.rooms import IdempotencyKey, asker_of

_KEY: Final[TypeAdapter[str | None]] = TypeAdapter(IdempotencyKey)
_KEY_HEADER: Final = "Idempotency-Key"
_BY_HAND: Final = frozenset({"body", "request", "bearer", "idempotency_key", "return"})


class DirectRoute(APIRoute):
    """See the module; ``APIRouter(route_class=DirectRoute)``."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler: who asks is looked at first, then every field that is wrong is named together."""
        hints = get_type_hints(self.endpoint)
        model: type[BaseModel] = hints["body"]
        parts = {name: TypeAdapter(kind) for name, kind in hints.items() if name not in _BY_HAND}

        async def handle(request: Request) -> Response:
            bearer = await asker_of(request)
            errors: list[Any] = []
            path = {
                name: _read(kind, request.path_params[name], ("path", name), errors) for name, kind in parts.items()
            }
            key = _read(_KEY, request.headers.get(_KEY_HEADER), ("header", _KEY_HEADER), errors)
            body = _body(model, await request.body(), errors)
            if errors:
                raise RequestValidationError(errors)
            response: Response = await self.endpoint(
                **path, body=body, request=request, bearer=bearer, idempotency_key=key
            )
            return response

        return handle


def _body(model: type[BaseModel], content: bytes, errors: list[Any]) -> BaseModel | None:
    if not content:
        errors.append({"type": "missing", "loc": ("body",), "msg": "Field required", "input": None})
        return None
    with suppress(ValidationError):
        return model.model_validate_json(content)
    try:
        # Wrong: named as FastAPI names it, which reads JSON first and then looks at lists and dictionaries.
        return model.model_validate(json.loads(content), from_attributes=True)
    except ValidationError as error:
        errors += _placed(error, ("body",))
        return None


def _read(kind: TypeAdapter[Any], given: object, place: tuple[str, ...], errors: list[Any]) -> Any:  # noqa: ANN401  of the kind
    try:
        return kind.validate_python(given)
    except ValidationError as error:
        errors += _placed(error, place)
        return None


def _placed(error: ValidationError, place: tuple[str, ...]) -> list[Mapping[str, Any]]:
    return [{**one, "loc": (*place, *one["loc"])} for one in error.errors(include_url=False)]
