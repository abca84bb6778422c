"""Who is on duty at an instant, by the roster (值班表): the one rule for the router's orders and for a chain's steps.

Pure: plain values in, names out.
"""

from collections.abc import Iterable
from datetime import datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from shared.playbook.model import Roster, Shift
from shared.vocabulary import Post

MOST_NAMED: Final = 8
"""Officers whom an order or a step names at most."""
_WEEK: Final = 7


def on_duty(roster: Roster, owner: str, *, at: datetime, zone: ZoneInfo, post: Post = Post.OFFICER) -> tuple[str, ...]:
    """Return the ids of `owner`'s officers on duty for `post` at the aware instant `at`, first called first.

    `owner` is an area code (its desk) or a department id; `zone` is the playbook's. Each is named once, at
    most `MOST_NAMED` in all. Empty when nobody is on duty, or when `owner` has no such shift at all.
    """
    local = at.astimezone(zone)
    own = (shift for shift in roster.shifts if shift.owner == owner and shift.post is post)
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
