"""A route for the endpoints that are asked most: what they take is read by hand and not found out for each request.

What such an endpoint takes is known: the parts of its path, ``body``, ``request``, ``bearer`` and ``idempotency_key``.
Its signature describes it in the OpenAPI file as ever, and what is wrong is told in the same words. ``DirectWay`` takes
requests there without FastAPI's routing; bodies, errors, headers and spans are the same (``problems.framed``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final, get_type_hints

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute, APIRouter
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.types import Receive, Scope, Send

from services.intake.api.rooms import IdempotencyKey, asker_of

_KEY: Final[TypeAdapter[str | None]] = TypeAdapter(IdempotencyKey)
_KEY_HEADER: Final = "Idempotency-Key"
Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_BY_HAND: Final = frozenset({"body", "request", "bearer", "idempotency_key", "return"})


class DirectRoute(APIRoute):
    """See the module; ``APIRouter(route_class=DirectRoute)``."""

    answer: Handler

    def get_route_handler(self) -> Handler:
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

        self.answer = handle
        return handle


class DirectWay:
    """ASGI: to each direct route's endpoint in one step; ``finds`` says whether a request may come this way."""

    def __init__(self, routers: Iterable[APIRouter]) -> None:
        routes = [route for router in routers for route in router.routes if isinstance(route, DirectRoute)]
        self._plain = {(method, one.path): one for one in routes if "{" not in one.path for method in one.methods or ()}
        self._others = [(one, one.methods or set()) for one in routes if "{" in one.path]

    def finds(self, scope: Scope) -> bool:
        """Look for the route that takes this request, and note it in the scope; anything unusual is FastAPI's."""
        if scope["type"] != "http" or scope["root_path"]:
            return False
        method, path = scope["method"], scope["path"]
        route = self._plain.get((method, path))
        parts: dict[str, str] = {}
        if route is None:
            for other, methods in self._others:
                match = other.path_regex.match(path) if method in methods else None
                if match is not None:
                    route, parts = other, match.groupdict()
        if route is None:
            return False
        scope["route"], scope["path_params"] = route, parts
        return True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await scope["route"].answer(Request(scope, receive))
        await response(scope, receive, send)


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
