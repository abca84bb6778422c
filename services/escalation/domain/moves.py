"""When a clock stands still, goes on and is put off, as the case's facts say (暂停、挂账、恢复、延期).

While a case is paused, the clocks of its lead and of the case itself stand still and its assistants' go on; while it is
hung, all stand still. An extension puts off one clock of one order.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum, unique
from typing import Final
from uuid import UUID

from msgspec import Struct

from services.escalation.domain.facts import Fact, Facts
from shared.vocabulary import ClockKind, OrderRole

HELD_FOR_ALL: Final = frozenset({Fact.HUNG})
HELD_FOR_LEAD: Final = frozenset({Fact.PAUSED, Fact.HUNG})
GOES_ON: Final = frozenset({Fact.RESUMED, Fact.CLOSED, Fact.REFUSED, Fact.MERGED, Fact.REOPENED})


@unique
class MoveKind(StrEnum):
    """What happens to a running clock without stopping it."""

    HOLD = "hold"
    GO = "go"
    EXTEND = "extend"


class Move(Struct, frozen=True, kw_only=True):
    """One such thing, at an instant; ``to`` is the new deadline of an extension."""

    kind: MoveKind
    at: datetime
    to: datetime | None = None


class Whose(Struct, frozen=True, kw_only=True):
    """The clock that is asked about: started ``at``, by a fact of version ``since`` or by an answer to it."""

    kind: ClockKind
    since: int
    at: datetime
    order_id: UUID | None = None
    role: OrderRole | None = None

    @property
    def held_by(self) -> frozenset[Fact]:
        """The facts that hold this clock."""
        return HELD_FOR_LEAD if self.role in (OrderRole.LEAD, None) else HELD_FOR_ALL


def moves_of(facts: Facts, versions: Sequence[int], whose: Whose) -> tuple[Move, ...]:
    """What happens to the clock after it started, in order; ``versions`` are those of the steps, rising.

    None of them lies before the clock's start: a clock that starts while the case is held begins with a hold.
    More facts of the case only ever add moves at the end, for the facts of one case come in order.
    """
    found, held = list[Move](), False
    for version in versions:
        step = facts.steps[version]
        if step.fact in whose.held_by and not held:
            held, move = True, Move(kind=MoveKind.HOLD, at=step.at)
        elif step.fact in GOES_ON and held:
            held, move = False, Move(kind=MoveKind.GO, at=step.at)
        elif version > whose.since and _puts_off(facts, version, whose):
            move = Move(kind=MoveKind.EXTEND, at=step.at, to=facts.longer[version].to)
        else:
            continue
        if version > whose.since:
            found.append(move)
        else:
            found = [move] if held else []
    return _from(whose.at, found)


def _puts_off(facts: Facts, version: int, whose: Whose) -> bool:
    longer = facts.longer.get(version)
    return longer is not None and longer.clock is whose.kind and facts.steps[version].order_id == whose.order_id


def _from(started_at: datetime, moves: Sequence[Move]) -> tuple[Move, ...]:
    # Two replicas of intake may differ by a moment: time never runs back on a clock.
    rising, last = list[Move](), started_at
    for move in moves:
        last = max(last, move.at)
        rising.append(Move(kind=move.kind, at=last, to=move.to))
    return tuple(rising)
