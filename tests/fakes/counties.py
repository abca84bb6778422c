"""More counties than anybody wrote: one playbook under other codes, elsewhere on the map."""

import json
from dataclasses import replace

from shared.playbook.model import Playbook
from shared.playbook.record import content_of, playbook_of, sealed


def moved(playbook: Playbook, county: str, *, east: float = 0.0) -> Playbook:
    """Return `playbook` as that of `county`: every code inside begins with it, its cells lie `east` degrees further."""
    text = json.dumps(content_of(playbook), ensure_ascii=False).replace(f'"{playbook.county}', f'"{county}')
    there = playbook_of(text.encode())
    cells = tuple(replace(cell, polygon=tuple((lon + east, lat) for lon, lat in cell.polygon)) for cell in there.cells)
    return sealed(replace(there, cells=cells))
