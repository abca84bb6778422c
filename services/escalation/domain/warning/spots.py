"""Reports that lie close together (热点): of the circles around reports the one that holds most.

As in Kulldorff's scan statistic the circles stand on the reports themselves. A circle has a history of
its own, which a cluster that grows along a street (DBSCAN) has not.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from services.escalation.domain.warning.columns import Columns, Flags, Places
from services.escalation.domain.warning.distances import metres_pairwise, nearer, squared_chords
from shared.events.warning import Spot

MOST: Final = 500
"""Reports looked at around one: the newest; so many in one spot are a warning whatever lies beyond."""
_BLOCK: Final = 64
"""Circles that are counted at once."""


def spot_around(reports: Columns, end: int, rows: slice, *, metres: int, at_least: int) -> Spot | None:
    """The circle of ``metres`` around one of ``rows`` that holds the row ``end`` and most others, if ``at_least``."""
    place = reports.reports[end].place
    if place is None:
        return None
    near = reports.newest_within(place, 2 * metres, rows, most=MOST)
    if len(near) < at_least:
        return None
    centres = near[_close(reports, np.array([end]), near, metres)[0]]
    blocks = [centres[begin : begin + _BLOCK] for begin in range(0, len(centres), _BLOCK)]
    counts = np.array([count for some in blocks for count in _close(reports, some, near, metres).sum(axis=1).tolist()])
    if int(counts.max(initial=0)) < at_least:
        return None
    # Of several with as many the one around the smallest id: whichever report came first, it is the same.
    full = (reports.reports[row] for row in centres[counts == counts.max()].tolist())
    centre = min(full, key=lambda one: one.report_id.int).place
    return None if centre is None else Spot(centre=centre, metres=metres)


def _close(reports: Columns, some: Places, others: Places, metres: int) -> Flags:
    """Which of ``others`` (columns) lie within ``metres`` of which of ``some`` (rows)."""
    # From a point amidst them all lie within four times the metres: single precision tells them apart, but for a few.
    amidst = reports.vectors[:, others[:1]]
    here, there = ((reports.vectors[:, rows] - amidst).astype(np.float32) for rows in (some, others))
    squares, points = squared_chords(here, there), reports.points
    return nearer(squares, metres, lambda at: metres_pairwise(points[some[at[0]]], points[others[at[1]]]))
