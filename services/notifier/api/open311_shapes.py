"""Answers as GeoReport v2 writes them: bare arrays in JSON, the same names as elements in XML, errors likewise."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final
from xml.sax.saxutils import escape

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from services.notifier.domain.open311 import Service, ServiceRequest
from shared.runtime.postgres import OUTAGES
from shared.runtime.problem import Problem
from shared.runtime.problems import problem_of_validation
from shared.vocabulary import Refused

FORMATS: Final = {"json": "application/json; charset=utf-8", "xml": "text/xml; charset=utf-8"}
_NOT_IN_XML: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Row = Mapping[str, Any]


class Open311Error(Exception):
    """An error of the protocol: its status, and one sentence for each thing that is wrong."""

    def __init__(self, status: int, *descriptions: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, *descriptions)
        self.status = status
        self.descriptions = descriptions
        self.headers = dict(headers or {})


def row_of(value: Service | ServiceRequest) -> Row:
    """``value`` by the protocol's names."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


def listed(form: str, root: str, name: str, rows: Sequence[Row], *, status: int = 200) -> Response:
    """``rows`` as a bare array, or as elements ``name`` of ``root``."""
    if form == "json":
        return _response(form, _json(rows), status)
    return _response(form, _xml(root, "".join(_element(name, row) for row in rows)), status)


def single(form: str, root: str, row: Row) -> Response:
    """One object, or one element ``root``."""
    return _response(form, _json(row) if form == "json" else _xml(root, _fields(row)), 200)


def refusal(form: str, error: Open311Error) -> Response:
    """``error`` as the array that the protocol asks for."""
    rows = [{"code": str(error.status), "description": words} for words in error.descriptions]
    answer = listed(form, "errors", "error", rows, status=error.status)
    answer.headers.update(error.headers)
    return answer


def _response(form: str, body: str, status: int) -> Response:
    return Response(body.encode(), status_code=status, headers={"content-type": FORMATS[form]})


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: object) -> str:
    assert isinstance(value, datetime)  # noqa: S101  nothing else in a row is not JSON already
    return value.isoformat()


def _xml(root: str, inside: str) -> str:
    return f'<?xml version="1.0" encoding="utf-8"?>\n<{root}>{inside}</{root}>\n'


def _element(name: str, row: Row) -> str:
    return f"<{name}>{_fields(row)}</{name}>"


def _fields(row: Row) -> str:
    return "".join(_field(name, value) for name, value in row.items())


def _field(name: str, value: object) -> str:
    match value:
        case None:
            return f"<{name}/>"
        case bool():
            return f"<{name}>{str(value).lower()}</{name}>"
        case datetime():
            return f"<{name}>{value.isoformat()}</{name}>"
        case list():
            # A list of a name holds elements of its singular: endpoints of endpoint, formats of format.
            one = name.removesuffix("s")
            return f"<{name}>{''.join(_field(one, each) for each in value)}</{name}>"
        case dict():
            return _element(name, value)
        case _:
            return f"<{name}>{escape(_NOT_IN_XML.sub(' ', str(value)))}</{name}>"


class Open311Route(APIRoute):
    """A route whose every error has the protocol's form."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See ``APIRoute``."""
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await inner(request)
            except (Open311Error, Problem, Refused, RequestValidationError, *OUTAGES) as error:
                form = "xml" if request.url.path.endswith(".xml") else "json"
                return refusal(form, _error_of(error))

        return handler


def _error_of(error: Exception) -> Open311Error:
    match error:
        case Open311Error():
            return error
        case Problem():
            return Open311Error(error.status, error.detail or error.title, headers=error.headers)
        case Refused():
            return Open311Error(400, _told((error.field or "").removeprefix("/"), error.reason, error.allowed))
        case RequestValidationError():
            listed = problem_of_validation(error.errors()).errors
            return Open311Error(
                400,
                *(_told(one.field.removeprefix("?").removeprefix("path:"), one.problem, one.allowed) for one in listed),
            )
        case _:
            return Open311Error(503, "A part of the system is away: come again", headers={"Retry-After": "5"})


def _told(field: str, problem: str, allowed: Sequence[str]) -> str:
    named = f"{field}: " if field else ""
    more = f"; allowed: {', '.join(allowed)}" if allowed else ""
    return f"{named}{problem}{more}"
