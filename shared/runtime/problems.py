"""Errors to callers as RFC 9457 problems: which field, what is wrong with it, what is allowed.

Every slug stands in ``docs/problems.md``. A problem never carries the value that was sent, a stack trace or the
name of anything inside.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.masking import mask
from shared.runtime.auth import Forbidden, Unauthenticated
from shared.runtime.body import DEFAULT_LIMITS, BodyGuard, Limits
from shared.runtime.known_fields import KNOWN as KNOWN_FIELDS
from shared.runtime.known_fields import MISSING, NO_OBJECT, UNKNOWN, WANTED, body_of, described
from shared.runtime.patterns import WORDS as PATTERNS
from shared.runtime.problem import FieldError, Problem, problem_response
from shared.runtime.requests import Observe, RequestFrame
from shared.vocabulary import Malformed, Refused

__all__ = ["FieldError", "Limits", "Outage", "Problem", "ProblemHooks", "framed", "install", "problem_response"]

log = logging.getLogger(__name__)

Outage = Callable[[Exception], str | None]
"""Which part is away, in words for the caller ("PostgreSQL"), when an exception means that; else None."""


KNOWN: Final = (Problem, Refused, Malformed, RequestValidationError, HTTPException)
"""What an endpoint raises to answer with."""


def _never_an_outage(_error: Exception) -> str | None:
    return None


def problem_of_refusal(refusal: Refused) -> Problem:
    """The problem of a refusal when the service names no better one: 401, 403, or else 422."""
    errors = (
        ()
        if refusal.field is None
        else (FieldError(field=_pointer(refusal.field), problem=refusal.reason, allowed=refusal.allowed),)
    )
    match refusal:
        case Unauthenticated():
            return Problem(
                401,
                "unauthenticated",
                "A good key is needed",
                detail=refusal.reason,
                errors=errors,
                headers={"WWW-Authenticate": 'Bearer realm="whistle"'},
            )
        case Forbidden():
            return Problem(403, "forbidden", "This key may not do this", detail=refusal.reason, errors=errors)
        case _:
            return Problem(422, "refused", "This is refused", detail=refusal.reason, errors=errors)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemHooks:
    """What only the service knows: how its refusals read, what an outage looks like, who counts requests.

    ``refusal`` may return None for what it does not know. ``retry_after_seconds`` goes out with every 503.
    """

    refusal: Callable[[Refused], Problem | None] = lambda _refusal: None
    outage: Outage = _never_an_outage
    retry_after_seconds: int = 5
    observe: Observe | None = None
    limits: Limits = field(default_factory=lambda: DEFAULT_LIMITS)
    special: Mapping[str, Limits] = field(default_factory=dict)
    """The limits of single paths whose bodies are other than JSON."""


def install(app: FastAPI, hooks: ProblemHooks | None = None) -> None:
    """Give ``app`` the errors, the limits on bodies, the security headers and a span for each request."""
    doors = _Doors(hooks or ProblemHooks())
    for kind in KNOWN:
        app.add_exception_handler(kind, doors.on_known)
    # The last added is the outermost: the frame sees whatever the guard and the app let through.
    app.add_middleware(BodyGuard, limits=doors.hooks.limits, special=doors.hooks.special)
    app.add_middleware(RequestFrame, failed=doors.on_unhandled, observe=doors.hooks.observe)


def framed(app: ASGIApp, hooks: ProblemHooks) -> ASGIApp:
    """The same as ``install`` round an app that is not FastAPI's."""
    doors = _Doors(hooks)
    guarded = BodyGuard(_Known(app, doors), limits=hooks.limits, special=hooks.special)
    return RequestFrame(guarded, failed=doors.on_unhandled, observe=hooks.observe)


class _Known:
    """ASGI: what an app raises to say it becomes the answer."""

    def __init__(self, app: ASGIApp, doors: _Doors) -> None:
        self._app = app
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except KNOWN as error:
            await self._doors.answer(scope, error)(scope, receive, send)


class _Doors:
    """Exceptions to responses, one method for each kind."""

    def __init__(self, hooks: ProblemHooks) -> None:
        self.hooks = hooks

    async def on_known(self, request: Request, error: Exception) -> Response:
        """The answer to what an endpoint meant to say."""
        return self.answer(request.scope, error)

    def answer(self, scope: Scope, error: Exception) -> Response:
        """The same, for an app that makes no requests of FastAPI's."""
        match error:
            case Problem():
                return problem_response(error)
            case Refused():
                return problem_response(self.hooks.refusal(error) or problem_of_refusal(error))
            case Malformed():
                return problem_response(Problem(400, "malformed", "The request cannot be read", detail=error.reason))
            case RequestValidationError():
                return problem_response(problem_of_validation(described(error.errors(), body_of(scope))))
            case HTTPException():
                return problem_response(_problem_of_status(error, scope))
            case _:
                raise error

    def on_unhandled(self, error: Exception) -> Response:
        """The answer to what no handler knew: an outage is a 503, anything else a 500 without internals."""
        away = self.hooks.outage(error)
        if away is not None:
            log.warning("%s is away: %s", away, error, extra={"event.name": "http.outage"})
            return problem_response(self._unavailable(away))
        log.error("a request failed", exc_info=error, extra={"event.name": "http.failed"})
        return problem_response(
            Problem(
                500,
                "internal-error",
                "Something failed here",
                detail="The fault is on this side, not in the request. Quote the trace id when you report it.",
            )
        )

    def _unavailable(self, away: str) -> Problem:
        seconds = self.hooks.retry_after_seconds
        return Problem(
            503,
            "unavailable",
            "A part of the system is away",
            detail=f"{away} does not answer at the moment. Send the same request again in {seconds} s.",
            headers={"Retry-After": str(seconds)},
        )


def problem_of_validation(errors: Iterable[Mapping[str, Any]]) -> Problem:
    """Pydantic's errors as one problem; ``field`` is a JSON pointer into the body, or ``?name`` of a query field."""
    listed = [_field_error(error) for error in errors]
    names = ", ".join(dict.fromkeys(one.field for one in listed[:_SHOWN]))
    return Problem(
        422,
        "invalid-field",
        "A field is wrong or missing",
        detail=f"{len(listed)} {'field is' if len(listed) == 1 else 'fields are'} wrong: {names}",
        errors=listed[:_SHOWN],
    )


_SHOWN: Final = 20
_SLUGS: Final = {
    400: "malformed",
    401: "unauthenticated",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    409: "conflict",
    410: "gone",
    413: "too-large",
    415: "unsupported-media-type",
    422: "refused",
    429: "too-many-requests",
    503: "unavailable",
}


def _problem_of_status(error: HTTPException, scope: Scope) -> Problem:
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return _wrong_method(_methods_taken(scope))
    phrase = HTTPStatus(error.status_code).phrase
    detail = error.detail if error.detail not in {"", phrase} else None
    if error.status_code == HTTPStatus.NOT_FOUND and detail is None:
        detail = "There is nothing at this address; /openapi.json lists what there is."
    slug = _SLUGS.get(error.status_code, "http-error")
    return Problem(error.status_code, slug, phrase, detail=detail, headers=dict(error.headers or {}))


def _wrong_method(taken: Sequence[str]) -> Problem:
    words = "this method is not taken at this address"
    return Problem(
        405,
        "method-not-allowed",
        "Method Not Allowed",
        detail=f"{words[0].upper()}{words[1:]}; allowed: {', '.join(taken)}",
        errors=[FieldError(field="method", problem=words, allowed=taken)],
        headers={"Allow": ", ".join(taken)},
    )


def _methods_taken(scope: Scope) -> list[str]:
    """Each method that some route takes at the address: the framework names those of the first route alone."""
    routes = scope["app"].router.routes
    return [
        method
        for method in _METHODS
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in routes)
    ]


_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def _field_error(error: Mapping[str, Any]) -> FieldError:
    place, *path = error["loc"] or ("body",)
    pointer = "".join(f"/{_escaped(part)}" for part in path)
    name = pointer if place == "body" else f"{_MARKS.get(str(place), '')}{'.'.join(str(part) for part in path)}"
    words = _no_body(error) or _IN_JSON.get(error["type"], str(error["msg"]))
    return FieldError(field=name or "/", problem=mask(words), allowed=_allowed(error))


def _no_body(error: Mapping[str, Any]) -> str | None:
    return "the body is empty" if error["type"] == MISSING and tuple(error["loc"]) == ("body",) else None


_IN_JSON: Final = {
    **dict.fromkeys(("tuple_type", "set_type", "frozen_set_type"), "Input should be a valid list"),
    **dict.fromkeys(NO_OBJECT, "Input should be an object"),
    UNKNOWN: "this field is not known",
    "string_pattern_mismatch": "this text has another form",
}
"""Instead of what pydantic says in Python's words, or in a regular expression; who writes JSON knows neither."""


_MARKS: Final = {"query": "?", "path": "path:", "header": "header:", "cookie": "cookie:"}


def _escaped(part: object) -> str:
    """One token of a JSON pointer (RFC 6901)."""
    return str(part).replace("~", "~0").replace("/", "~1")


def _pointer(name: str) -> str:
    """A refusal's field as a pointer; a header keeps its name."""
    return name if name[:1].isupper() or name.startswith(("/", "?")) else f"/{name.replace('.', '/')}"


def _allowed(error: Mapping[str, Any]) -> Sequence[str]:
    context: Mapping[str, Any] = error.get("ctx") or {}
    if WANTED in error:
        return (error[WANTED],)
    if error["type"] == MISSING:
        return ("a value",)
    if error["type"] == UNKNOWN:
        return ("leave it out", *(f"known fields: {', '.join(names)}" for names in (error.get(KNOWN_FIELDS),) if names))
    if "pattern" in context:
        return (PATTERNS.get(context["pattern"], f"text that matches {context['pattern']}"),)
    if "expected" in context:
        return re.findall(r"'([^']*)'", str(context["expected"])) or (str(context["expected"]),)
    allowed = [words.format(context[name]) for name, words in _WORDS.items() if name in context]
    return allowed or _BY_TYPE.get(error["type"], ())


_WORDS: Final = {
    "ge": "{} or more",
    "gt": "more than {}",
    "le": "{} or less",
    "lt": "less than {}",
    "min_length": "{} or more characters or items",
    "max_length": "{} or fewer characters or items",
    "multiple_of": "a multiple of {}",
}
_BY_TYPE: Final[Mapping[str, tuple[str, ...]]] = {
    "string_type": ("text",),
    "int_parsing": ("a whole number",),
    "int_type": ("a whole number",),
    "float_type": ("a number",),
    "float_parsing": ("a number",),
    "finite_number": ("a finite number",),
    "bool_type": ("true or false",),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), ("a list",)),
    "dict_type": ("an object",),
    "model_type": ("an object",),
    "model_attributes_type": ("an object",),
    "timezone_aware": ("a time with its offset, such as 2026-11-21T08:00:00+08:00",),
    "datetime_from_date_parsing": ("a time with its offset, such as 2026-11-21T08:00:00+08:00",),
    "datetime_parsing": ("a time with its offset, such as 2026-11-21T08:00:00+08:00",),
    "uuid_parsing": ("a UUID",),
}
