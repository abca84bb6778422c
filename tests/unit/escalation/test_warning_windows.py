"""Windows by arrays are the windows by hand; a look does no more than what is new asks of it."""

import json
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import degrees
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest

from services.escalation.domain.warning.columns import Columns
from services.escalation.domain.warning.distances import EARTH_METRES, metres_between
from services.escalation.domain.warning.episodes import Episode, Raise
from services.escalation.domain.warning.reports import Report
from services.escalation.domain.warning.rounds import look
from services.escalation.domain.warning.windows import MOST_LATE, Window, candidates
from shared.events.parts import Place
from shared.events.warning import MOST_CASES
from shared.playbook.model import Text, WarningRule
from shared.vocabulary import Level
from tests.fakes.reports import burst, ids, report, steady
from tests.fakes.small_county import COUNTY, EAST_VILLAGE, WEST, WEST_VILLAGE
from tests.fakes.warning_past import past_of
from tests.oracles.warning_windows import Plain, plain_metres, plain_windows

NOW = datetime(2026, 10, 17, 2, 0, tzinfo=UTC)
NAME = Text(zh="测", en="measured")
TOWN = WarningRule(id="town", name=NAME, window_minutes=1440, at_least=4, odds=1_000_000, level=Level.TOWN)
SPOT = replace(TOWN, id="spot", window_minutes=360, within_metres=300)
RULES = (
    TOWN,
    SPOT,
    replace(TOWN, id="village", window_minutes=90, at_least=3, level=Level.VILLAGE, areas=(WEST,)),
    replace(SPOT, id="kind", window_minutes=600, within_metres=40, at_least=3, categories=("02", "01.01")),
    replace(TOWN, id="county", level=Level.COUNTY, categories=("01",), at_least=6),
)
AREAS = (WEST_VILLAGE, EAST_VILLAGE, f"{WEST}002", WEST, COUNTY)
KINDS = ("01.01", "01.01.02", "01.02", "02.01", "02")


def drawn(rng: Random, count: int) -> list[Report]:
    """Reports of a day and a half about a few places, some at the same instant, some without a place."""
    centres = [Place(lon=rng.uniform(-180, 180), lat=rng.uniform(-80, 80)) for _ in range(2)]
    made = [
        Report(
            report_id=UUID(int=rng.getrandbits(128)),
            case_id=UUID(int=rng.randrange(count)),
            county=COUNTY,
            area=rng.choice(AREAS),
            category=rng.choice(KINDS),
            at=NOW - timedelta(minutes=rng.randrange(2160)),
            place=None if rng.random() < 0.1 else near(rng, rng.choice(centres), 400),
        )
        for _ in range(count)
    ]
    return sorted(made, key=lambda one: (one.at, one.report_id))


def near(rng: Random, centre: Place, metres: float) -> Place:
    degrees = metres / 111_195
    return Place(lon=centre.lon + rng.gauss(0, degrees), lat=centre.lat + rng.gauss(0, degrees))


def plainly(windows: list[Window], rules: tuple[WarningRule, ...]) -> list[Plain]:
    plain = [
        Plain(
            rules.index(one.subject.rule),
            one.subject.area,
            one.subject.category,
            one.at,
            None if one.subject.spot is None else one.subject.spot.centre,
            tuple(one.reports()),
        )
        for one in windows
    ]
    assert [one.observed for one in windows] == [len(one.reports) for one in plain]
    return sorted(plain, key=lambda one: (one.at, one.rule, one.category, one.area))


@pytest.mark.parametrize("seed", range(12))
def test_windows_by_arrays_are_the_windows_by_hand(seed: int) -> None:
    rng = Random(seed)
    reports = drawn(rng, rng.choice((5, 60, 400)))
    fresh = ids(rng.sample(reports, max(len(reports) // 6, 1)))
    waiting = ids(rng.sample(reports, len(reports) // 3))
    expected = plain_windows(RULES, reports, fresh, waiting)
    found = candidates(RULES, Columns.of(reports), fresh, waiting)
    assert [one.at for one in found] == sorted(one.at for one in found)
    assert plainly(found, RULES) == expected, f"seed {seed}"


def test_a_dense_crowd_of_thousands_has_the_circle_that_is_found_by_hand() -> None:
    rng = Random(4)
    centre = Place(lon=102.7, lat=25.0)
    reports = [
        report(f"{number}", NOW - timedelta(seconds=3 * (5000 - number)), place=near(rng, centre, 500))
        for number in range(5000)
    ]
    fresh = ids(reports[-2:])
    (first, last) = found = candidates((SPOT,), Columns.of(reports), fresh)
    assert first.observed > 500, "more lie in the circle than are looked at to find it"
    assert plainly([last], (SPOT,)) == plain_windows((SPOT,), reports, ids(reports[-1:]))
    assert len(found) == 2


def test_what_lies_a_hair_within_a_circle_is_in_it_and_a_hair_beyond_is_not() -> None:
    centre = Place(lon=102.7, lat=25.0)
    within, radius = (1 - 2e-6, 1 - 5e-7, 1 - 1e-7), degrees(300 / EARTH_METRES)
    shares = [side * part for side in (1, -1, 1, -1) for part in (*within, 1 + 2e-6)]
    ring = [Place(lon=102.7, lat=25.0 + radius * share) for share in shares]
    # The centre comes last: the circle that holds most is its own.
    reports = [
        report(f"{number}", NOW + timedelta(minutes=number), place=place)
        for number, place in enumerate([*ring, *[centre] * 9])
    ]
    (found,) = candidates((replace(SPOT, at_least=18),), Columns.of(reports), ids(reports[-1:]))
    assert found.observed == 4 * len(within) + 9
    assert plainly([found], (found.subject.rule,)) == plain_windows((found.subject.rule,), reports, ids(reports[-1:]))


def test_of_many_around_a_report_the_newest_are_found_however_far_back_they_reach() -> None:
    rng = Random(6)
    centre = Place(lon=102.7, lat=25.0)
    reports = [report(f"{number}", NOW, place=near(rng, centre, 1300)) for number in range(6000)]
    within = [row for row, one in enumerate(reports) if one.place and plain_metres(one.place, centre) <= 600]
    found = Columns.of(reports).newest_within(centre, 600, slice(0, 6000), most=500)
    assert len([row for row in within if row >= 6000 - 4096]) < 500 < len(within), "one block is not enough"
    assert found.tolist() == within[-500:]


def test_distances_are_the_great_circles() -> None:
    rng = Random(9)
    for _ in range(200):
        one, other = (Place(lon=rng.uniform(-180, 180), lat=rng.uniform(-90, 90)) for _ in range(2))
        assert metres_between([one], [other])[0, 0] == pytest.approx(plain_metres(one, other), rel=1e-9)


def test_a_look_at_a_thousand_among_tens_of_thousands_makes_none_of_the_windows_whole() -> None:
    reports = burst(NOW, 10_000, minutes=0.05)
    columns, fresh = Columns.of(reports), ids(reports[-1000:])
    tracemalloc.start()
    found = candidates((TOWN,), columns, fresh)
    changes, _ = look(
        found, [], past_of([*steady(NOW - timedelta(days=40), days=38, each_day=1), *reports], ZoneInfo("UTC"), NOW)
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [one.observed for one in found] == list(range(9_001, 10_001))
    assert [type(one) for one in changes] == [Raise]
    assert peak < 32 * 2**20, "a reference to each report of each window is 76 MB"


def test_late_reports_have_the_newest_windows_looked_at_and_fresh_ones_always_theirs() -> None:
    reports = burst(NOW, MOST_LATE + 500, minutes=0.5)
    fresh = ids(reports[20:23])
    found = candidates((TOWN,), Columns.of(reports), fresh)
    assert [one.at for one in found] == [one.at for one in [*reports[20:23], *reports[-MOST_LATE:]]]


def test_what_is_kept_of_a_window_is_bounded_and_counts_all_of_it() -> None:
    reports = [replace(one, case_id=UUID(int=number // 2)) for number, one in enumerate(burst(NOW, 400, minutes=1))]
    (*_, window) = candidates((TOWN,), Columns.of(reports), ids(reports))
    kept = window.kept()
    assert (kept.observed, kept.case_count, kept.since) == (400, 200, reports[0].at)
    assert [one.case_id.int for one in kept.reports] == list(range(200 - MOST_CASES, 200))
    assert all(one.report_id == reports[2 * one.case_id.int + 1].report_id for one in kept.reports)


def test_a_row_of_before_the_bound_is_read_and_counts_the_reports_that_it_holds() -> None:
    reports = burst(NOW, 14)
    past = past_of([*steady(NOW - timedelta(days=40), days=38, each_day=1), *reports], ZoneInfo("UTC"), NOW)
    (change, *_), _ = look(candidates((TOWN,), Columns.of(reports), ids(reports)), [], past)
    row = json.loads(msgspec.json.encode(change.episode))
    for name in ("observed", "case_count", "since"):
        del row["seen"]["candidate"][name]
    old = msgspec.json.decode(json.dumps(row), type=Episode)
    assert old.seen.observed == change.episode.seen.observed == len(old.seen.candidate.reports)
    assert old.subject == change.episode.subject
