"""Header and roster: a time zone that exists, nobody's desk unwatched."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.playbook.check.finding import Finding
from shared.playbook.duty import DAY_MINUTES, first_gap
from shared.playbook.model import Playbook, Shift
from shared.playbook.near import meant, nearest
from shared.vocabulary import Level, Post


def check_header(playbook: Playbook) -> Iterator[Finding]:
    """The time zone exists."""
    try:
        ZoneInfo(playbook.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        yield Finding(
            part="playbook",
            path=("timezone",),
            problem=f"no time zone {playbook.timezone!r}",
            allowed=("a name of the IANA list, such as Asia/Shanghai",),
        )


def check_roster(playbook: Playbook) -> Iterator[Finding]:
    """Shifts name known owners and officers; officers watch county and town desks at every minute."""
    roster = playbook.roster
    for index, shift in enumerate(roster.shifts):
        if shift.owner not in playbook.areas and shift.owner not in playbook.departments:
            owners = (*playbook.areas, *playbook.departments)
            problem = f"no area or department {shift.owner!r}{meant(shift.owner, owners)}"
            near = nearest(shift.owner, owners)
            yield _shift(index, "owner", problem, allowed=near, needs=("areas", "departments"))
        for officer in shift.officers:
            if officer not in roster.officers:
                near = nearest(officer, roster.officers)
                problem = f"no officer {officer!r}{meant(officer, roster.officers)}"
                yield _shift(index, "officers", problem, allowed=near, needs=("officers",))
    by_owner: defaultdict[str, list[Shift]] = defaultdict(list)
    for shift in (shift for shift in roster.shifts if shift.post is Post.OFFICER):
        by_owner[shift.owner].append(shift)
    for code, area in playbook.areas.items():
        if area.desk:
            yield from _unwatched(code, area.level, by_owner[code])


def _unwatched(code: str, level: Level, shifts: Sequence[Shift]) -> Iterator[Finding]:
    needs = ("shifts",)
    if not shifts:
        yield Finding(part="areas", item=code, path=("desk",), problem="its desk has no shift", needs=needs)
    elif level is not Level.VILLAGE:
        gap = first_gap(shifts)
        if gap is not None:
            day, minute = divmod(gap, DAY_MINUTES)
            when = f"weekday {day + 1}, {minute // 60:02}:{minute % 60:02}"
            yield Finding(
                part="areas", item=code, path=("desk",), problem=f"nobody is on duty from {when}", needs=needs
            )


def _shift(
    index: int, field: str, problem: str, *, allowed: tuple[str, ...] = (), needs: tuple[str, ...] = ()
) -> Finding:
    return Finding(part="shifts", item=index, path=(field,), problem=problem, allowed=allowed, needs=needs)
