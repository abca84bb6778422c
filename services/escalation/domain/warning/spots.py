"""Reports that lie close together (热点): of the circles around reports the one that holds most.

As in Kulldorff's scan statistic the circles stand on the reports themselves. A circle has a history of
its own, which a cluster that grows along a street (DBSCAN) has not.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from services.escalation.domain.warning.columns import Columns, Places
from services.escalation.domain.warning.distances import metres_pairwise, nearer
from shared.events.warning import Spot

MOST: Final = 500
"""Reports looked at around one: the newest; so many in one spot are a warning whatever lies beyond."""


def spot_around(reports: Columns, end: int, rows: slice, *, metres: int, at_least: int) -> Spot | None:
    """The circle of ``metres`` around one of ``rows`` that holds the row ``end`` and most others, if ``at_least``."""
    place = reports.reports[end].place
    if place is None:
        return None
    near = reports.newest_within(place, 2 * metres, rows, most=MOST)
    if len(near) < at_least:
        return None
    centres = near[_close(reports, np.array([end]), near, metres)[0]]
    counts = np.count_nonzero(_close(reports, centres, near, metres), axis=1)
    if int(counts.max(initial=0)) < at_least:
        return None
    # Of several with as many the one around the smallest id: whichever report came first, it is the same.
    full = (reports.reports[int(row)] for row in centres[counts == counts.max()])
    centre = min(full, key=lambda one: one.report_id.int).place
    return None if centre is None else Spot(centre=centre, metres=metres)


def _close(
    reports: Columns, some: Places, others: Places, metres: int
) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Which of ``others`` (columns) lie within ``metres`` of which of ``some`` (rows)."""
    # From a point amidst them the differences are small, and lose no digits.
    here, there = (reports.vectors[rows] - reports.vectors[others[0]] for rows in (some, others))
    squares = np.zeros((len(some), len(others)))
    for axis in range(3):
        squares += np.subtract.outer(here[:, axis], there[:, axis]) ** 2
    return nearer(
        squares, metres, lambda at: metres_pairwise(reports.points[some[at[0]]], reports.points[others[at[1]]])
    )
