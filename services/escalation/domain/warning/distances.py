"""Distances on the ground, of many places at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sin
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from shared.events.parts import Place

EARTH_METRES: Final = 6_371_008.8
_DOUBT: Final = 1e-5
"""Chords so near to the limit, as a share of it, are reckoned by the great circle."""

Metres = NDArray[np.float64]
Chords = NDArray[np.floating[Any]]


def metres_between(places: Sequence[Place], others: Sequence[Place]) -> Metres:
    """The distances along the great circle (haversine): a row for each of ``places``, a column for each other."""
    return metres_apart(radians_of(places), radians_of(others))


def metres_apart(points: Metres, others: Metres) -> Metres:
    """As ``metres_between``, of rows of latitude and longitude in radians; not a number where a place is none."""
    return _along(points[:, None, :], others[None, :, :])


def metres_pairwise(points: Metres, others: Metres) -> Metres:
    """The distance of each of ``points`` to the one of ``others`` in the same row."""
    return _along(points, others)


def _along(here: Metres, there: Metres) -> Metres:
    half = np.sin((here - there) / 2) ** 2
    arc = half[..., 0] + np.cos(here[..., 0]) * np.cos(there[..., 0]) * half[..., 1]
    metres: Metres = 2 * EARTH_METRES * np.arcsin(np.sqrt(np.clip(arc, 0.0, 1.0)))
    return metres


def radians_of(places: Sequence[Place]) -> Metres:
    """Latitude and longitude in radians, a row for each of ``places``."""
    radians: Metres = np.radians([(place.lat, place.lon) for place in places]).reshape(-1, 2)
    return radians


def vectors_of(points: Metres) -> Metres:
    """Points in radians as points in space, on a ball of radius 1: a row for each axis."""
    lat, lon = points[:, 0], points[:, 1]
    return np.stack((np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)))


def squared_chords(some: Chords, others: Chords) -> Chords:
    """The squares of the straight distances between points in space: a row for each of ``some``."""
    squares: Chords = np.zeros((some.shape[1], others.shape[1]), dtype=some.dtype)
    step = np.empty_like(squares)
    for here, there in zip(some, others, strict=True):
        np.subtract.outer(here, there, out=step)
        step *= step
        squares += step
    return squares


def nearer(
    squares: Chords, metres: float, exactly: Callable[[tuple[NDArray[np.intp], ...]], Metres]
) -> NDArray[np.bool_]:
    """Which of ``squares``, squared chords on the ball of radius 1, are ``metres`` long or less along the great circle.

    ``exactly`` gives the metres of the few that lie too near to the limit to be told by their chord.
    """
    limit = (2 * sin(metres / (2 * EARTH_METRES))) ** 2
    near: NDArray[np.bool_] = squares <= limit * (1 + _DOUBT)
    sure = squares <= limit * (1 - _DOUBT)
    if np.count_nonzero(near) != np.count_nonzero(sure):
        doubtful = np.nonzero(near & ~sure)
        near[doubtful] = exactly(doubtful) <= metres
    return near
