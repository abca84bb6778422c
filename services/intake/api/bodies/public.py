"""What a resident without a key sends and gets: less than a keyed source may say."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from services.intake.api.bodies.parts import Body
from services.intake.api.bodies.reports import PlaceBody, ReportBody, ReporterBody
from services.intake.domain.reports.report import Report
from shared.events.case import Rating
from shared.events.parts import Note
from shared.vocabulary import AreaCode, CaseState, Source

EXAMPLE: Final[JsonDict] = {
    "text": "幸福路农贸市场门口的路灯不亮",
    "area": "990101001001",
    "reporter": {"name": "张三", "phone": "000-00000001"},
    "secret": False,
}


class PublicReportBody(Body):
    """What a resident reports. Who speaks, how grave it is and what it is about is for the county to say."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [EXAMPLE]})

    text: Annotated[str, Field(min_length=1, max_length=2000, description="What is the matter, in free words.")]
    area: Annotated[AreaCode | None, Field(description="The village or town that was chosen.")] = None
    place: PlaceBody | None = None
    reporter: ReporterBody | None = None
    secret: Annotated[bool, Field(description="Keep secret who reports.")] = False
    same_as: Annotated[UUID | None, Field(description="A case of `/v1/public/alike` that is this matter.")] = None
    homepage: Annotated[
        str, Field(max_length=0, description="Stays empty: people do not see this field, programs that fill in do.")
    ] = ""

    @property
    def source(self) -> Source:
        """A resident, always."""
        return Source.RESIDENT

    def as_report(self) -> Report:
        """The report as the domain knows it."""
        return ReportBody(
            source=self.source,
            text=self.text,
            area=self.area,
            place=self.place,
            reporter=self.reporter,
            secret=self.secret,
            same_as=self.same_as,
        ).as_report()


class RateBody(Body):
    """How content the reporter is with the outcome (满意、基本满意、不满意)."""

    rating: Rating
    note: Note = ""


class ReopenBody(Body):
    """Why the matter is not finished."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class TrackedBody(Body):
    """Where the case is after that."""

    state: CaseState
    version: int


class NamedBody(Body):
    """A code with its names."""

    code: str
    zh: str
    en: str


class OutlineBody(NamedBody):
    """A village: its outline as the data of an SVG path, in the sketch's own units."""

    path: str


class SketchBody(Body):
    """The county as the form draws it: x = (lon - west) · per_lon, y = (north - lat) · per_lat.

    Categories are those that a grid worker may choose of, the county's top level.
    """

    county: NamedBody
    read_url: str
    west: float
    north: float
    per_lon: float
    per_lat: float
    width: int
    height: int
    towns: list[NamedBody]
    villages: list[OutlineBody]
    categories: list[NamedBody]
    reopen_hours: int
