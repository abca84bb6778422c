"""Reports come in here from whoever speaks Open311 GeoReport v2: ``POST /open311/v2/requests``, form-encoded.

``jurisdiction_id`` is an area code, ``service_code`` a category of its county's playbook. Reading is the notifier's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

from fastapi import Request, Response
from fastapi.routing import APIRouter
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.datastructures import FormData

from services.intake.api.fronts import OPEN311_JSON, OPEN311_XML
from services.intake.api.limits import limits_of
from services.intake.api.open311_words import JSON, accepted
from services.intake.api.public import KEY_ID
from services.intake.api.rooms import IdempotencyKey, asker, counted, rooms_of
from services.intake.domain.life.permissions import Bearer
from services.intake.domain.reports.report import Report, Reporter
from services.intake.handlers import accept_report
from services.intake.handlers.doors import Doors, Reply
from services.intake.ports import NoPlaybook
from shared.events.parts import Place
from shared.runtime.bearer import bearer
from shared.runtime.patterns import WEB_ADDRESS
from shared.runtime.problems import Problem, problem_of_validation
from shared.vocabulary import AREA_PATTERN, Refused, Role, Source

MOST_ATTRIBUTES: Final = 32

_ATTRIBUTE: Final = re.compile(r"attribute\[([^\]]{1,64})\](?:\[\])?")


Area = Annotated[str, Field(pattern=AREA_PATTERN)]


class RequestForm(BaseModel):
    """The fields of GeoReport v2; others are passed over, an e-mail address and ids of devices are not kept."""

    model_config = ConfigDict(frozen=True)

    jurisdiction_id: Annotated[Area | None, Field(description="An area code; without it the key's area.")] = None
    service_code: Annotated[str, Field(min_length=1, max_length=32, description="A category of the playbook.")]
    lat: Annotated[float | None, Field(ge=-90, le=90, allow_inf_nan=False)] = None
    long: Annotated[float | None, Field(ge=-180, le=180, allow_inf_nan=False)] = None
    address_string: Annotated[str, Field(max_length=200)] = ""
    address_id: Annotated[Area | None, Field(description="An area code: of a village or a grid cell.")] = None
    description: Annotated[str, Field(max_length=4000)] = ""
    first_name: Annotated[str, Field(max_length=30)] = ""
    last_name: Annotated[str, Field(max_length=30)] = ""
    phone: Annotated[str, Field(max_length=32)] = ""
    media_url: Annotated[str, Field(max_length=1000, pattern=WEB_ADDRESS)] = ""
    api_key: Annotated[str | None, Field(max_length=4096)] = None

    @model_validator(mode="after")
    def _says_where(self) -> RequestForm:
        if (self.lat is None) != (self.long is None):
            raise ValueError("lat and long belong together")
        if self.lat is None and not self.address_string.strip() and self.address_id is None:
            raise ValueError("say where by lat and long, by address_string or by address_id")
        return self

    @property
    def place(self) -> Place | None:
        """The point, when there is one."""
        return None if self.lat is None or self.long is None else Place(lon=self.long, lat=self.lat)


_SAID: Final = RequestForm.model_json_schema()["properties"]
_FORM: Final[dict[str, Any]] = {
    "required": True,
    "content": {
        "application/x-www-form-urlencoded": {
            "schema": {
                "type": "object",
                "required": ["service_code"],
                "properties": RequestForm.model_json_schema()["properties"],
            }
        }
    },
}
_ERROR: Final = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["code", "description"],
        "properties": {"code": {"type": "string"}, "description": {"type": "string"}},
    },
}
_CREATED: Final = {
    "type": "array",
    "minItems": 1,
    "maxItems": 1,
    "items": {
        "type": "object",
        "required": ["service_request_id"],
        "properties": {name: {"type": "string"} for name in ("service_request_id", "service_notice", "account_id")},
    },
}
_WORDS: Final = {
    400: "A field is wrong or missing.",
    403: "The api_key is missing, not known, or not for this.",
    404: "There is no such jurisdiction_id.",
    408: "The body came too slowly.",
    413: "The body is larger than 64 kB.",
    415: "The body is no form.",
    429: "Too many requests.",
    503: "A part of the system is away: send the same request again after Retry-After seconds.",
}

router = APIRouter(tags=["Open311 GeoReport v2"])
_principal = bearer(lambda request: rooms_of(request).keyring)


def _answers(path: str) -> dict[int | str, dict[str, Any]]:
    """What the OpenAPI file says of the answers, in the path's own form."""
    as_json = path.endswith(".json")

    def content(schema: Mapping[str, Any]) -> dict[str, Any]:
        return {JSON: {"schema": schema}} if as_json else {"text/xml": {}}

    return {
        201: {"description": "Durable: the request has become a case.", "content": content(_CREATED)},
        **{status: {"description": words, "content": content(_ERROR)} for status, words in _WORDS.items()},
    }


async def post_request(request: Request, idempotency_key: IdempotencyKey = None) -> Response:
    """Send a service request; `service_request_id` is the id of its case.

    The key goes into `api_key` or into the header `Authorization`. A form that does not say where but by
    `address_string` is placed by the names in its words, else in `jurisdiction_id` as a whole. `media_url` is noted,
    never fetched: send photos to `POST /v1/reports/with-photos`.
    """
    form, attributes = _read(await request.form())
    rooms = rooms_of(request)
    who = await _who(request, form)
    limits_of(request).take_source(who.area, Source.RESIDENT)
    with counted(rooms.metrics.reports, Source.RESIDENT) as count:
        reply = await _accept(form, attributes, who, idempotency_key, rooms.doors)
        count("replayed" if reply.replayed else "accepted")
    body, media_type = accepted(request.url.path, json.loads(reply.body))
    headers = {"Idempotent-Replayed": "true"} if reply.replayed else {}
    return Response(body, status_code=201, media_type=media_type, headers=headers)


for _path in (OPEN311_JSON, OPEN311_XML):
    router.post(
        _path,
        status_code=201,
        summary=f"Send a service request ({_path.rpartition('.')[2].upper()} answer)",
        response_class=Response,
        responses=_answers(_path),
        openapi_extra={"requestBody": _FORM},
    )(post_request)


@dataclass(frozen=True, slots=True)
class _Attribute:
    code: str
    value: str


def _read(form: FormData) -> tuple[RequestForm, Sequence[_Attribute]]:
    """The known fields and the attributes; of a field that comes twice the last counts."""
    attributes = [
        _Attribute(found[1], str(value)) for name, value in form.multi_items() if (found := _ATTRIBUTE.fullmatch(name))
    ]
    if len(attributes) > MOST_ATTRIBUTES:
        raise Refused("too many attributes", field="attribute", allowed=[f"at most {MOST_ATTRIBUTES}"])
    # An empty field of a form is one that was left out.
    given = {name: value for name, value in form.items() if name in RequestForm.model_fields and value != ""}
    try:
        return RequestForm.model_validate(given), attributes
    except ValidationError as error:
        errors = [{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_url=False)]
        raise problem_of_validation(errors) from error


async def _who(request: Request, form: RequestForm) -> Bearer:
    """The bearer of the key in the header or in ``api_key``; where the public door is open, anybody of its county."""
    county = request.app.state.door.county
    if form.api_key is None and "authorization" not in request.headers and county:
        limits_of(request).take_address(request)
        return Bearer(key_id=KEY_ID, role=Role.REPORTER, area=county)
    if form.api_key is not None:
        keyed = [*request.scope["headers"], (b"authorization", f"Bearer {form.api_key}".encode("utf-8", "replace"))]
        request = Request({**request.scope, "headers": keyed}, request.receive)
    return await asker(request, await _principal(request))


def _must_be_known(area: str, doors: Doors) -> None:
    try:
        doors.playbooks.of(area)
    except NoPlaybook as gone:
        allowed = ", ".join(gone.allowed)
        raise Problem(
            404, "not-found", "There is no such jurisdiction", f"jurisdiction_id: allowed: {allowed}"
        ) from gone


async def _accept(
    form: RequestForm, attributes: Sequence[_Attribute], who: Bearer, key: str | None, doors: Doors
) -> Reply:
    jurisdiction = form.jurisdiction_id or who.area
    _must_be_known(jurisdiction, doors)
    report = _report(form, attributes, jurisdiction, doors)
    if report.area is not None or report.place is not None:
        return await accept_report(report, bearer=who, client_key=key, doors=doors)
    try:
        return await accept_report(report, bearer=who, client_key=key, doors=doors)
    except Refused as refusal:
        if refusal.field != "area":
            raise
        return await accept_report(replace(report, area=jurisdiction), bearer=who, client_key=key, doors=doors)


def _report(form: RequestForm, attributes: Sequence[_Attribute], jurisdiction: str, doors: Doors) -> Report:
    """The report; its words are the description, what it is about when there is none, then address and attributes."""
    category = doors.playbooks.of(jurisdiction).categories.get(form.service_code)
    words = [form.description.strip() or (category.name.zh if category else form.service_code)]
    words += [part for part in (form.address_string.strip(), form.media_url) if part]
    words += [f"{one.code}: {one.value}" for one in attributes]
    return Report(
        source=Source.RESIDENT,
        text="\n".join(words),
        area=form.address_id or (form.jurisdiction_id if form.place is not None else None),
        place=form.place,
        category=form.service_code,
        reporter=_reporter(form),
    )


def _reporter(form: RequestForm) -> Reporter | None:
    name = f"{form.last_name.strip()}{form.first_name.strip()}"
    if not (name or form.phone or form.address_string):
        return None
    return Reporter(name=name, phone=form.phone, address=form.address_string)
