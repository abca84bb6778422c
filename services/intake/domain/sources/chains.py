"""A warning that comes again and again is one case: what each of its messages does to that case."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum, unique
from typing import Final, assert_never
from uuid import UUID

from shared.events.case import NoteKind

MOST_NOTES: Final = 50
"""Facts that one case is told of its warning; a sensor that flaps all day fills no history."""


@unique
class Says(StrEnum):
    """What a message says of the warning."""

    FIRES = "fires"
    UPDATES = "updates"
    ENDS = "ends"


@unique
class Outcome(StrEnum):
    """What became of a message."""

    OPENED = "opened"
    NOTED = "noted"
    KNOWN = "known"
    """Nothing new in it."""
    NOTHING_OPEN = "nothing_open"
    """It ends a warning that no open case stands for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A warning under one of its names, ``reference``, and the case that stands for it now."""

    county: str
    front: str
    reference: str
    case_id: UUID
    round: int = 0
    firing: bool = True
    notes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A case is to be opened, the ``round``-th of the chain."""

    round: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """The case is told a fact, and the chain is as ``after``."""

    kind: NoteKind
    after: Chain


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """Nothing is written on the case; the chain is as ``after``."""

    outcome: Outcome
    after: Chain | None


Step = Open | Note | Stay


def next_step(chain: Chain | None, says: Says, *, ended: bool, graver: bool = False) -> Step:
    """What a message does; ``ended`` says that the chain's case has, ``graver`` that the message is graver than it.

    A warning never closes its case: people do, when somebody has looked.
    """
    if chain is None or ended:
        if says is Says.ENDS:
            return Stay(outcome=Outcome.NOTHING_OPEN, after=None)
        return Open(round=0 if chain is None else chain.round + 1)
    match says:
        case Says.ENDS:
            return _told(chain, NoteKind.ALERT_RESOLVED, firing=False) if chain.firing else _known(chain)
        case Says.UPDATES:
            return _told(chain, NoteKind.UPDATED, firing=True)
        case Says.FIRES if not chain.firing:
            return _told(chain, NoteKind.ALERT_REPEATED, firing=True)
        case Says.FIRES:
            return _told(chain, NoteKind.UPDATED, firing=True) if graver else _known(chain)
        case _:
            assert_never(says)


def _told(chain: Chain, kind: NoteKind, *, firing: bool) -> Step:
    after = replace(chain, firing=firing, notes=chain.notes + 1)
    return Note(kind=kind, after=after) if chain.notes < MOST_NOTES else _known(replace(chain, firing=firing))


def _known(chain: Chain) -> Stay:
    return Stay(outcome=Outcome.KNOWN, after=chain)
