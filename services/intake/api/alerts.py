"""Alerts come in here from whoever can speak to Alertmanager's API v2: Prometheus, ``amtool``, a gateway of sensors.

The same labels are one alert, and one open case.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from fastapi import Depends, Request, Response
from fastapi.routing import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.intake.api.fronts import ALERTS, Foreign, in_words
from services.intake.api.limits import limits_of
from services.intake.api.refusals import problem_of
from services.intake.api.rooms import asker, counted, rooms_of
from services.intake.domain.life.permissions import Bearer, must_report
from services.intake.domain.sources.alerts import Alert, report_of
from services.intake.handlers.chains import Message, take_message
from services.intake.handlers.doors import Doors
from shared.runtime.problems import Problem, problem_of_refusal
from shared.vocabulary import Refused, Source

MOST_ALERTS: Final = 1000
MOST_SAID: Final = 20
FRONT: Final = "alert"
_JSON: Final = "application/json"
_BAD: Final = 422

Name = Annotated[str, Field(min_length=1, max_length=128)]
Words = Annotated[dict[Name, Annotated[str, Field(max_length=4000)]], Field(max_length=64)]


class AlertBody(BaseModel):
    """One alert; times may be left out. What else Alertmanager knows is passed over."""

    model_config = ConfigDict(frozen=True)

    labels: Annotated[dict[Name, Annotated[str, Field(max_length=1024)]], Field(min_length=1, max_length=64)]
    annotations: Words = {}
    starts_at: Annotated[AwareDatetime | None, Field(alias="startsAt")] = None
    ends_at: Annotated[AwareDatetime | None, Field(alias="endsAt")] = None

    def as_alert(self) -> Alert:
        """The alert as the domain knows it; an empty label is one that is not there."""
        labels = {name: value for name, value in self.labels.items() if value}
        return Alert(labels=labels, annotations=self.annotations, starts_at=self.starts_at, ends_at=self.ends_at)


Alerts = Annotated[list[AlertBody], Field(max_length=MOST_ALERTS)]

_WORDS: Final = {
    400: "An alert is wrong; those that are not wrong were taken.",
    401: "The key is missing or not known.",
    403: "The key may not send alerts about these areas.",
    408: "The body came too slowly.",
    413: "The body is larger than 1 MiB.",
    415: "The body is not application/json.",
    429: "Too many requests.",
    503: "A part of the system is away: send the same alerts again.",
}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": words, "content": {_JSON: {"schema": {"type": "string"}}}}
    for status, words in _WORDS.items()
}
_STATUS: Final = {
    "cluster": {"status": "disabled"},
    "config": {"original": ""},
    "uptime": "1970-01-01T00:00:00.000Z",
    "versionInfo": dict.fromkeys(("branch", "buildDate", "buildUser", "goVersion", "revision"), "")
    | {"version": "whistle"},
}

router = APIRouter(tags=["Alertmanager v2"])


@router.post(
    ALERTS,
    summary="Send alerts",
    response_class=Response,
    responses={200: {"description": "Durable: each alert has its case.", "content": {}}, **_ANSWERS},
)
async def post_alerts(alerts: Alerts, request: Request, bearer: Annotated[Bearer, Depends(asker)]) -> Response:
    """Open a case for each alert that fires and has none open; one that ends adds a fact to its case.

    Labels that are understood: `area` (an area code), `lon` and `lat`, `category`, `severity` (1 to 4, or critical,
    warning, info …), `drill`; without any of the first three an alert lies in the key's area. A severity that is not
    known refuses nothing: the category's own counts, and the case's `severity_why` says so.
    """
    rooms = rooms_of(request)
    must_report(bearer, bearer.area)
    wrong: list[tuple[int, Problem]] = []
    for number, alert in enumerate(alerts):
        limits_of(request).take_source(bearer.area, Source.SENSOR)
        try:
            with counted(rooms.metrics.reports, Source.SENSOR) as count:
                count(await _take(alert.as_alert(), bearer, rooms.doors))
        except Refused as refusal:
            wrong.append((number, problem_of(refusal) or problem_of_refusal(refusal)))
    if wrong:
        raise _refused(wrong)
    return Response(status_code=200)


@router.get("/api/v2/status", summary="What tools ask before they send", response_class=Response)
async def get_status() -> Response:
    """Say the little of an Alertmanager's state that its tools insist on."""
    return Response(json.dumps(_STATUS), media_type=_JSON)


def refused(_path: str, problem: Mapping[str, Any]) -> Foreign:
    """An error as Alertmanager writes it: a JSON string."""
    status = 400 if problem["status"] == _BAD else problem["status"]
    return Foreign(status=status, media_type=_JSON, body=json.dumps(in_words(problem), ensure_ascii=False).encode())


async def _take(alert: Alert, bearer: Bearer, doors: Doors) -> str:
    now = doors.clock()
    message = Message(
        front=FRONT,
        reference=alert.fingerprint,
        says=alert.says(now),
        report=report_of(alert, area=bearer.area, now=now),
        note=alert.words(),
    )
    return (await take_message(message, bearer=bearer, doors=doors)).outcome


def _refused(wrong: Sequence[tuple[int, Problem]]) -> Problem:
    """One problem for all: forbidden when every wrong alert is."""
    statuses = {problem.status for _, problem in wrong}
    status = statuses.pop() if len(statuses) == 1 else _BAD
    said = "; ".join(f"alert {number}: {in_words(problem.body())}" for number, problem in wrong[:MOST_SAID])
    return Problem(status, "refused", "Some alerts are wrong", said)
