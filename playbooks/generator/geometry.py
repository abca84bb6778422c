"""Voronoi cells with shared, natural-looking borders, in plain Python.

All cells come from one diagram, so neighbours have the same corners; corners are rounded before a
border is drawn between them, so neighbours draw the same border. Hence no overlap and no gap.
"""

import math
import random
from collections.abc import Sequence
from typing import Final, TypeAlias

Point: TypeAlias = tuple[float, float]

DIGITS: Final = 6
"""Decimals of a degree: about 0.1 m."""
SWING: Final = 0.06
"""How far a border leaves the straight line, as a part of its length; at 0.09 one crosses another."""
SHORTEST: Final = 0.002
"""Degrees, about 200 m: a border this short stays straight."""


def voronoi(outline: Sequence[Point], sites: Sequence[Point]) -> list[list[Point]]:
    """Return for each site the part of `outline` that is nearer to it than to any other site."""
    return [_cell(outline, site, sites) for site in sites]


def drawn(corners: Sequence[Point]) -> list[Point]:
    """Return the closed ring through `corners`, each side swinging a little."""
    rounded = _without_repeats([(round(x, DIGITS), round(y, DIGITS)) for x, y in corners])
    ring = [point for a, b in _sides(rounded) for point in _border(a, b)]
    return [*ring, ring[0]]


def scattered(rng: random.Random, outline: Sequence[Point], count: int) -> list[Point]:
    """Return `count` points inside `outline`, evenly spread: each the loneliest of some candidates."""
    points: list[Point] = []
    while len(points) < count:
        candidates = [_inner_point(rng, outline) for _ in range(24)]
        points.append(max(candidates, key=lambda c: min((math.dist(c, p) for p in points), default=0.0)))
    return points


def inside(point: Point, outline: Sequence[Point]) -> bool:
    """Say whether `point` lies in `outline` (even-odd rule)."""
    x, y = point
    crossings = sum(
        (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1 for (x1, y1), (x2, y2) in _sides(outline)
    )
    return crossings % 2 == 1


def nearest(point: Point, sites: Sequence[Point]) -> int:
    """Return the index of the site nearest to `point`."""
    return min(range(len(sites)), key=lambda index: math.dist(point, sites[index]))


def _cell(outline: Sequence[Point], site: Point, sites: Sequence[Point]) -> list[Point]:
    cell = list(outline)
    for other in sorted(sites, key=lambda other: math.dist(site, other)):
        reach = max(math.dist(site, corner) for corner in cell)
        if math.dist(site, other) > 2 * reach:
            break
        if other != site:
            cell = _nearer(cell, site, other)
    return cell


def _nearer(polygon: Sequence[Point], site: Point, other: Point) -> list[Point]:
    """Cut off what is nearer to `other`."""
    middle = ((site[0] + other[0]) / 2, (site[1] + other[1]) / 2)
    towards = (other[0] - site[0], other[1] - site[1])

    def beyond(point: Point) -> float:
        return (point[0] - middle[0]) * towards[0] + (point[1] - middle[1]) * towards[1]

    kept: list[Point] = []
    for a, b in _sides(polygon):
        at_a, at_b = beyond(a), beyond(b)
        if at_a <= 0:
            kept.append(a)
        if at_a * at_b < 0:
            part = at_a / (at_a - at_b)
            kept.append((a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1])))
    return kept


def _border(a: Point, b: Point) -> list[Point]:
    """Return the points from `a` up to, not including, `b`; the same line whichever way it is asked."""
    low, high = min(a, b), max(a, b)
    line = [low, *_swung(low, high, depth=2), high]
    return line[:-1] if a == low else line[:0:-1]


def _swung(a: Point, b: Point, *, depth: int) -> list[Point]:
    if depth == 0 or math.dist(a, b) < SHORTEST:
        return []
    swing = SWING * random.Random(repr((a, b))).uniform(-1, 1)
    x = (a[0] + b[0]) / 2 - (b[1] - a[1]) * swing
    y = (a[1] + b[1]) / 2 + (b[0] - a[0]) * swing
    middle = (round(x, DIGITS), round(y, DIGITS))
    return [*_swung(a, middle, depth=depth - 1), middle, *_swung(middle, b, depth=depth - 1)]


def _inner_point(rng: random.Random, outline: Sequence[Point]) -> Point:
    xs, ys = [x for x, _ in outline], [y for _, y in outline]
    while True:
        point = (rng.uniform(min(xs), max(xs)), rng.uniform(min(ys), max(ys)))
        if inside(point, outline):
            return point


def _sides(polygon: Sequence[Point]) -> list[tuple[Point, Point]]:
    return list(zip(polygon, [*polygon[1:], polygon[0]], strict=True))


def _without_repeats(points: Sequence[Point]) -> list[Point]:
    return [point for before, point in zip([points[-1], *points], points, strict=False) if point != before]
