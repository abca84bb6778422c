"""`python -m playbooks.generator [--check] [FOLDER]` writes, or compares, the county's generated files."""

import csv
import io
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from playbooks.generator.geometry import Point
from playbooks.generator.offices import make_offices
from playbooks.generator.places import County, make_county
from playbooks.generator.zones import ZonePlan, make_zones

FOLDER = Path(__file__).parent.parent / "yunlu"
SETTLEMENTS = {"街道": "urban", "社区": "urban", "镇": "rural", "乡": "rural", "村": "rural"}
"""How a place is settled, by what it calls itself; the county says nothing."""


def contents() -> Mapping[str, str]:
    """Return the text of every generated file by its name."""
    county = make_county()
    offices = make_offices(county.areas)
    areas = [(a.code, a.zh, a.en, a.kind, str(a.desk).lower(), SETTLEMENTS.get(a.kind, "")) for a in county.areas]
    return {
        "areas.csv": _csv(("code", "zh", "en", "kind", "desk", "settlement"), areas),
        "cells.geojson": _geojson(county),
        "zones.geojson": _zones(make_zones(county.cells)),
        "departments.csv": _csv(("id", "zh", "en", "area"), offices.departments),
        "duties.csv": _csv(("department", "category", "area", "power"), offices.duties),
        "enforcement.csv": _csv(("code", "zh", "en", "department", "category", "area", "basis"), offices.enforcement),
        "officers.csv": _csv(("id", "name", "phone"), offices.officers),
        "shifts.csv": _csv(("owner", "weekdays", "opens", "closes", "officers", "post"), offices.shifts),
    }


def main(arguments: Sequence[str]) -> int:
    """Write the files, or with `--check` say which are stale; returns the exit code."""
    folders = [Path(argument) for argument in arguments if argument != "--check"]
    folder = folders[0] if folders else FOLDER
    made = contents()
    stale = [name for name, text in made.items() if not _holds(folder / name, text)]
    if "--check" in arguments:
        for name in stale:
            print(f"stale: {folder.name}/{name}; run python -m playbooks.generator")
        return 1 if stale else 0
    for name in stale:
        (folder / name).write_text(made[name], encoding="utf-8")
    print(f"{len(made)} files in {folder}, {len(stale)} written")
    return 0


def _holds(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def _geojson(county: County) -> str:
    return _collection(
        _feature({"code": cell.code, "village": cell.village}, "Polygon", [_points(cell.ring)]) for cell in county.cells
    )


def _zones(zones: Iterable[ZonePlan]) -> str:
    return _collection(
        _feature(
            {"id": zone.id, "zh": zone.zh, "en": zone.en}, "MultiPolygon", [[_points(ring)] for ring in zone.rings]
        )
        for zone in zones
    )


def _points(ring: Sequence[Point]) -> list[list[float]]:
    return [list(point) for point in ring]


def _feature(properties: Mapping[str, str], shape: str, coordinates: Sequence[object]) -> str:
    geometry = {"type": shape, "coordinates": coordinates}
    feature = {"type": "Feature", "properties": properties, "geometry": geometry}
    return json.dumps(feature, ensure_ascii=False, separators=(",", ":"))


def _collection(features: Iterable[str]) -> str:
    """Write one feature a line, so that a mistake has a line number worth reading."""
    return '{"type":"FeatureCollection","features":[\n' + ",\n".join(features) + "\n]}\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
