"""Made reports for early warning: a county that reports steadily, and bursts in it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from uuid import UUID, uuid5

from services.escalation.domain.warning.reports import Report
from shared.events.envelope import WHISTLE
from shared.events.parts import Place
from tests.fakes.small_county import COUNTY, EAST_VILLAGE, GAS_LEAK, WEST_VILLAGE


def report(
    name: str,
    at: datetime,
    *,
    area: str = WEST_VILLAGE,
    category: str = GAS_LEAK,
    place: Place | None = None,
) -> Report:
    """One report; its ids follow from ``name``."""
    return Report(
        report_id=uuid5(WHISTLE, f"report {name}"),
        case_id=uuid5(WHISTLE, f"case {name}"),
        county=COUNTY,
        area=area,
        category=category,
        at=at,
        place=place,
    )


def steady(start: datetime, *, days: int, each_day: int, seed: int = 1) -> list[Report]:
    """``each_day`` reports a day in each of both villages, at random minutes and places."""
    rng = Random(seed)
    return [
        report(
            f"{seed} {area} {day} {number}",
            start + timedelta(days=day, minutes=rng.uniform(0, 1440)),
            area=area,
            place=Place(lon=100 + rng.random() * 2, lat=25 + rng.random()),
        )
        for area in (WEST_VILLAGE, EAST_VILLAGE)
        for day in range(days)
        for number in range(each_day)
    ]


def burst(at: datetime, count: int, *, minutes: float = 10, near: Place | None = None, name: str = "") -> list[Report]:
    """``count`` reports from the western village, ``minutes`` apart, within some metres of ``near``."""
    return [
        report(
            f"burst {name} {number}",
            at + timedelta(minutes=minutes * number),
            place=None if near is None else Place(lon=near.lon + number * 1e-4, lat=near.lat),
        )
        for number in range(count)
    ]


def ids(reports: Sequence[Report]) -> set[UUID]:
    return {one.report_id for one in reports}
