"""Early warning: what is unusual is raised once, what is usual never, in whatever order reports come."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom

from services.escalation.domain.warning.announce import announce
from services.escalation.domain.warning.columns import Columns
from services.escalation.domain.warning.distances import metres_between
from services.escalation.domain.warning.episodes import Change, End, Episode, Raise, Update
from services.escalation.domain.warning.replay import replay
from services.escalation.domain.warning.reports import SOURCE, Report, report_of
from services.escalation.domain.warning.rounds import look
from services.escalation.domain.warning.spots import spot_around
from services.escalation.domain.warning.usual import History, Season, Usual, chance, usual
from services.escalation.domain.warning.windows import candidates
from shared.events.parts import Place
from shared.events.warning import WarningRaised
from shared.playbook.model import Text, WarningCase, WarningRule
from shared.vocabulary import Level, Purpose
from tests.fakes.reports import burst, report, steady
from tests.fakes.small_county import EAST, GAS, GAS_LEAK, WEST, small_county
from tests.fakes.story import Story
from tests.fakes.warning_past import past_of

ZONE = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 9, 7, 0, 0, tzinfo=ZONE)
NOW = START + timedelta(days=40, hours=10)
SPOT = Place(lon=100.5, lat=25.5)
TOWN_DAY = WarningRule(
    id="town-day",
    name=Text(zh="镇街诉求激增", en="More than usual in a town"),
    window_minutes=1440,
    at_least=5,
    odds=1_000_000,
    level=Level.TOWN,
)
HOT_SPOT = replace(TOWN_DAY, id="hot-spot", window_minutes=360, within_metres=300)


def raised(changes: list[Change]) -> list[Episode]:
    return [change.episode for change in changes if isinstance(change, Raise)]


@pytest.mark.parametrize("each_day", (1, 3, 12))
def test_a_county_that_reports_as_ever_is_never_warned_of(each_day: int) -> None:
    assert list(replay(steady(START, days=70, each_day=each_day), (TOWN_DAY, HOT_SPOT), ZONE)) == []


@settings(deadline=None, max_examples=15)
@given(hour=st.integers(0, 23), each_day=st.integers(0, 3), seed=st.integers(0, 50))
def test_a_burst_is_raised_within_its_window_and_once(hour: int, each_day: int, seed: int) -> None:
    at = START + timedelta(days=45, hours=hour)
    reports = [*steady(START, days=50, each_day=each_day, seed=seed), report("first", START), *burst(at, 24)]
    (one,) = raised(list(replay(reports, (TOWN_DAY,), ZONE)))
    assert at <= one.raised_at <= at + timedelta(minutes=240)
    assert (one.area, one.category) == (WEST, GAS_LEAK)


def test_it_is_told_again_when_it_has_grown_by_half_and_ended_when_it_is_as_usual_again() -> None:
    reports = [*steady(START, days=50, each_day=1), *burst(NOW, 40, minutes=1)]
    changes = list(replay(reports, (TOWN_DAY,), ZONE))
    assert [type(change) for change in changes[:2]] == [Raise, Update]
    assert [type(change) for change in changes].count(Raise) == 1
    last = changes[-1]
    assert isinstance(last, End)
    assert last.episode.ended_at is not None
    assert timedelta(hours=20) < last.episode.ended_at - NOW < timedelta(hours=26)
    counts = [change.episode.told for change in changes if not isinstance(change, End)]
    assert all(after >= 1.5 * before for before, after in pairwise(counts))
    assert last.episode.peak == counts[-1]


def test_a_hot_spot_is_a_circle_and_what_lies_apart_is_none() -> None:
    history = steady(START, days=42, each_day=2)
    (one,) = raised(list(replay([*history, *burst(NOW, 6, near=SPOT)], (HOT_SPOT,), ZONE)))
    assert one.subject.spot is not None
    assert metres_between([one.subject.spot.centre], [SPOT])[0, 0] < 300
    apart = [replace(each, place=Place(lon=100.1 + 0.05 * n, lat=25.5)) for n, each in enumerate(burst(NOW, 6))]
    assert raised(list(replay([*history, *apart], (HOT_SPOT,), ZONE))) == []


def test_one_matter_is_one_warning_though_two_rules_see_it() -> None:
    reports = [*steady(START, days=42, each_day=1), *burst(NOW, 12, near=SPOT, minutes=5)]
    assert len(raised(list(replay(reports, (TOWN_DAY, HOT_SPOT), ZONE)))) == 1


def test_last_weeks_burst_does_not_hide_this_weeks() -> None:
    before = burst(NOW - timedelta(days=7), 40, minutes=2, name="before")
    reports = [*steady(START, days=45, each_day=1), *before, *burst(NOW, 12)]
    assert len(raised(list(replay(reports, (TOWN_DAY,), ZONE)))) == 2


def test_with_fewer_than_two_weeks_known_nobody_says_what_is_usual() -> None:
    young = [*steady(START, days=13, each_day=1), *burst(START + timedelta(days=12, hours=9), 30)]
    assert list(replay(young, (TOWN_DAY,), ZONE)) == []


@pytest.mark.parametrize(
    ("rule", "found"),
    (
        (replace(TOWN_DAY, categories=(GAS,)), 1),
        (replace(TOWN_DAY, categories=("01",)), 0),
        (replace(TOWN_DAY, areas=(WEST,)), 1),
        (replace(TOWN_DAY, areas=(EAST,)), 0),
        (replace(TOWN_DAY, at_least=14), 0),
        (replace(TOWN_DAY, at_least=11), 1),
    ),
)
def test_a_rule_watches_its_categories_its_areas_and_counts_of_its_size(rule: WarningRule, found: int) -> None:
    reports = [*steady(START, days=42, each_day=1), *burst(NOW, 11)]
    # With the steady ones of two days there are thirteen at most.
    assert len(raised(list(replay(reports, (rule,), ZONE)))) == found


@settings(deadline=None, max_examples=20)
@given(order=st.permutations(range(20)), cut=st.integers(1, 19))
def test_the_order_in_which_reports_arrive_does_not_matter(order: list[int], cut: int) -> None:
    history = steady(START, days=42, each_day=1)
    new = burst(NOW, 20, minutes=7)
    arrived: list[Report] = [*history]
    episodes: list[Episode] = []
    told: list[Change] = []
    for part in (order[:cut], order[cut:]):
        fresh = {new[number].report_id for number in part}
        arrived = sorted([*arrived, *(new[number] for number in part)], key=lambda one: (one.at, one.report_id))
        found = candidates((TOWN_DAY,), Columns.of(arrived), fresh)
        changes, episodes = look(found, episodes, past_of(arrived, ZONE, NOW))
        told += changes
    (one,) = raised(told)
    (whole,) = raised(list(replay([*history, *new], (TOWN_DAY,), ZONE)))
    assert (one.area, one.category, one.rule) == (whole.area, whole.category, whole.rule)
    assert len(episodes) == 1


def test_a_late_report_changes_the_windows_that_ended_after_it_too() -> None:
    history, new = steady(START, days=42, each_day=1), burst(NOW, 20, minutes=7)
    # The first four came after all the others.
    late = {one.report_id for one in new[:4]}
    whole = sorted([*history, *new], key=lambda one: one.at)
    found = candidates((TOWN_DAY,), Columns.of(whole), late)
    assert [one.at for one in found if one.at > new[4].at], "windows without a late report at their end are looked at"
    (one,) = raised(look(found, [], past_of(whole, ZONE, NOW))[0])
    assert one.raised_at > new[4].at


def test_what_ended_is_not_raised_again_by_a_report_that_comes_late() -> None:
    history, new = steady(START, days=42, each_day=1), burst(NOW, 20, minutes=2)
    arrived = sorted([*history, *new], key=lambda one: one.at)
    changes, episodes = look(
        candidates((TOWN_DAY,), Columns.of(arrived), {one.report_id for one in new}), [], past_of(arrived, ZONE, NOW)
    )
    assert len(raised(changes)) == 1
    over = [replace(one, ended_at=NOW + timedelta(hours=30)) for one in episodes]
    late = report("late", NOW + timedelta(minutes=30))
    arrived = sorted([*arrived, late], key=lambda one: one.at)
    assert (
        look(candidates((TOWN_DAY,), Columns.of(arrived), {late.report_id}), over, past_of(arrived, ZONE, NOW))[0] == []
    )


def test_a_repeat_has_the_same_ids_and_the_same_bytes() -> None:
    reports = [*steady(START, days=42, each_day=1), *burst(NOW, 12)]
    rule = replace(TOWN_DAY, open_case=WarningCase())
    first, again = (
        [announce(change, small_county(), now=NOW) for change in replay(reports, (rule,), ZONE)] for _ in range(2)
    )
    assert first == again
    assert len({event.id for event in first}) == len(first)
    opened = first[0].data
    assert isinstance(opened, WarningRaised)
    assert opened.case is not None
    assert opened.case.text.startswith("镇街诉求激增")
    assert str(opened.warning.observed) in opened.warning.reason
    assert str(opened.warning.observed) in opened.warning.reason_en
    assert set(opened.warning.cases) <= {one.case_id for one in reports}


def test_a_report_that_opens_and_one_that_joins_count_and_drills_canaries_and_our_own_cases_do_not() -> None:
    story = Story("counted", area=f"{WEST}001", at=NOW.astimezone(UTC))
    opened = story.opened()
    story.joined()
    events = [event for event in story.events if event.type.endswith(("opened.v1", "joined.v1"))]
    found = [report_of(event) for event in events]
    assert [one is not None for one in found] == [True, True]
    assert len({one.report_id for one in found if one is not None}) == 2
    for purpose in (Purpose.DRILL, Purpose.CANARY):
        view = replace(opened.data.case, purpose=purpose)
        assert report_of(replace(opened, data=replace(opened.data, case=view))) is None
    ours = replace(opened.data, by=replace(opened.data.by, id=SOURCE))
    assert report_of(replace(opened, data=ours)) is None
    moved = replace(events[1].data, from_case=uuid4())
    assert report_of(replace(events[1], data=moved)) is None


@pytest.mark.parametrize(("observed", "mean", "size"), ((1, 0.5, 3.0), (7, 1.2, 50.0), (30, 9.5, 4.0)))
def test_the_chance_is_the_tail_of_the_negative_binomial(observed: int, mean: float, size: float) -> None:
    expected = nbinom.sf(observed - 1, size, size / (size + mean))
    assert chance(observed, Usual(mean=mean, size=size)) == pytest.approx(expected, rel=1e-9)


def test_the_usual_follows_the_hour_and_the_weekday() -> None:
    busy = Season.of({(day, hour): 40 if 8 <= hour < 20 else 1 for day in range(7) for hour in range(24)})
    history = History(days=(4,) * 56, end=date(2026, 11, 2), expected=4.0)
    monday = datetime(2026, 11, 2, 0, 0)  # noqa: DTZ001  local wall time
    by_day = usual(history, busy, monday + timedelta(hours=9), monday + timedelta(hours=15)).mean
    by_night = usual(history, busy, monday, monday + timedelta(hours=6)).mean
    assert by_day > 4 * by_night
    assert usual(history, busy, monday, monday + timedelta(days=7)).mean == pytest.approx(28, rel=0.02)


def test_a_spot_is_the_fullest_circle_around_the_report() -> None:
    near = Columns.of([*burst(NOW, 6, near=SPOT), report("nowhere", NOW + timedelta(hours=2))])
    rows = slice(0, 7)
    found = spot_around(near, 5, rows, metres=300, at_least=5)
    assert found is not None
    assert found.metres == 300
    assert spot_around(near, 5, rows, metres=20, at_least=5) is None
    assert spot_around(near, 6, rows, metres=300, at_least=5) is None
