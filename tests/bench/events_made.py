"""Opened cases as intake writes them, by the million: the same seed tells the same county's days."""

from __future__ import annotations

import csv
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Final
from uuid import UUID

from deploy.local.demo.messages import read_messages
from services.intake.domain.reading.classifying import classify
from shared.events.case import CaseOpened
from shared.events.codec import Message, encode
from shared.events.envelope import Event
from shared.events.parts import Actor, CaseView, Place, PlaybookRef
from shared.masking import mask
from shared.playbook.model import Playbook
from shared.vocabulary import ActorKind, CaseState, Level, Severity, Source, level_of
from tests.bench.rules_made import TAGS, Weights

SEED: Final = 20261121
BEGAN: Final = datetime(2026, 11, 21, 0, tzinfo=UTC)
PACE: Final = timedelta(seconds=0.0864)
"""From one case to the next: a million are one day, night and office hours in it."""
SHARED: Final = Path(os.environ.get("WHISTLE_SHARED", Path(__file__).parents[3] / "shared"))
REAL_TEXTS: Final = SHARED / "data" / "fuzhou_12345" / "cases.csv"
"""A city hotline's real letters, when they lie beside the project; without them its own messages are all."""
REAL_TEXTS_TAKEN: Final = 2000
LONGEST_TITLE: Final = 40
INTAKE: Final = Actor(kind=ActorKind.SYSTEM, id="intake", name="受理平台")
SOURCES: Final = (
    (Source.HOTLINE, 0.36),
    (Source.RESIDENT, 0.33),
    (Source.GRID, 0.2),
    (Source.INSPECTION, 0.05),
    (Source.SENSOR, 0.04),
    (Source.HANDOVER, 0.02),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One text with what intake makes of it."""

    text: str
    category: str
    severity: Severity
    condition: str | None
    why: str


def made_events(count: int, playbook: Playbook, *, topic: str, seed: int = SEED) -> Iterator[Message]:
    """Yield so many opened cases as records for `topic`: ids all differ, everything else is skewed as a county's is."""
    county = County(playbook, random.Random(seed))
    for number in range(count):
        event = county.event(number)
        written = encode(event)
        yield Message(topic=topic, key=written.key, value=written.value, headers=written.headers)


def drawn(count: int, playbook: Playbook, *, seed: int = SEED) -> Iterator[CaseOpened]:
    """Yield the same cases without envelope and bytes."""
    county = County(playbook, random.Random(seed))
    return (county.event(number).data for number in range(count))


class County:
    """Draws cases in one county's places."""

    def __init__(self, playbook: Playbook, chance: random.Random) -> None:
        self._playbook = playbook
        self._ref = PlaybookRef(version=playbook.version, digest=playbook.digest)
        self._chance = chance
        self._letters = [_letter(text, named, playbook) for text, named in texts()]
        chance.shuffle(self._letters)
        self._weights = list(accumulate(1 / (rank + 1) ** 0.6 for rank in range(len(self._letters))))
        villages = sorted(code for code, area in playbook.areas.items() if area.level is Level.VILLAGE)
        self._villages = Weights(villages, chance, skew=0.5)
        self._sources = [source for source, _ in SOURCES]
        self._source_weights = list(accumulate(weight for _, weight in SOURCES))

    def event(self, number: int) -> Event[CaseOpened]:
        """Return the opening of case `number`."""
        chance = self._chance
        letter = chance.choices(self._letters, cum_weights=self._weights)[0]
        source = chance.choices(self._sources, cum_weights=self._source_weights)[0]
        at = BEGAN + number * PACE
        case_id = UUID(int=chance.getrandbits(128), version=4)
        case = CaseView(
            case_id=case_id,
            version=1,
            state=CaseState.OPENED,
            county=self._playbook.county,
            area=(area := self._area()),
            level=level_of(area),
            category=letter.category,
            severity=self._severity(letter.severity),
            source=source,
            title=letter.text[:LONGEST_TITLE],
            opened_at=at,
            playbook=self._ref,
            condition=letter.condition,
            tags=(chance.choice(TAGS),) if chance.random() < 0.12 else (),
            place=self._place() if chance.random() < 0.6 else None,
        )
        opened = CaseOpened(
            case=case,
            by=INTAKE,
            report_id=UUID(int=chance.getrandbits(128), version=4),
            text=letter.text,
            area_why=f"报告给出区域 {area} / the report names the area",
            category_why=letter.why,
        )
        return Event(
            id=UUID(int=chance.getrandbits(128), version=4),
            source="/whistle/intake",
            subject=str(case_id),
            time=at,
            sequence=1,
            data=opened,
            traceparent=f"00-{chance.getrandbits(128) | 1:032x}-{chance.getrandbits(64) | 1:016x}-01",
        )

    def _area(self) -> str:
        village, draw = self._villages.draw(), self._chance.random()
        if draw < 0.7:
            return village
        return village[:9] if draw < 0.8 else f"{village}{self._chance.randint(1, 3):03}"

    def _severity(self, usual: Severity) -> Severity:
        draw = self._chance.random()
        if draw < 0.9:
            return usual
        return Severity(min(4, max(1, usual + (1 if draw < 0.96 else -1))))

    def _place(self) -> Place:
        return Place(
            lon=round(102.5 + self._chance.random() / 2, 6),
            lat=round(25.0 + self._chance.random() / 2, 6),
        )


@cache
def texts() -> tuple[tuple[str, str | None], ...]:
    """Return what people write, masked, each with the category that it names itself, if any."""
    own = [
        (message.text.format(village="青石村", town="云溪镇"), message.category or None) for message in read_messages()
    ]
    return (*own, *((mask(text), None) for text in _real_texts()))


def _real_texts() -> Iterator[str]:
    if not REAL_TEXTS.is_file():
        return
    with REAL_TEXTS.open(encoding="utf-8", newline="") as lines:
        rows = (f"{row['title']}\n{row['content']}".strip()[:2000] for row in csv.DictReader(lines))
        for _, text in zip(range(REAL_TEXTS_TAKEN), filter(None, rows), strict=False):
            yield text


def _letter(text: str, named: str | None, playbook: Playbook) -> Letter:
    found = classify(named, text, playbook=playbook)
    return Letter(
        text=text,
        category=found.category.code,
        severity=found.category.severity,
        condition=found.condition,
        why=found.why,
    )
