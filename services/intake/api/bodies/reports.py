"""What a reporting caller sends and gets."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field
from pydantic.config import JsonDict

from services.intake.api.bodies.parts import Body
from services.intake.domain.reports.report import Report, Reporter
from shared.events.parts import Place, Slug
from shared.vocabulary import AreaCode, CaseState, CategoryCode, Purpose, Severity, Source

Coordinate = Annotated[float, Field(strict=True, allow_inf_nan=False)]

REPORT_EXAMPLE: Final[JsonDict] = {
    "source": "resident",
    "text": "幸福路农贸市场门口燃气味很重,好像管道漏气了,请尽快派人来看。",
    "place": {"lon": 102.1234, "lat": 25.4321, "address": "幸福路 12 号"},
    "tags": ["市场"],
    "reporter": {"name": "张三", "phone": "000-00000001"},
    "occurred_at": "2026-11-21T08:00:00+08:00",
}


class PlaceBody(Body):
    """A point in WGS-84 degrees; the address stays encrypted in intake."""

    lon: Annotated[Coordinate, Field(ge=-180, le=180)]
    lat: Annotated[Coordinate, Field(ge=-90, le=90)]
    address: Annotated[str, Field(max_length=200)] = ""


class ReporterBody(Body):
    """Who reports; kept encrypted in intake, never sent on."""

    name: Annotated[str, Field(max_length=60)] = ""
    phone: Annotated[str, Field(max_length=32)] = ""
    address: Annotated[str, Field(max_length=200)] = ""


class ReportBody(Body):
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
    tags: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=64)], ...], Field(max_length=32)] = ()
    reporter: ReporterBody | None = None
    occurred_at: AwareDatetime | None = None
    secret: Annotated[
        bool, Field(description="Keep secret who reports: below the county's leader nobody is told, nothing is public.")
    ] = False
    same_as: Annotated[
        UUID | None, Field(description="A case of `/v1/reports/alike` that is this matter: the report joins it.")
    ] = None
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
            tags=self.tags,
            reporter=self._reporter(),
            occurred_at=self.occurred_at,
            purpose=Purpose.DRILL if self.drill else Purpose.REAL,
            secret=self.secret,
            same_as=self.same_as,
        )

    def _reporter(self) -> Reporter | None:
        where = "" if self.place is None else self.place.address
        if self.reporter is None:
            return Reporter(address=where) if where else None
        home = self.reporter.address or where
        return Reporter(name=self.reporter.name, phone=self.reporter.phone, address=home)


class WhyBody(Body):
    """How the report was placed and named, in words; and why it is the matter of a case known already."""

    area: str
    category: str
    merged: str | None = None


class AcceptedBody(Body):
    """The report is durable: it has become a case, or `merged` one more of the case whose id it got."""

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
    merged: bool = False
    tracking_code: Annotated[str, Field(description="By it the reporter follows the report; told once.")]
    alike: Annotated[tuple[UUID, ...], Field(description="Cases that may be the same matter; a person judges.")] = ()
