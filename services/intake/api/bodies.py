"""What callers send and get, every field bounded; the OpenAPI file is made from these."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from services.intake.domain.actions import ActionRequest
from services.intake.domain.modes import ChangeState, ModeRequest
from services.intake.domain.reports import Report, Reporter
from services.intake.domain.states import Action
from services.intake.domain.targets import Whom
from shared.events.case import Rating
from shared.events.parts import Place, Slug
from shared.vocabulary import (
    AreaCode,
    CaseState,
    CategoryCode,
    OrderState,
    Purpose,
    Severity,
    Source,
    TargetKind,
    WhistleKind,
)

Coordinate = Annotated[float, Field(strict=True, allow_inf_nan=False)]

REPORT_EXAMPLE: Final[JsonDict] = {
    "source": "resident",
    "text": "幸福路农贸市场门口燃气味很重,好像管道漏气了,请尽快派人来看。",
    "place": {"lon": 102.1234, "lat": 25.4321, "address": "幸福路 12 号"},
    "tags": ["市场"],
    "reporter": {"name": "张三", "phone": "000-00000001"},
    "occurred_at": "2026-11-21T08:00:00+08:00",
}
ACTION_EXAMPLES: Final[JsonDict] = {
    "examples": [
        {"action": "sign", "note": "已安排两人前往"},
        {
            "action": "whistle",
            "kind": "joint_enforcement",
            "departments": ["police", "market"],
            "reason": "占道堵塞消防通道，请联合到场",
        },
        {
            "action": "transfer",
            "order_id": "7b1f6f0e-1f8f-5d0c-8f55-0f3a1e9b6c22",
            "to": {"kind": "desk", "id": "990101001"},
            "reason": "该路段由镇里管养",
        },
    ]
}
Id = Annotated[str, Field(min_length=1, max_length=64)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PlaceBody(_Body):
    """A point in WGS-84 degrees; the address stays encrypted in intake."""

    lon: Annotated[Coordinate, Field(ge=-180, le=180)]
    lat: Annotated[Coordinate, Field(ge=-90, le=90)]
    address: Annotated[str, Field(max_length=200)] = ""


class ReporterBody(_Body):
    """Who reports; kept encrypted in intake, never sent on."""

    name: Annotated[str, Field(max_length=60)] = ""
    phone: Annotated[str, Field(max_length=32)] = ""
    address: Annotated[str, Field(max_length=200)] = ""


class ReportBody(_Body):
    """One report; `area`, `place` or both say where."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [REPORT_EXAMPLE]})

    source: Source
    text: Annotated[str, Field(min_length=1, max_length=8000, description="What is the matter, in free words.")]
    area: Annotated[AreaCode | None, Field(description="County 6, town 9, village 12 or grid cell 15 digits.")] = None
    place: PlaceBody | None = None
    category: Annotated[
        CategoryCode | None, Field(description="A code of the county's playbook; found by words when left out.")
    ] = None
    severity: Annotated[Severity | None, Field(description="1 (I, red) to 4 (IV, blue).")] = None
    tags: Annotated[list[Annotated[str, Field(min_length=1, max_length=64)]], Field(max_length=32)] = []
    reporter: ReporterBody | None = None
    occurred_at: AwareDatetime | None = None
    drill: Annotated[bool, Field(description="A report of a drill; only where a drill mode is in force.")] = False

    def as_report(self) -> Report:
        """The report as the domain knows it."""
        return Report(
            source=self.source,
            text=self.text,
            area=self.area,
            place=None if self.place is None else Place(lon=self.place.lon, lat=self.place.lat),
            category=self.category,
            severity=self.severity,
            tags=tuple(self.tags),
            reporter=self._reporter(),
            occurred_at=self.occurred_at,
            purpose=Purpose.DRILL if self.drill else Purpose.REAL,
        )

    def _reporter(self) -> Reporter | None:
        where = "" if self.place is None else self.place.address
        if self.reporter is None:
            return Reporter(address=where) if where else None
        home = self.reporter.address or where
        return Reporter(name=self.reporter.name, phone=self.reporter.phone, address=home)


class WhyBody(_Body):
    """How the report was placed and named, in words."""

    area: str
    category: str


class AcceptedBody(_Body):
    """The report is durable and has become a case."""

    report_id: UUID
    case_id: UUID
    state: CaseState
    version: int
    area: AreaCode
    category: CategoryCode
    severity: Severity
    purpose: Purpose
    mode: Slug
    why: WhyBody


class ToBody(_Body):
    """A department by its id, or a desk by its area."""

    kind: TargetKind
    id: Id


class ActionBody(_Body):
    """One action on a case; `order_id` may be left out when the key holds one order of it.

    Transfer and release are about somebody else's order: without `order_id` the lead's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=ACTION_EXAMPLES)

    action: Action
    order_id: UUID | None = None
    note: Annotated[str, Field(max_length=2000)] = ""
    reason: Annotated[
        str,
        Field(
            max_length=2000,
            description="Needed by return, reject, reopen, whistle, decline, release, transfer and rule.",
        ),
    ] = ""
    rating: Annotated[Rating | None, Field(description="Needed by rate.")] = None
    kind: Annotated[WhistleKind | None, Field(description="Needed by a new whistle; an emergency sounds at once.")] = (
        None
    )
    departments: Annotated[list[Id], Field(max_length=16, description="Whom a whistle calls: 1 to 16.")] = []
    lead: Annotated[
        Id | None, Field(description="The one of the departments that is to lead the case from now on.")
    ] = None
    whistle_id: Annotated[
        UUID | None, Field(description="Needed by confirm and decline; with whistle it adds to one that sounded.")
    ] = None
    to: Annotated[ToBody | None, Field(description="Needed by transfer and rule.")] = None

    def as_request(self) -> ActionRequest:
        """The request as the domain knows it."""
        return ActionRequest(
            action=self.action,
            order_id=self.order_id,
            note=self.note,
            reason=self.reason,
            rating=self.rating,
            kind=self.kind,
            departments=tuple(self.departments),
            lead=self.lead,
            whistle_id=self.whistle_id,
            to=None if self.to is None else Whom(kind=self.to.kind, id=self.to.id),
        )


class ActedBody(_Body):
    """The action is durable; `allowed` lists what this key may do next."""

    case_id: UUID
    version: int
    state: CaseState
    event_id: UUID
    order_id: UUID | None
    whistle_id: UUID | None = None
    allowed: list[Action]


MODE_EXAMPLE: Final[JsonDict] = {"area": "990101", "mode": "flood-3", "reason": "县防指启动防汛三级响应"}


class ModeBody(_Body):
    """A change of mode: `normal` leaves the one in force in `area`."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [MODE_EXAMPLE]})

    area: AreaCode
    mode: Slug
    reason: Annotated[str, Field(min_length=1, max_length=2000)]

    def as_request(self) -> ModeRequest:
        """The request as the domain knows it."""
        return ModeRequest(area=self.area, mode=self.mode, reason=self.reason)


class ModeChangeBody(_Body):
    """A change of mode: `proposed` until a second person confirms it before `expires_at`, then `in_force`."""

    change_id: UUID
    area: AreaCode
    mode: Slug
    before: Slug
    state: ChangeState
    expires_at: AwareDatetime | None


class FieldErrorBody(BaseModel):
    """What is wrong with one field: a JSON pointer, `?name` of the query, or a header's name."""

    field: str
    problem: str
    allowed: list[str] = []


class ProblemBody(BaseModel):
    """An error by RFC 9457."""

    type: str
    title: str
    status: int
    detail: str | None = None
    errors: list[FieldErrorBody] = []
    trace_id: str | None = None


class WrongStateBody(ProblemBody):
    """The action is not open: the states, and what is open instead."""

    state: CaseState
    order_state: OrderState | None = None
    allowed: list[Action] = []
