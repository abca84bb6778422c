"""Days on which a limit of a clock is not valid and no other takes its place; those that end soon or begin later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final

from shared.playbook.check.advice.advice import Advice, Subject, Weight
from shared.playbook.check.clocks import NEEDED_CLOCKS, Numbered, any_case, of_equal_rank
from shared.playbook.model import Playbook

LIMIT_SOON: Final = timedelta(days=30)
_BARE: Final = frozenset(any_case(kind) for kind in NEEDED_CLOCKS)


def advise_limits(playbook: Playbook, *, today: date) -> Iterator[Advice]:
    """Yield the gaps between limits that ask for the same, now or to come, and limits that are not valid yet."""
    for rank, alike in of_equal_rank(playbook).items():
        yield from _gaps(alike, today=today, bare=rank in _BARE)
        yield from _later(alike, today=today)


def _gaps(alike: Sequence[Numbered], *, today: date, bare: bool) -> Iterator[Advice]:
    before: Numbered | None = None
    for one in alike:
        index, clock = one
        first, last = clock.valid_from, None if before is None else before[1].valid_until
        if before is None and first is not None and bare:
            yield _gap(index, f"before {first} no limit {clock.id!r} is valid", bare=bare)
        elif before is not None and last is not None and first is not None and first - last > timedelta(days=1):
            days = f"between {last} ({before[1].id!r}) and {first} ({clock.id!r}) none of them is valid"
            if first > today:
                yield _gap(index, days, bare=bare, other=before[0])
        before = one
    if before is not None and (end := before[1].valid_until) is not None and end - today < LIMIT_SOON:
        ended = "ended" if end < today else "ends"
        yield _gap(before[0], f"limit {before[1].id!r} {ended} on {end}, and no other follows", bare=bare)


def _gap(index: int, what: str, *, bare: bool, other: int | None = None) -> Advice:
    return Advice(
        subject=Subject.DATES,
        weight=Weight.MISTAKE if bare else Weight.LOOK,
        part="clocks",
        item=index,
        path=("valid_until",),
        what=what,
        why="a case opened on such a day " + ("may have no such clock at all" if bare else "runs by a wider limit"),
        mend="give one of them other days, or leave it if that is meant",
        other=other,
    )


def _later(alike: Sequence[Numbered], *, today: date) -> Iterator[Advice]:
    for index, clock in alike:
        if clock.valid_from is not None and clock.valid_from > today:
            yield Advice(
                subject=Subject.DATES,
                weight=Weight.NOTE,
                part="clocks",
                item=index,
                path=("valid_from",),
                what=f"limit {clock.id!r} begins on {clock.valid_from}",
                why="cases opened before that day run by the one before it",
                mend="nothing, if that is meant",
            )
