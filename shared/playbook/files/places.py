"""Areas, grid cells, zones and departments: `areas.csv`, `cells.geojson`, `zones.geojson`, `departments.csv`."""

from typing import Annotated, Literal

from pydantic import Field

from shared.playbook import model
from shared.playbook.files.rows import Name, Row, Slug, TownOrAbove
from shared.playbook.model import Settlement, Text
from shared.vocabulary import Level, Pattern, level_of


class AreaRow(Row):
    """`areas.csv`: level and parent follow from the code; without a settlement the area above is asked."""

    optional_columns = frozenset({"settlement"})

    code: TownOrAbove
    zh: Name
    en: Name
    kind: Name
    desk: bool = True
    settlement: Settlement | None = None

    def value(self) -> model.Area:
        return model.Area(
            code=self.code,
            name=Text(zh=self.zh, en=self.en),
            level=level_of(self.code),
            parent=self.code[:-3] if len(self.code) > Level.COUNTY.digits else None,
            kind=self.kind,
            desk=self.desk,
            settlement=self.settlement,
        )


class CellProperties(Row):
    code: Annotated[str, Pattern(r"^[0-9]{15}$")]
    village: Annotated[str, Pattern(r"^[0-9]{12}$")]


Longitude = Annotated[float, Field(ge=-180, le=180)]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Ring = Annotated[tuple[tuple[Longitude, Latitude], ...], Field(min_length=4)]
OneRing = Annotated[tuple[Ring, ...], Field(min_length=1, max_length=1)]
"""The outer ring; neither cells nor zones have holes."""


class PolygonNode(Row):
    type: Literal["Polygon"]
    coordinates: OneRing


class MultiPolygonNode(Row):
    type: Literal["MultiPolygon"]
    coordinates: Annotated[tuple[OneRing, ...], Field(min_length=1)]


class CellFeature(Row):
    """`cells.geojson`: one feature a grid cell."""

    type: Literal["Feature"]
    properties: CellProperties
    geometry: PolygonNode

    def value(self) -> model.Cell:
        cell = self.properties
        return model.Cell(code=cell.code, village=cell.village, polygon=self.geometry.coordinates[0])


class ZoneProperties(Row):
    id: Slug
    zh: Name
    en: Name


class ZoneFeature(Row):
    """`zones.geojson`: one feature a zone, of one polygon or several."""

    type: Literal["Feature"]
    properties: ZoneProperties
    geometry: Annotated[PolygonNode | MultiPolygonNode, Field(discriminator="type")]

    def value(self) -> model.Zone:
        zone, shape = self.properties, self.geometry
        rings = shape.coordinates if isinstance(shape, PolygonNode) else tuple(each[0] for each in shape.coordinates)
        return model.Zone(id=zone.id, name=Text(zh=zone.zh, en=zone.en), polygons=rings)


class DepartmentRow(Row):
    """`departments.csv`: the level is that of the area where the department sits."""

    id: Slug
    zh: Name
    en: Name
    area: TownOrAbove

    def value(self) -> model.Department:
        name = Text(zh=self.zh, en=self.en)
        return model.Department(id=self.id, name=name, level=level_of(self.area), area=self.area)
