"""A missing year is told sixty days ahead: by a metric at each scrape, by the log once a day."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.escalation.years import Years
from shared.playbook.model import YEAR_SOON, Playbook, YearStatus
from tests.fakes.clock_county import clock_county
from tests.fakes.small_county import COUNTY, EAST_VILLAGE

LAST = date(2026, 12, 31)


class Days:
    """A playbook until the end of 2026, and a day that a test turns."""

    def __init__(self) -> None:
        self.today = LAST - YEAR_SOON
        self.book = self._until(2026)

    def of(self, area: str) -> Playbook:
        return self.book

    def fill(self, year: int) -> None:
        self.book = self._until(year)

    def _until(self, year: int) -> Playbook:
        book = clock_county()
        years = dict.fromkeys(range(2025, year + 1), YearStatus.ANNOUNCED)
        return replace(book, calendar=replace(book.calendar, years=years))


def test_a_county_in_use_is_told_of_from_sixty_days_before_its_calendar_ends() -> None:
    days = Days()
    years = Years(days, today=lambda: days.today)
    days.today += timedelta(days=1)
    assert years.ending == {}, "nobody asked for its playbook yet"
    assert years.of(EAST_VILLAGE) is days.book
    days.today -= timedelta(days=1)
    assert years.ending == {}
    days.today += timedelta(days=1)
    assert years.ending == {COUNTY: LAST}
    days.today = LAST + timedelta(days=1)
    assert years.ending == {COUNTY: None}
    days.fill(2027)
    years.of(EAST_VILLAGE)
    assert years.ending == {}


def test_the_log_says_it_once_a_day_and_louder_when_the_year_has_begun(caplog: pytest.LogCaptureFixture) -> None:
    days = Days()
    years = Years(days, today=lambda: days.today)
    years.of(EAST_VILLAGE)
    for _ in range(3):
        years.tell()
    assert caplog.records == []
    days.today += timedelta(days=1)
    for _ in range(3):
        years.tell()
    days.today += timedelta(days=1)
    years.tell()
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert f"{COUNTY} ends on 2026-12-31" in caplog.text
    days.today = LAST + timedelta(days=1)
    years.tell()
    assert caplog.records[-1].levelno == logging.ERROR
    assert "does not know 2027" in caplog.text
