"""Which playbooks intake reads to place a report: the one of the county concerned, and no other."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

import pytest

from services.intake.domain.reports.report import Report
from services.intake.handlers import CountyMaps, Doors
from services.intake.handlers.drafting import prepare
from services.intake.playbooks import ShelvedPlaybooks
from services.intake.ports import NoPlaybook
from shared.events.parts import Actor, Place
from shared.playbook import shelf as shelf_module
from shared.playbook.model import Playbook
from shared.playbook.record import Packed, sealed, to_message, unpacked
from shared.playbook.shelf import PlaybookShelf
from shared.vocabulary import ActorKind, Source
from tests.fakes.counties import moved
from tests.fakes.intake import FakeCaseStore, FakeVault, ToldClock
from tests.fakes.small_county import COUNTY, small_county

SENDER = Actor(kind=ActorKind.SOURCE, id="sensors")


@dataclass(frozen=True)
class Record:
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    offset: int = 0


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The county of each record whose content was read, in order."""
    read: list[str] = []

    def unchecked(content: Packed, *, proven: bool) -> Playbook:
        read.append(content.county)
        return unpacked(content)

    monkeypatch.setattr(shelf_module, "_read", unchecked)
    return read


async def doors_of(*playbooks: Playbook) -> Doors:
    shelf = PlaybookShelf()
    for playbook in playbooks:
        message = to_message(playbook, published_at=ToldClock().now)
        await shelf.receive(Record(message.key, message.value, message.headers))
    return Doors(store=FakeCaseStore(), playbooks=ShelvedPlaybooks(shelf), vault=FakeVault(), clock=ToldClock())


def area_of(doors: Doors, *, area: str | None = None, place: Place | None = None, at: str | None = None) -> str:
    report = Report(source=Source.SENSOR, text="停水", area=area, place=place)
    return prepare(report, report_id=uuid4(), by=SENDER, at=at, doors=doors).command.area


def inside(playbook: Playbook) -> Place:
    (west, south), _, (east, north), *_ = playbook.cells[0].polygon
    return Place(lon=(west + east) / 2, lat=(south + north) / 2)


async def test_only_the_county_concerned_is_read(reads: list[str]) -> None:
    counties = [moved(sealed(small_county()), f"99010{number}", east=10 * number) for number in range(1, 6)]
    doors = await doors_of(*counties)
    assert area_of(doors, area="990102").startswith("990102")
    assert area_of(doors, place=inside(counties[3]), at="990104").startswith("990104")
    assert area_of(doors, place=inside(counties[2])).startswith("990103"), "a bare point of a sender without a county"
    assert reads == ["990102", "990104", "990103"]


async def test_a_point_in_no_county_reads_none(reads: list[str]) -> None:
    doors = await doors_of(sealed(small_county()))
    with pytest.raises(NoPlaybook):
        area_of(doors, place=Place(lon=1.0, lat=1.0))
    assert reads == []


def test_the_map_not_used_for_longest_goes() -> None:
    maps, playbook = CountyMaps(2), sealed(small_county())
    first, second, third = (moved(playbook, county) for county in (COUNTY, "990188", "990199"))
    kept = maps.of(first)
    maps.of(second)
    assert maps.of(first) is kept
    maps.of(third)
    assert maps.of(first) is kept
    assert len(maps._maps) == 2
