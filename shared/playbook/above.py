"""Who stands above the holder of an order: the one rule for escalation, which says who takes hold, and for the router.

Pure: plain values in, an area out.
"""

from __future__ import annotations

from typing import assert_never

from shared.events.parts import Target
from shared.playbook.model import Area, Playbook
from shared.vocabulary import Level, TargetKind


def desk_above(playbook: Playbook, target: Target, *, level: Level, area: str) -> Area | None:
    """Return the area whose desk stands above ``target``, who has an order of ``level`` for a case in ``area``.

    Above a department stands the desk of its own level for the case's area, or the next that exists;
    above a desk the next desk up. None above the county's.
    """
    match target.kind:
        case TargetKind.DEPARTMENT:
            return playbook.desk_area(area, at_least=level)
        case TargetKind.DESK:
            # By the code's length: a desk that this playbook does not know any more still has one above.
            up = (part for part in playbook.area_line(target.id) if part.level.digits < len(target.id))
            return next((part for part in up if part.desk), None)
        case _:
            assert_never(target.kind)
