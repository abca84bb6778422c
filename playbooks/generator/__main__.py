"""`python -m playbooks.generator [--check] [FOLDER]` writes, or compares, the county's generated files."""

import csv
import io
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from playbooks.generator.offices import make_offices
from playbooks.generator.places import County, make_county

FOLDER = Path(__file__).parent.parent / "yunlu"


def contents() -> Mapping[str, str]:
    """Return the text of every generated file by its name."""
    county = make_county()
    offices = make_offices(county.areas)
    areas = [(a.code, a.zh, a.en, a.kind, str(a.desk).lower()) for a in county.areas]
    return {
        "areas.csv": _csv(("code", "zh", "en", "kind", "desk"), areas),
        "cells.geojson": _geojson(county),
        "departments.csv": _csv(("id", "zh", "en", "area"), offices.departments),
        "duties.csv": _csv(("department", "category", "area", "power"), offices.duties),
        "enforcement.csv": _csv(("code", "zh", "en", "department", "category", "area", "basis"), offices.enforcement),
        "officers.csv": _csv(("id", "name", "phone"), offices.officers),
        "shifts.csv": _csv(("owner", "weekdays", "opens", "closes", "officers"), offices.shifts),
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
    """Write one feature a line, so that a mistake has a line number worth reading."""
    features = [
        json.dumps(
            {
                "type": "Feature",
                "properties": {"code": cell.code, "village": cell.village},
                "geometry": {"type": "Polygon", "coordinates": [[list(point) for point in cell.ring]]},
            },
            separators=(",", ":"),
        )
        for cell in county.cells
    ]
    return '{"type":"FeatureCollection","features":[\n' + ",\n".join(features) + "\n]}\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
