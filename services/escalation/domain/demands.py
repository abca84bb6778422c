"""What a case's facts ask of its clocks: a clock that runs or ran, how it stopped, what it used up before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from services.escalation.domain.facts import Fact, Facts, Issued, Traits
from services.escalation.domain.moves import Move, Whose, moves_of
from shared.events.envelope import derive_id
from shared.events.parts import Target
from shared.events.sla import Outcome
from shared.vocabulary import ClockKind, Level

ENDS: Final = (Fact.CLOSED, Fact.REFUSED, Fact.MERGED)
"""What ends a case."""


class Stop(Struct, frozen=True, kw_only=True):
    """When a clock stopped, how, and by which fact."""

    at: datetime
    outcome: Outcome
    by: Fact


class Round(Struct, frozen=True, kw_only=True):
    """An earlier run of the same limit: from when, until when, and what happened to it between."""

    started_at: datetime
    ended_at: datetime
    moves: tuple[Move, ...] = ()


class Demand(Struct, frozen=True, kw_only=True):
    """One clock that the facts ask for; ``rounds`` are the runs in which its limit was used up already.

    ``moves`` held it, let it go on or put it off since it started. ``renamed_at`` is when it took the place of
    one of another category. A supervision names its ``target`` and its ``due_at`` itself.
    """

    clock_id: UUID
    case_id: UUID
    kind: ClockKind
    started_at: datetime
    traits: Traits
    order: Issued | None = None
    rounds: tuple[Round, ...] = ()
    stop: Stop | None = None
    moves: tuple[Move, ...] = ()
    renamed_at: datetime | None = None
    target: Target | None = None
    due_at: datetime | None = None
    level: Level | None = None


class Beginning(Struct, frozen=True, kw_only=True):
    """A clock of the case itself, begun by the fact at ``version``, with its earlier runs."""

    kind: ClockKind
    version: int
    rounds: tuple[Round, ...] = ()


def of_case(
    facts: Facts, versions: Sequence[int], began: Beginning, *, stop: Stop | None, over: int | None
) -> Iterator[Demand]:
    """The clock of the case itself that ``began``, and each that took its place when it was named anew.

    Those are back-dated to the same start (改类). The case's own facts say that the clock was over at ``over``; an
    order that came on its own topic must not decide which clocks there are.
    """
    version, kind = began.version, began.kind
    at, case_id, begun = facts.steps[version].at, facts.view.case_id, facts.begun.get(version)
    moves = moves_of(facts, versions, Whose(kind=kind, since=version, at=at))
    clock = Demand(
        clock_id=derive_id(case_id, f"{kind}:{version}"),
        case_id=case_id,
        kind=kind,
        started_at=at,
        traits=Traits.of(facts.view) if begun is None else begun.traits,
        rounds=began.rounds,
    )
    for name in [v for v in after(sorted(facts.renamed), version) if over is None or v < over]:
        named_at = facts.steps[name].at
        called_off = Stop(at=named_at, outcome=Outcome.CANCELLED, by=Fact.RECATEGORISED)
        ended = stop if stop is not None and stop.at < named_at else called_off
        yield replace(clock, stop=ended, moves=until(ended, moves))
        clock_id = derive_id(case_id, f"{kind}:{version}@{name}")
        clock = replace(clock, clock_id=clock_id, traits=facts.renamed[name].traits, renamed_at=named_at)
        if ended.outcome is Outcome.MET:
            # It was met before the new name, by a fact that came later: once is enough.
            stop = replace(called_off, at=ended.at)
    yield clock if stop is None and not moves else replace(clock, stop=stop, moves=until(stop, moves))


def after(versions: Iterable[int], version: int) -> list[int]:
    """The later ones of ``versions``."""
    return [v for v in versions if v > version]


def ends(facts: Facts, versions: Iterable[int], *, closing: tuple[Fact, ...]) -> list[Stop]:
    """The steps among ``versions`` that call a clock off."""
    steps = [facts.steps[v] for v in versions if facts.steps[v].fact in closing]
    return [Stop(at=step.at, outcome=Outcome.CANCELLED, by=step.fact) for step in steps]


def first(met: list[Stop], cancelled: list[Stop]) -> Stop | None:
    """The stop that came first; at one instant the deed counts, not the call-off."""
    return min((*met, *cancelled), key=lambda stop: (stop.at, stop.outcome is Outcome.CANCELLED, stop.by), default=None)


def until(stop: Stop | None, moves: tuple[Move, ...]) -> tuple[Move, ...]:
    """What happened to a clock before it stopped."""
    return moves if stop is None else tuple(move for move in moves if move.at <= stop.at)
