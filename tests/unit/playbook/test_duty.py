"""Who is on duty: a table of boundary minutes, and the router's orders naming the very officers that the rule names."""

from datetime import UTC, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from services.router.domain.facts import Facts
from services.router.domain.rulebook import Rulebook
from shared.events.parts import Target
from shared.playbook.duty import MOST_NAMED, on_duty
from shared.playbook.model import Officer, Roster, Shift
from shared.vocabulary import Post, TargetKind
from tests.fakes.joint_county import joint_book, west_case

ZONE = ZoneInfo("Asia/Shanghai")
WORKDAYS, EVERY_DAY, SUNDAY = (1, 2, 3, 4, 5), (1, 2, 3, 4, 5, 6, 7), (7,)
OWNER = "police"


def shift(weekdays: tuple[int, ...], opens: time, closes: time, *officers: str, post: Post = Post.OFFICER) -> Shift:
    return Shift(owner=OWNER, weekdays=weekdays, opens=opens, closes=closes, officers=officers, post=post)


def roster_of(*shifts: Shift) -> Roster:
    names = {name for each in shifts for name in each.officers}
    return Roster(officers={name: Officer(id=name, name=name, phone="0") for name in names}, shifts=shifts)


ROSTER = roster_of(
    shift(WORKDAYS, time(8, 30), time(18), "day", "both"),
    shift(WORKDAYS, time(18), time(8, 30), "night", "both"),
    shift(EVERY_DAY, time(8), time(8), "head", post=Post.LEADER),
    shift(SUNDAY, time(0), time(0), "sunday"),
)


@pytest.mark.parametrize(
    ("local", "officers", "leaders"),
    (
        ("2026-11-23 08:29:59", (), ("head",)),
        ("2026-11-23 08:30:00", ("day", "both"), ("head",)),
        ("2026-11-23 17:59:59", ("day", "both"), ("head",)),
        ("2026-11-23 18:00:00", ("night", "both"), ("head",)),
        ("2026-11-24 03:00:00", ("night", "both"), ("head",)),
        ("2026-11-28 08:29:59", ("night", "both"), ("head",)),
        ("2026-11-28 08:30:00", (), ("head",)),
        ("2026-11-28 23:59:59", (), ("head",)),
        ("2026-11-29 00:00:00", ("sunday",), ("head",)),
        ("2026-11-29 07:59:59", ("sunday",), ("head",)),
        ("2026-11-29 23:59:59", ("sunday",), ("head",)),
        ("2026-11-30 00:00:00", (), ("head",)),
    ),
)
def test_a_shift_holds_from_the_minute_it_opens_to_before_the_one_it_closes(
    local: str, officers: tuple[str, ...], leaders: tuple[str, ...]
) -> None:
    at = datetime.fromisoformat(local).replace(tzinfo=ZONE)
    assert on_duty(ROSTER, OWNER, at=at.astimezone(UTC), zone=ZONE, post=Post.OFFICER) == officers
    assert on_duty(ROSTER, OWNER, at=at, zone=ZONE, post=Post.LEADER) == leaders
    assert on_duty(ROSTER, "nobody", at=at, zone=ZONE, post=Post.OFFICER) == ()


def test_each_is_named_once_and_no_more_than_a_handful() -> None:
    crowd = tuple(f"officer-{n}" for n in range(MOST_NAMED + 4))
    full = roster_of(shift(EVERY_DAY, time(0), time(0), crowd[1], crowd[0]), shift(EVERY_DAY, time(0), time(0), *crowd))
    at = datetime(2026, 11, 23, tzinfo=ZONE)
    named = (crowd[1], crowd[0], *crowd[2:MOST_NAMED])
    assert on_duty(full, OWNER, at=at, zone=ZONE, post=Post.OFFICER) == named


def test_orders_name_the_officers_of_the_rule_and_never_a_leader() -> None:
    chance = Random(20261121)
    roster = roster_of(*(_any_shift(chance, f"one-{n}") for n in range(12)))
    directory = joint_book(roster=roster).directory.roster
    target = Target(kind=TargetKind.DEPARTMENT, id=OWNER)
    start = datetime(2026, 11, 23, tzinfo=UTC)
    for _ in range(2000):
        at = start + timedelta(minutes=chance.randrange(14 * 24 * 60), seconds=chance.randrange(60))
        told = directory.on_duty(target, Facts.of(west_case(), at=at))
        assert told == on_duty(roster, OWNER, at=at, zone=ZONE, post=Post.OFFICER), at


def test_whoever_has_leaders_alone_on_the_roster_is_not_taken_for_away() -> None:
    book: Rulebook = joint_book(roster=roster_of(shift(SUNDAY, time(0), time(0), "head", post=Post.LEADER)))
    target = Target(kind=TargetKind.DEPARTMENT, id=OWNER)
    monday = datetime(2026, 11, 23, 4, tzinfo=UTC)
    assert not book.directory.roster.away(target, Facts.of(west_case(), at=monday))


def _any_shift(chance: Random, officer: str) -> Shift:
    opens, closes = (time(chance.randrange(24), chance.choice((0, 15, 59))) for _ in range(2))
    weekdays = tuple(sorted(chance.sample(EVERY_DAY, chance.randint(1, 7))))
    return shift(weekdays, opens, closes, officer, post=chance.choice((Post.OFFICER, Post.OFFICER, Post.LEADER)))
