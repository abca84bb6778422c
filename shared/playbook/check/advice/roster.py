"""Who is on duty: departments that nobody watches, desks that sleep, and desks that nothing can reach."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

from shared.playbook.check.advice.advice import Advice, Subject, Weight
from shared.playbook.duty import DAY_MINUTES, first_gap
from shared.playbook.model import Demand, DepartmentTarget, DeskTarget, Playbook, Power, Rule, RuleState, Shift
from shared.playbook.problems import shortlist
from shared.vocabulary import Level, OrderRole, Post

LEADING: Final = frozenset({Power.HANDLE, Power.ENFORCE})


def advise_roster(playbook: Playbook) -> Iterator[Advice]:
    """Yield departments on no roster, rosters with hours that nobody covers, and desks that are out of reach."""
    shifts: defaultdict[str, list[Shift]] = defaultdict(list)
    for shift in (shift for shift in playbook.roster.shifts if shift.post is Post.OFFICER):
        shifts[shift.owner].append(shift)
    yield from _on_no_roster(playbook, shifts)
    yield from _uncovered_departments(playbook, shifts)
    yield from _sleeping_desks(playbook, shifts)
    yield from _without_cells(playbook)
    yield from _absent_levels(playbook)


def _on_no_roster(playbook: Playbook, shifts: Mapping[str, list[Shift]]) -> Iterator[Advice]:
    asked = _asked_by_name(playbook)
    asked |= {duty.department for duty in playbook.duties if duty.power in LEADING}
    asked |= {item.department for item in playbook.enforcement}
    missing = [code for code in playbook.departments if code in asked and code not in shifts]
    for level in (Level.COUNTY, Level.TOWN, Level.VILLAGE):
        here = [code for code in missing if playbook.departments[code].level is level]
        if here:
            yield Advice(
                subject=Subject.NO_ROSTER,
                weight=Weight.NOTE,
                part="departments",
                item=here[0],
                what=f"{len(here)} department(s) of the {level.value} can be asked and stand on no roster: "
                f"{shortlist(here)}",
                why="without shifts they count as always on duty: no backup is asked, and their orders name no officer",
                mend="add their shifts to shifts.csv",
            )


def _uncovered_departments(playbook: Playbook, shifts: Mapping[str, list[Shift]]) -> Iterator[Advice]:
    """A department asked by name without a backup, at hours when its own roster has nobody."""
    for index, rule in enumerate(playbook.rules):
        for demand in rule.demands if rule.state is RuleState.ACTIVE else ():
            name = _department(demand)
            if name is None or demand.backups or demand.role is not OrderRole.LEAD or name not in shifts:
                continue
            gap = first_gap(shifts[name])
            if gap is not None:
                yield _uncovered(index, rule, name, gap)


def _uncovered(index: int, rule: Rule, department: str, gap: int) -> Advice:
    return Advice(
        subject=Subject.ROSTER_GAP,
        weight=Weight.LOOK,
        part="rules",
        item=index,
        path=("lead",),
        what=f"rule {rule.id!r} asks {department}, which has nobody on duty from {in_words(gap)}",
        why="the rule names no backup, so the order goes to it all the same",
        mend="name a backup in the rule, or close the gap in shifts.csv",
    )


def _sleeping_desks(playbook: Playbook, shifts: Mapping[str, list[Shift]]) -> Iterator[Advice]:
    gaps = {code: first_gap(shifts[code]) for code, area in playbook.areas.items() if area.desk and code in shifts}
    asleep = [code for code, gap in gaps.items() if gap is not None]
    if asleep:
        first = gaps[asleep[0]]
        yield Advice(
            subject=Subject.ROSTER_GAP,
            weight=Weight.NOTE,
            part="areas",
            item=asleep[0],
            path=("desk",),
            what=f"{len(asleep)} desk(s) are not watched round the clock: {shortlist(asleep)}",
            why=f"nobody is on duty at the first of them from {in_words(first or 0)}; "
            "what reaches it then waits until its clock moves it up",
            mend="extend their shifts, or let rules of those hours ask the town's desk (`when: {time: …}`)",
        )


def _without_cells(playbook: Playbook) -> Iterator[Advice]:
    """A village without a grid cell: no report that brings only a point is ever placed there."""
    if not playbook.cells:
        return
    drawn = {cell.village for cell in playbook.cells}
    bare = [code for code, area in playbook.areas.items() if area.level is Level.VILLAGE and code not in drawn]
    if bare:
        yield Advice(
            subject=Subject.UNREACHABLE,
            weight=Weight.LOOK,
            part="areas",
            item=bare[0],
            what=f"{len(bare)} village(s) have no grid cell: {shortlist(bare)}",
            why="a report that brings a point and no area is never placed there, so their desks never hear of it",
            mend="draw their cells in cells.geojson",
        )


def _absent_levels(playbook: Playbook) -> Iterator[Advice]:
    """A rule that asks the desk of a level at which some areas have none."""
    without = {
        level: [area.code for area in playbook.areas.values() if area.level is level and not area.desk]
        for level in Level
    }
    for index, rule in enumerate(playbook.rules):
        levels = {
            demand.target.level
            for demand in rule.demands
            if isinstance(demand.target, DeskTarget) and rule.state is not RuleState.OFF
        }
        for level in sorted(levels):
            if without[level]:
                yield Advice(
                    subject=Subject.UNREACHABLE,
                    weight=Weight.NOTE,
                    part="rules",
                    item=index,
                    what=f"rule {rule.id!r} asks the desk of the {level.value}; "
                    f"{len(without[level])} area(s) have none: {shortlist(without[level])}",
                    why="there the next desk above gets the order",
                    mend="nothing, if that is meant; else give them a desk in areas.csv, with shifts",
                )


def in_words(minute: int) -> str:
    """Return a minute of the week as `weekday 6, 18:00`."""
    day, minute = divmod(minute, DAY_MINUTES)
    return f"weekday {day + 1}, {minute // 60:02}:{minute % 60:02}"


def _asked_by_name(playbook: Playbook) -> set[str]:
    names = {_department(demand) for rule in playbook.rules for demand in rule.demands}
    return {name for name in names if name is not None}


def _department(demand: Demand) -> str | None:
    return demand.target.department if isinstance(demand.target, DepartmentTarget) else None
