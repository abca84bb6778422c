"""Which named zones hold a point: boxes in a coarse net first, then the polygons themselves."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from math import floor
from typing import Final, TypeAlias

from shared.events.parts import Place
from shared.playbook.model import Ring, Zone

MESH: Final = 0.02
"""Degrees of one mesh of the net, about two kilometres: a zone of a town lies in a handful of them."""
MESHES_AT_MOST: Final = 256
"""A ring over more meshes than this is tried for every point."""

Entry: TypeAlias = tuple[str, Ring]


class ZoneMap:
    """The zones of one playbook, ready to be asked for a point."""

    def __init__(self, zones: Mapping[str, Zone], *, wanted: Iterable[str]) -> None:
        """Lay out those of `zones` that somebody asks for."""
        self._net: defaultdict[tuple[int, int], list[Entry]] = defaultdict(list)
        self._wide: list[Entry] = []
        for name in sorted(set(wanted) & set(zones)):
            for ring in zones[name].polygons:
                self._lay(name, ring)

    def holding(self, place: Place | None) -> frozenset[str]:
        """Return the ids of the zones that hold the point; none for a case without one."""
        if place is None:
            return frozenset()
        near = self._net.get((floor(place.lon / MESH), floor(place.lat / MESH)), ())
        return frozenset(name for name, ring in (*self._wide, *near) if inside(ring, place.lon, place.lat))

    def _lay(self, name: str, ring: Ring) -> None:
        meshes = list(_meshes(ring))
        if not meshes:
            self._wide.append((name, ring))
        for mesh in meshes:
            self._net[mesh].append((name, ring))


def inside(ring: Ring, lon: float, lat: float) -> bool:
    """Say whether the point lies in the ring or on its edge (even-odd rule)."""
    held = False
    for (x1, y1), (x2, y2) in pairwise(ring):
        if _on_edge(x1, y1, x2, y2, lon, lat):
            return True
        if (y1 > lat) != (y2 > lat) and lon < (x2 - x1) * (lat - y1) / (y2 - y1) + x1:
            held = not held
    return held


def _on_edge(x1: float, y1: float, x2: float, y2: float, lon: float, lat: float) -> bool:
    level = (x2 - x1) * (lat - y1) == (y2 - y1) * (lon - x1)
    return level and min(x1, x2) <= lon <= max(x1, x2) and min(y1, y2) <= lat <= max(y1, y2)


def _meshes(ring: Ring) -> Iterator[tuple[int, int]]:
    """Yield the meshes that the ring's box touches; none when they are too many."""
    west, east = (floor(edge(x for x, _ in ring) / MESH) for edge in (min, max))
    south, north = (floor(edge(y for _, y in ring) / MESH) for edge in (min, max))
    if (east - west + 1) * (north - south + 1) <= MESHES_AT_MOST:
        yield from ((x, y) for x in range(west, east + 1) for y in range(south, north + 1))
