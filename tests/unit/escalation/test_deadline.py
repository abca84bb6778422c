"""When a limit runs out: tables, a slow oracle that walks minute by minute, and the shared cases."""

import csv
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.escalation.domain.deadline import Terms, deadline, elapsed, span
from services.escalation.domain.words import arithmetic, limit_in_words
from shared.playbook.model import Calendar, Limit, LimitUnit, Opening, UnknownYear, YearStatus

SHANGHAI = ZoneInfo("Asia/Shanghai")
EXAMPLES = int(os.environ.get("WHISTLE_TEST_EXAMPLES", "60"))
DAY = (Opening(opens=time(8), closes=time(12)), Opening(opens=time(14), closes=time(18)))
SPRING = {date(2026, 2, day): "春节" for day in range(15, 24)}
CALENDAR = Calendar(
    weekly=dict.fromkeys(range(1, 6), DAY),
    makeup_hours=DAY,
    holidays=SPRING,
    makeup_days={date(2026, 2, 14): "春节", date(2026, 2, 28): "春节"},
    years=dict.fromkeys((2025, 2026), YearStatus.ANNOUNCED),
)
TERMS = Terms(calendar=CALENDAR, zone=SHANGHAI, speed=1)


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def due(start: str, amount: float, unit: LimitUnit, terms: Terms = TERMS) -> str:
    found = deadline(at(start, terms.zone), Limit(amount=amount, unit=unit), terms=terms)
    return f"{found.due_at.astimezone(terms.zone):%Y-%m-%d %H:%M:%S}"


@pytest.mark.parametrize(
    ("start", "amount", "unit", "expected"),
    (
        ("2026-11-20 17:30", 30, LimitUnit.CONTINUOUS_MINUTE, "2026-11-20 18:00:00"),
        ("2026-11-20 17:30", 2, LimitUnit.CONTINUOUS_HOUR, "2026-11-20 19:30:00"),
        ("2026-11-20 17:30", 1, LimitUnit.NATURAL_DAY, "2026-11-21 17:30:00"),
        ("2026-11-19 09:00", 2, LimitUnit.WORKING_HOUR, "2026-11-19 11:00:00"),
        ("2026-11-19 11:00", 2, LimitUnit.WORKING_HOUR, "2026-11-19 15:00:00"),  # over the noon break
        ("2026-11-19 12:30", 1, LimitUnit.WORKING_HOUR, "2026-11-19 15:00:00"),  # begun in the break
        (
            "2026-11-19 10:00",
            2,
            LimitUnit.WORKING_HOUR,
            "2026-11-19 12:00:00",
        ),  # due at the close, not at two
        ("2026-11-19 17:00", 2, LimitUnit.WORKING_HOUR, "2026-11-20 09:00:00"),  # over night
        ("2026-11-20 17:00", 2, LimitUnit.WORKING_HOUR, "2026-11-23 09:00:00"),  # over the weekend
        ("2026-11-21 10:00", 4, LimitUnit.WORKING_HOUR, "2026-11-23 12:00:00"),  # begun on a Saturday
        ("2026-11-19 10:00", 1, LimitUnit.WORKING_DAY, "2026-11-20 10:00:00"),
        ("2026-11-19 10:00", 2, LimitUnit.WORKING_DAY, "2026-11-23 10:00:00"),
        ("2026-11-19 20:00", 1, LimitUnit.WORKING_DAY, "2026-11-20 18:00:00"),
        ("2026-02-13 17:00", 2, LimitUnit.WORKING_HOUR, "2026-02-14 09:00:00"),  # a make-up Saturday is worked
        ("2026-02-14 17:00", 2, LimitUnit.WORKING_HOUR, "2026-02-24 09:00:00"),  # over the whole feast
        ("2026-11-19 10:00", 0.5, LimitUnit.WORKING_HOUR, "2026-11-19 10:30:00"),
    ),
)
def test_a_limit_runs_out_when_its_table_says(start: str, amount: float, unit: LimitUnit, expected: str) -> None:
    assert due(start, amount, unit) == expected


def test_a_year_without_a_calendar_is_a_loud_error_for_working_time_only() -> None:
    assert due("2026-12-31 17:00", 30, LimitUnit.NATURAL_DAY) == "2027-01-30 17:00:00"
    assert due("2026-12-31 16:00", 2, LimitUnit.WORKING_HOUR) == "2026-12-31 18:00:00"
    with pytest.raises(UnknownYear, match="does not know 2027; it knows \\[2025, 2026\\]"):
        due("2026-12-31 17:00", 2, LimitUnit.WORKING_HOUR)


def test_a_drill_runs_every_unit_as_continuous_time_divided_by_its_speed() -> None:
    drill = replace(TERMS, speed=60)
    assert due("2026-11-21 10:00", 4, LimitUnit.WORKING_HOUR, drill) == "2026-11-21 10:04:00"
    assert due("2026-11-21 10:00", 1, LimitUnit.WORKING_DAY, drill) == "2026-11-21 10:08:00"
    assert due("2026-11-21 10:00", 30, LimitUnit.CONTINUOUS_MINUTE, drill) == "2026-11-21 10:00:30"


def test_what_was_taken_before_shortens_the_limit_and_nothing_left_is_due_at_once() -> None:
    limit, start = Limit(amount=4, unit=LimitUnit.WORKING_HOUR), at("2026-11-19 17:00")
    taken = deadline(start, limit, terms=TERMS, taken=timedelta(hours=3))
    assert taken.due_at == at("2026-11-19 18:00")
    assert deadline(start, limit, terms=TERMS, taken=timedelta(hours=9)).due_at == start


def test_a_day_that_is_left_out_at_the_date_line_has_no_working_time() -> None:
    """Samoa had no 2011-12-30: the hours of that day are not those of the next once more."""
    calendar = replace(
        CALENDAR,
        weekly=dict.fromkeys(range(1, 8), DAY),
        holidays={},
        years=dict.fromkeys((2011, 2012), YearStatus.ANNOUNCED),
    )
    terms = Terms(calendar=calendar, zone=ZoneInfo("Pacific/Apia"), speed=1)
    assert due("2011-12-29 17:00", 2, LimitUnit.WORKING_HOUR, terms) == "2011-12-31 09:00:00"
    before, after = (at(day, terms.zone) for day in ("2011-12-29 00:00", "2012-01-01 00:00"))
    assert elapsed(before, after, LimitUnit.WORKING_HOUR, terms=terms) == timedelta(hours=16)


def test_between_two_instants_of_one_zone_real_time_passes_not_that_of_the_wall_clock() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    terms = replace(TERMS, zone=berlin)
    saturday, sunday = at("2026-03-28 12:00", berlin), at("2026-03-29 12:00", berlin)
    assert elapsed(saturday, sunday, LimitUnit.CONTINUOUS_HOUR, terms=terms) == timedelta(hours=23)


def test_daylight_saving_is_time_that_passes() -> None:
    """On 2026-03-29 Berlin skips the hour from two to three: a shift over it has an hour less."""
    night = (Opening(opens=time(1), closes=time(5)),)
    calendar = replace(CALENDAR, weekly=dict.fromkeys(range(1, 8), night), holidays={}, makeup_days={})
    terms = Terms(calendar=calendar, zone=ZoneInfo("Europe/Berlin"), speed=1)
    assert due("2026-03-29 01:00", 3, LimitUnit.WORKING_HOUR, terms) == "2026-03-29 05:00:00"
    assert due("2026-03-28 01:00", 3, LimitUnit.WORKING_HOUR, terms) == "2026-03-28 04:00:00"


def oracle(start: datetime, minutes: int, terms: Terms) -> datetime:
    """Walk minute by minute and count those that lie inside an opening."""
    here, left = start.astimezone(UTC), minutes
    while left:
        local = here.astimezone(terms.zone)
        openings = terms.calendar.openings_on(local.date())
        if any(opening.opens <= local.time() < opening.closes for opening in openings):
            left -= 1
        here += timedelta(minutes=1)
    return here


@st.composite
def openings(draw: st.DrawFn) -> tuple[Opening, ...]:
    """One stretch of at least an hour, so that no limit runs for years, and short ones after it."""
    first = draw(st.integers(0, 1200))
    marks = [first, first + draw(st.integers(60, 180))]
    after = draw(st.sets(st.integers(marks[1] + 1, 1439), max_size=4)) if marks[1] < 1438 else set[int]()
    marks += sorted(after)[: len(after) // 2 * 2]
    pairs = zip(marks[::2], marks[1::2], strict=True)
    return tuple(Opening(opens=time(a // 60, a % 60), closes=time(b // 60, b % 60)) for a, b in pairs)


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    days = st.dates(date(2026, 3, 1), date(2026, 5, 1))
    weekdays = draw(st.sets(st.integers(1, 7), min_size=2))
    return Calendar(
        weekly={weekday: draw(openings()) for weekday in weekdays},
        makeup_hours=draw(openings()),
        holidays=dict.fromkeys(draw(st.sets(days, max_size=6)), "节"),
        makeup_days=dict.fromkeys(draw(st.sets(days, max_size=3)), "班"),
        years=dict.fromkeys((2026, 2027), YearStatus.ANNOUNCED),
    )


MINUTES = st.integers(0, 40 * 24 * 60)
SHORT = st.integers(1, 1500)


@settings(max_examples=EXAMPLES, deadline=None)
@given(calendars(), MINUTES, SHORT, st.sampled_from(("Asia/Shanghai", "Europe/Berlin", "UTC")))
def test_working_time_agrees_with_walking_minute_by_minute(
    calendar: Calendar, offset: int, minutes: int, zone: str
) -> None:
    terms = Terms(calendar=calendar, zone=ZoneInfo(zone), speed=1)
    start = datetime(2026, 3, 10, tzinfo=UTC) + timedelta(minutes=offset)
    found = deadline(start, Limit(amount=minutes / 60, unit=LimitUnit.WORKING_HOUR), terms=terms)
    assert found.due_at == oracle(start, minutes, terms)


@settings(max_examples=EXAMPLES, deadline=None)
@given(calendars(), MINUTES, SHORT, st.sampled_from(LimitUnit))
def test_up_to_its_deadline_exactly_the_limit_has_passed(
    calendar: Calendar, offset: int, minutes: int, unit: LimitUnit
) -> None:
    terms = Terms(calendar=calendar, zone=SHANGHAI, speed=1)
    start = datetime(2026, 3, 10, tzinfo=UTC) + timedelta(minutes=offset)
    limit = Limit(amount=minutes / 60, unit=unit)
    found = deadline(start, limit, terms=terms)
    assert elapsed(start, found.due_at, unit, terms=terms) == span(limit, terms=terms)
    assert elapsed(found.due_at, start, unit, terms=terms) == timedelta()


def shared_cases() -> Iterator[Mapping[str, str]]:
    folder = os.environ.get("WHISTLE_SHARED") or Path(__file__).parents[4] / "shared"
    table = Path(folder) / "data" / "calendar"
    if not (table / "deadline_cases.csv").exists():
        return
    with (table / "deadline_cases.csv").open(encoding="utf-8") as lines:
        yield from csv.DictReader(lines)


def shared_calendar() -> Calendar:
    """The calendar that the shared cases were made with: 08:30–12:00 and 14:00–17:30."""
    folder = Path(os.environ.get("WHISTLE_SHARED") or Path(__file__).parents[4] / "shared")
    hours = (Opening(opens=time(8, 30), closes=time(12)), Opening(opens=time(14), closes=time(17, 30)))
    holidays, makeup, years = dict[date, str](), dict[date, str](), dict[int, YearStatus]()
    with (folder / "data" / "calendar" / "cn_calendar_2004_2026.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            day = date.fromisoformat(row["date"])
            years[day.year] = YearStatus.ANNOUNCED
            if row["is_makeup_workday"] == "1":
                makeup[day] = row["holiday_zh"]
            elif row["is_workday"] == "0" and int(row["iso_weekday"]) < 6:
                holidays[day] = row["holiday_zh"]
    return Calendar(
        weekly=dict.fromkeys(range(1, 6), hours),
        makeup_hours=hours,
        holidays=holidays,
        makeup_days=makeup,
        years=years,
        working_day_hours=7,
    )


def test_the_shared_cases_of_real_chinese_years_come_out_as_they_were_reckoned_elsewhere() -> None:
    cases = list(shared_cases())
    if not cases:
        pytest.skip("../shared/data/calendar/deadline_cases.csv is not here")
    terms = Terms(calendar=shared_calendar(), zone=SHANGHAI, speed=1)
    for case in cases:
        start = case["start"]
        assert due(start, float(case["n_hours"]), LimitUnit.WORKING_HOUR, terms) == case["due_work_hours"], case
        assert due(start, float(case["n_hours"]), LimitUnit.CONTINUOUS_HOUR, terms) == case["due_continuous_hours"], (
            case
        )
        # Theirs is the n-th working day after the start's date. Ours counts hours: begun before a
        # working day opens, that day itself is the first.
        begun = at(start)
        today = terms.calendar.openings_on(begun.date())
        early = bool(today) and begun.time() <= today[0].opens
        days = float(case["n_workdays"]) + (1 if early else 0)
        assert due(start, days, LimitUnit.WORKING_DAY, terms)[:10] == case["due_date_workdays"], case


def test_the_arithmetic_names_start_limit_breaks_feasts_and_end() -> None:
    start, limit = at("2026-02-13 17:00"), Limit(amount=10, unit=LimitUnit.WORKING_HOUR)
    words = arithmetic(deadline(start, limit, terms=TERMS), limit, terms=TERMS)
    zh, en = words.split(" | ")
    assert zh.split("；") == [
        "起 2026-02-13 17:00 周五",
        "限 10 工作时",
        "02-13 17:00–18:00 计 1h",
        "02-14 调休上班08:00–12:00, 14:00–18:00 计 8h",
        "跳过 02-15–02-23（春节）",
        "02-24 08:00–09:00 计 1h",
        "止 2026-02-24 09:00 周二（Asia/Shanghai）",
    ]
    assert "skipped 02-15–02-23 (Spring Festival)" in en
    assert en.endswith("due Tue 2026-02-24 09:00 (Asia/Shanghai)")
    assert limit_in_words(limit) == "10 工作时 (10 working hours)"


def test_the_arithmetic_of_a_long_limit_stays_short_enough_to_be_quoted() -> None:
    start, limit = at("2026-01-05 09:00"), Limit(amount=200, unit=LimitUnit.WORKING_DAY)
    words = arithmetic(deadline(start, limit, terms=TERMS), limit, terms=TERMS)
    assert len(words) < 1200
    assert "春节" in words
    assert words.endswith("(Asia/Shanghai)")
    days = [int(part.split(" ")[0]) for part in words.split("其间 ")[1:]]
    assert days, words
