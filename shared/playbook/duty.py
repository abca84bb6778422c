"""Who is on duty at an instant, by the roster (值班表): the one rule for the router's orders and for a chain's steps.

Pure: plain values in, names out.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, time
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from shared.playbook.model import Roster, Shift
from shared.vocabulary import Post

MOST_NAMED: Final = 8
"""Officers whom an order or a step names at most."""
ROSTERS_FILED: Final = 64
"""Rosters whose shifts are kept by owner; each is of one version of one county in use."""
DAY_MINUTES: Final = 24 * 60
WEEK_MINUTES: Final = 7 * DAY_MINUTES
_WEEK: Final = 7


def on_duty(roster: Roster, owner: str, *, at: datetime, zone: ZoneInfo, post: Post = Post.OFFICER) -> tuple[str, ...]:
    """Return the ids of `owner`'s officers on duty for `post` at the aware instant `at`, first called first.

    `owner` is an area code (its desk) or a department id; `zone` is the playbook's. Each is named once, at
    most `MOST_NAMED` in all. Empty when nobody is on duty, or when `owner` has no such shift at all.
    """
    local = at.astimezone(zone)
    own = _filed(_Known(roster)).get((owner, post), ())
    return named(own, weekday=local.isoweekday(), minute=local.hour * 60 + local.minute)


def named(shifts: Iterable[Shift], *, weekday: int, minute: int) -> tuple[str, ...]:
    """Return the officers of those `shifts` that hold at a local minute of the day, as `on_duty` does."""
    held = (shift for shift in shifts if on_shift(shift, weekday=weekday, minute=minute))
    return tuple(dict.fromkeys(officer for shift in held for officer in shift.officers))[:MOST_NAMED]


def on_shift(shift: Shift, *, weekday: int, minute: int) -> bool:
    """Say whether `shift` holds at `minute` of the local day with that ISO weekday.

    A shift holds from the minute in which it opens to before the one in which it closes. Past midnight the
    weekday on which it opened counts; one that closes when it opens lasts a whole day.
    """
    opens, closes = minute_of(shift.opens), minute_of(shift.closes)
    if minute >= opens and (closes <= opens or minute < closes):
        return weekday in shift.weekdays
    return closes <= opens and minute < closes and (weekday - 2) % _WEEK + 1 in shift.weekdays


def minute_of(moment: time) -> int:
    """Return the minute of the day; seconds do not count."""
    return moment.hour * 60 + moment.minute


def first_gap(shifts: Iterable[Shift]) -> int | None:
    """Return the first minute of the week, from Monday 00:00, that no shift covers; None when none is open."""
    reached = 0
    for start, end in sorted(span for shift in shifts for span in _spans(shift)):
        if start > reached:
            return reached
        reached = max(reached, end)
    return reached if reached < WEEK_MINUTES else None


class _Known:
    """A roster by its identity: a thousand shifts need not be compared to know it again."""

    __slots__ = ("roster",)

    def __init__(self, roster: Roster) -> None:
        self.roster = roster

    def __hash__(self) -> int:
        return id(self.roster)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Known) and other.roster is self.roster


@lru_cache(maxsize=ROSTERS_FILED)
def _filed(known: _Known) -> Mapping[tuple[str, Post], tuple[Shift, ...]]:
    """The shifts of a roster by owner and post, in the order of the file."""
    filed: defaultdict[tuple[str, Post], list[Shift]] = defaultdict(list)
    for shift in known.roster.shifts:
        filed[shift.owner, shift.post].append(shift)
    return {key: tuple(shifts) for key, shifts in filed.items()}


def _spans(shift: Shift) -> Iterator[tuple[int, int]]:
    opens, closes = minute_of(shift.opens), minute_of(shift.closes)
    length = (closes - opens) % DAY_MINUTES or DAY_MINUTES
    for weekday in shift.weekdays:
        start = (weekday - 1) * DAY_MINUTES + opens
        yield start, min(start + length, WEEK_MINUTES)
        if start + length > WEEK_MINUTES:
            yield 0, start + length - WEEK_MINUTES
