"""The demo's own messages, and the reports they become in a county's places."""

import csv
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import shapely

from deploy.local.demo.playbook import FORGOTTEN_CATEGORY, HELD_CATEGORY, WHISTLED_CATEGORY
from shared.playbook.model import Area, Playbook
from shared.vocabulary import Level

FILE: Final = Path(__file__).with_name("messages.csv")
GAS: Final = "gas"
"""The burst whose first report is the story that is told."""
STORY: Final = "demo-story"
FORGOTTEN: Final = "demo-forgotten"
WHISTLED: Final = "demo-whistled"
HELD: Final = "demo-held"
MERGED: Final = "demo-merged"
TOLD: Final = (STORY, FORGOTTEN, WHISTLED, HELD, MERGED)
"""Tags of the cases that are told: everybody who hears of them knows them by these."""
SECOND_NEIGHBOUR: Final = "neighbour-2"
"""Whose report joins the case of the first."""
NAMES: Final = ("麓小一", "麓小二", "云阿姨", "云大爷", "石师傅", "竹老师", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One line of the file. ``burst`` names the one matter that several lines are about, else it is empty.

    ``where`` is how the place is told: ``point`` and ``cell`` by a point or code in the grid, else by the code of
    that level.
    """

    burst: str
    source: str
    where: str
    category: str
    severity: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One report ready to send: its JSON body and which message or bad request it is."""

    name: str
    body: Mapping[str, Any]


def read_messages(file: Path = FILE) -> list[Message]:
    """Return the lines of ``file`` in order."""
    with file.open(encoding="utf-8", newline="") as lines:
        return [Message(**line) for line in csv.DictReader(lines)]


class Gazetteer:
    """Places of one county for messages: seeded, so that two runs tell the same."""

    def __init__(self, playbook: Playbook, seed: int) -> None:
        self._playbook = playbook
        self._chance = random.Random(seed)
        self._villages = [area for area in playbook.areas.values() if area.level is Level.VILLAGE and area.desk]
        self._cells: dict[str, list[tuple[str, shapely.Polygon]]] = {}
        for cell in playbook.cells:
            self._cells.setdefault(cell.village, []).append((cell.code, shapely.Polygon(cell.polygon)))
        self._bursts: dict[str, Area] = {}

    def village_of(self, burst: str) -> Area:
        """Return some village; for one burst always the same."""
        if not burst:
            return self._chance.choice(self._villages)
        if burst not in self._bursts:
            self._bursts[burst] = self._chance.choice(self._villages)
        return self._bursts[burst]

    def report(self, message: Message, name: str) -> Draft:
        """Return ``message`` as a report from somewhere in the county."""
        village = self.village_of(message.burst)
        town = self._playbook.areas[village.code[: Level.TOWN.digits]]
        body: dict[str, Any] = {
            "source": message.source,
            "text": message.text.replace("{village}", village.name.zh).replace("{town}", town.name.zh),
            **self._where(message.where, village, town),
        }
        if message.category:
            body["category"] = message.category
        if message.severity:
            body["severity"] = int(message.severity)
        if message.source in {"resident", "hotline"}:
            number = self._chance.randrange(10_000)
            body["reporter"] = {"name": self._chance.choice(NAMES), "phone": f"000-0000-{number:04d}"}
        return Draft(name=name, body=body)

    def _where(self, where: str, village: Area, town: Area) -> dict[str, Any]:
        code, polygon = self._chance.choice(self._cells[village.code])
        match where:
            case "point":
                return {"place": self._point_in(polygon)}
            case "cell":
                return {"area": code}
            case "village":
                return {"area": village.code}
            case "town":
                return {"area": town.code}
            case "county":
                return {"area": self._playbook.county}
            case _:
                raise ValueError(f"{where!r} is no way to tell a place")

    def _point_in(self, polygon: shapely.Polygon) -> dict[str, float]:
        west, south, east, north = polygon.bounds
        for _ in range(100):
            lon, lat = self._chance.uniform(west, east), self._chance.uniform(south, north)
            if polygon.contains(shapely.Point(lon, lat)):
                return {"lon": round(lon, 6), "lat": round(lat, 6)}
        middle = polygon.representative_point()
        return {"lon": middle.x, "lat": middle.y}


def drafts(playbook: Playbook, messages: Sequence[Message], *, seed: int) -> list[Draft]:
    """Return every message as a report, single ones spread, each burst together, the stories first."""
    places = Gazetteer(playbook, seed)
    chance = random.Random(seed)
    singles = [message for message in messages if not message.burst]
    chance.shuffle(singles)
    bursts: dict[str, list[Message]] = {}
    for message in messages:
        if message.burst:
            bursts.setdefault(message.burst, []).append(message)
    ordered = list(_interleaved(singles, bursts))
    reports = [places.report(message, f"message-{n}") for n, message in enumerate(ordered)]
    story = next(n for n, message in enumerate(ordered) if message.burst == GAS)
    reports[story] = tagged(reports[story], STORY)
    return [forgotten_report(places), whistled_report(places), held_report(places), *one_matter(places), *reports]


def forgotten_report(places: Gazetteer) -> Draft:
    """Return the report that no village and no town desk will sign."""
    village = places.village_of(FORGOTTEN)
    message = Message(
        burst=FORGOTTEN,
        source="grid",
        where="village",
        category=FORGOTTEN_CATEGORY,
        severity="3",
        text=f"{village.name.zh}村口暴露垃圾约两车，已影响通行，请尽快清运",
    )
    return tagged(places.report(message, "forgotten"), FORGOTTEN)


def whistled_report(places: Gazetteer) -> Draft:
    """Return the report for which the village whistles: nobody can end it alone."""
    village = places.village_of(WHISTLED)
    message = Message(
        burst=WHISTLED,
        source="grid",
        where="village",
        category=WHISTLED_CATEGORY,
        severity="3",
        text=f"{village.name.zh}夜市摊位越摆越多，堵住消防通道，熟食摊无证照，多次劝导无效",
    )
    return tagged(places.report(message, "whistled"), WHISTLED)


def held_report(places: Gazetteer) -> Draft:
    """Return the report whose case needs more time, is supervised, and stands still until a part has come."""
    village = places.village_of(HELD)
    message = Message(
        burst=HELD,
        source="hotline",
        where="village",
        category=HELD_CATEGORY,
        severity="",
        text=f"来电人反映{village.name.zh}小学路口三盏路灯全部不亮，灯杆控制箱冒过烟",
    )
    return tagged(places.report(message, "held"), HELD)


def one_matter(places: Gazetteer) -> tuple[Draft, Draft]:
    """Return two neighbours' reports of one matter: one case, and both follow it."""
    village = places.village_of(MERGED)
    message = Message(
        burst=MERGED,
        source="resident",
        where="point",
        category="",
        severity="",
        text=f"{village.name.zh}卫生室门前的井盖破了一半，晚上有人差点踩空",
    )
    first = places.report(message, "neighbour-1")
    second = replace(first, name=SECOND_NEIGHBOUR, body={**first.body, "text": f"{message.text}，请快来修"})
    return tagged(first, MERGED), second


def tagged(draft: Draft, tag: str) -> Draft:
    """Return ``draft`` with ``tag``."""
    return replace(draft, body={**draft.body, "tags": [tag]})


def _interleaved(singles: Sequence[Message], bursts: Mapping[str, Sequence[Message]]) -> Iterator[Message]:
    """Yield the story's burst after a few singles, then a further burst at even distances."""
    rest = [burst for name, burst in bursts.items() if name != GAS]
    gap = max(1, len(singles) // (len(rest) + 1))
    waiting = [bursts.get(GAS, ()), *rest]
    for number, single in enumerate(singles):
        if number == min(3, len(singles) - 1) or (number and number % gap == 0 and waiting):
            yield from waiting.pop(0) if waiting else ()
        yield single
    for burst in waiting:
        yield from burst
