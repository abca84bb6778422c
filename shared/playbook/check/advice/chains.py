"""Ladders that no limit names, and leaders whom a step tells and nobody has put on the roster."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from shared.playbook.check.advice.advice import Advice, Subject, Weight
from shared.playbook.check.advice.roster import in_words
from shared.playbook.check.chains import UPWARD
from shared.playbook.duty import first_gap
from shared.playbook.model import Playbook, Shift
from shared.playbook.problems import shortlist
from shared.vocabulary import Level, Post, Recipient

ANY_LEADER: Final = frozenset({Recipient.TARGET_LEADER, Recipient.ABOVE_LEADER})


def advise_chains(playbook: Playbook) -> Iterator[Advice]:
    """Yield chains that are never used, and leaders that used ones tell and no shift names."""
    named = {clock.chain for clock in playbook.clocks}
    for name in playbook.chains:
        if name not in named:
            yield _unused(name)
    told = {name: _told(playbook, name) for name in playbook.chains if name in named}
    leaders = [shift for shift in playbook.roster.shifts if shift.post is Post.LEADER]
    of_county = [name for name, recipients in told.items() if Recipient.COUNTY_LEADER in recipients]
    if of_county:
        yield from _county(of_county[0], [shift for shift in leaders if shift.owner == playbook.county])
    of_any = [name for name, recipients in told.items() if recipients & ANY_LEADER]
    if of_any:
        yield from _others(of_any[0], playbook, {shift.owner for shift in leaders})


def _told(playbook: Playbook, chain: str) -> AbstractSet[Recipient]:
    """Whom a chain tells; a step that goes up ends, sooner or later, at the county's leader."""
    steps = playbook.chains[chain].steps
    told = {who for step in steps for who in (step.to, *step.copies)}
    return told | {Recipient.COUNTY_LEADER} if any(step.action in UPWARD for step in steps) else told


def _unused(name: str) -> Advice:
    return Advice(
        subject=Subject.UNUSED,
        weight=Weight.LOOK,
        part="chains",
        item=name,
        what=f"chain {name!r} is never used",
        why="no limit names it",
        mend="name it in the column `chain` of clocks.csv, or take it out",
    )


def _county(chain: str, shifts: list[Shift]) -> Iterator[Advice]:
    gap = first_gap(shifts)
    if gap is not None:
        lacking = f"from {in_words(gap)}" if shifts else "at any time"
        yield Advice(
            subject=Subject.ROSTER_GAP if shifts else Subject.NO_ROSTER,
            weight=Weight.LOOK,
            part="chains",
            item=chain,
            path=("steps",),
            what=f"chain {chain!r} goes up to the county's leader on duty, and {lacking} the roster has none",
            why="such a step is taken all the same, and names nobody",
            mend="add shifts of post `leader` for the county to shifts.csv, round the clock",
        )


def _others(chain: str, playbook: Playbook, led: AbstractSet[str]) -> Iterator[Advice]:
    desks = [code for code, area in playbook.areas.items() if area.desk and area.level is not Level.COUNTY]
    without = [owner for owner in (*desks, *playbook.departments) if owner not in led]
    if without:
        yield Advice(
            subject=Subject.NO_ROSTER,
            weight=Weight.NOTE,
            part="chains",
            item=chain,
            path=("steps",),
            what=f"chain {chain!r} tells leaders on duty; {len(without)} desk(s) and department(s) have none on the "
            f"roster: {shortlist(without)}",
            why="a step about them is taken all the same, and names nobody",
            mend="add their shifts of post `leader` to shifts.csv",
        )
