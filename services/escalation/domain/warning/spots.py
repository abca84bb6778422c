"""Reports that lie close together (热点): of the circles around reports the one that holds most.

As in Kulldorff's scan statistic the circles stand on the reports themselves. A circle has a history of
its own, which a cluster that grows along a street (DBSCAN) has not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.escalation.domain.warning.reports import Report
from shared.events.parts import Place
from shared.events.warning import Spot

EARTH_METRES: Final = 6_371_008.8
MOST: Final = 500
"""Reports looked at around one: the newest; so many in one spot are a warning whatever lies beyond."""

Metres = NDArray[np.float64]


def metres_between(places: Sequence[Place], others: Sequence[Place]) -> Metres:
    """The distances along the great circle (haversine): a row for each of ``places``, a column for each other."""
    return metres_apart(radians_of(places), radians_of(others))


def metres_apart(points: Metres, others: Metres) -> Metres:
    """As ``metres_between``, of rows of latitude and longitude in radians; not a number where a place is none."""
    here, there = points[:, None, :], others[None, :, :]
    half = np.sin((here - there) / 2) ** 2
    arc = half[..., 0] + np.cos(here[..., 0]) * np.cos(there[..., 0]) * half[..., 1]
    metres: Metres = 2 * EARTH_METRES * np.arcsin(np.sqrt(np.clip(arc, 0.0, 1.0)))
    return metres


def radians_of(places: Sequence[Place]) -> Metres:
    """Latitude and longitude in radians, a row for each of ``places``."""
    radians: Metres = np.radians([(place.lat, place.lon) for place in places]).reshape(-1, 2)
    return radians


def inside(reports: Sequence[Report], spot: Spot) -> list[Report]:
    """Those of ``reports`` that lie in ``spot``; one without a place lies nowhere."""
    placed = [(one, one.place) for one in reports if one.place is not None]
    if not placed:
        return []
    near = metres_between([place for _, place in placed], [spot.centre])[:, 0] <= spot.metres
    return [one for (one, _), is_near in zip(placed, near, strict=True) if is_near]


def spot_around(report: Report, reports: Sequence[Report], *, metres: int, at_least: int) -> Spot | None:
    """The circle of ``metres`` around one of ``reports`` that holds ``report`` and most others, if ``at_least``."""
    if report.place is None:
        return None
    near = inside(reports, Spot(centre=report.place, metres=2 * metres))[-MOST:]
    if len(near) < at_least:
        return None
    places = [one.place for one in near if one.place is not None]
    close = metres_between(places, places) <= metres
    held = metres_between(places, [report.place])[:, 0] <= metres
    counts = np.where(held, close.sum(axis=1), 0)
    if int(counts.max()) < at_least:
        return None
    # Of several with as many the one around the smallest id: whichever report came first, it is the same.
    best = min((one.report_id, at) for at, one in enumerate(near) if counts[at] == counts.max())[1]
    return Spot(centre=places[best], metres=metres)
