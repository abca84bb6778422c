"""Deadlines, pauses, extensions and back-dating against a pencil that walks minute by minute: 100,000 random cases."""

import random

import pytest

from tests.oracles.clock_cases import Sheet
from tests.oracles.clock_minutes import EPOCH, MINUTE, Unknown

SEED = 20261121
SHEETS, CASES = 20, 5_000


@pytest.mark.parametrize("number", range(SHEETS))
def test_every_case_of_a_random_calendar_comes_out_as_with_a_pencil(number: int) -> None:
    """A million run by ``python -m tests.bench oracle``; the same seed and number make a sheet again."""
    sheet = Sheet(SEED, number)
    assert list(sheet.differences(CASES)) == []
    assert sheet.unknown < CASES / 3, "most cases must have an end, or nothing is compared"


def test_the_pencil_counts_as_one_who_walks_one_minute_after_the_other() -> None:
    chance = random.Random(SEED)
    for number in range(4):
        sheet = Sheet(SEED, number)
        years = sorted(sheet.terms.calendar.years)
        first = (EPOCH.replace(year=years[0], month=2) - EPOCH).days * 1440 * MINUTE
        for _ in range(50):
            start = first + chance.randrange(300 * 1440 * MINUTE)
            amount = chance.randrange(1, 6_000_000_000)
            assert sheet.minutes.later(start, amount) == sheet.minutes.walk(start, amount)
            assert sheet.minutes.passed(start, sheet.minutes.later(start, amount)) == amount


def test_the_pencil_says_where_it_runs_off_the_known_years() -> None:
    sheet = Sheet(SEED, 0)
    last = max(sheet.terms.calendar.years)
    end = (EPOCH.replace(year=last, month=12, day=20) - EPOCH).days * 1440 * MINUTE
    for count in (sheet.minutes.later, sheet.minutes.walk):
        with pytest.raises(Unknown):
            count(end, 400 * 60 * MINUTE)
