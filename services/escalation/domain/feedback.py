"""By when whoever reported must be answered (反馈), docs/decisions/0028.

It runs from the first lead's order of a round, while somebody waits who can be answered: no sensor does. An answer that
was told with the result (答复四要素) meets it, and so do closing and refusal, for both are told to whoever
reported. A result that is rejected takes its answer with it: the rest goes on. A case reopened begins anew.

It is the desk's over the case at the level that it was dispatched to: a lead may change, and has its own clocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from msgspec.structs import replace

from services.escalation.domain.demands import Beginning, Demand, Round, Stop, after, of_case
from services.escalation.domain.facts import Fact, Facts
from shared.events.sla import Outcome
from shared.vocabulary import ClockKind, Source

_BEGINS_ROUND: Final = frozenset({Fact.OPENED, Fact.FILED, Fact.REOPENED})
_TOLD: Final = frozenset({Fact.CLOSED, Fact.REFUSED})


def answering(facts: Facts, versions: Sequence[int]) -> Iterator[Demand]:
    """The clocks of answers to whoever reported; ``versions`` are those of the steps, rising."""
    begins = [v for v in versions if facts.steps[v].fact in _BEGINS_ROUND]
    for begin, end in pairwise((*begins, (versions[-1] if versions else 0) + 1)):
        of_round = [v for v in versions if begin < v < end]
        led = next((v for v in of_round if facts.steps[v].fact is Fact.ROUTED), None)
        if led is not None:
            yield from _round(facts, versions, led, of_round)


def _round(facts: Facts, versions: Sequence[int], led: int, of_round: Sequence[int]) -> Iterator[Demand]:
    begun = facts.begun.get(led)
    level = None if begun is None else begun.level
    rounds = tuple[Round, ...]()
    since: int | None = led if _waits(facts, led) else _joins(facts, of_round, led)
    while since is not None:
        stopped, stop = _stop(facts, of_round, since)
        began = Beginning(kind=ClockKind.FEEDBACK, version=since, rounds=rounds)
        clocks = tuple(of_case(facts, versions, began, stop=stop, over=stopped))
        yield from (replace(clock, level=level) for clock in clocks)
        if stopped is None or stop is None:
            return
        since = _again(facts, of_round, stopped, stop)
        last = clocks[-1]
        # Whoever joins when nobody waited has a time of their own; an answer that did not hold has used up its own.
        again = stop.by is Fact.RESOLVED
        rounds = (*rounds, Round(started_at=last.started_at, ended_at=stop.at, moves=last.moves)) if again else ()


def _stop(facts: Facts, of_round: Sequence[int], since: int) -> tuple[int | None, Stop | None]:
    """Where the clock that began at ``since`` ended: the first fact that answers, or that leaves nobody to answer."""
    for version in after(of_round, since):
        step = facts.steps[version]
        if version in facts.answered or step.fact in _TOLD:
            return version, Stop(at=step.at, outcome=Outcome.MET, by=step.fact)
        if step.fact is Fact.MERGED or (step.fact is Fact.SPLIT and not _waits(facts, version)):
            return version, Stop(at=step.at, outcome=Outcome.CANCELLED, by=step.fact)
    return None, None


def _again(facts: Facts, of_round: Sequence[int], stopped: int, stop: Stop) -> int | None:
    """Where the rest goes on: at the rejection of a result that came with the answer, or when somebody joins again."""
    if stop.by is Fact.SPLIT:
        return _joins(facts, of_round, stopped)
    if stop.by is not Fact.RESOLVED:
        return None
    back = next(
        (v for v in after(of_round, stopped) if facts.steps[v].fact in (Fact.REJECTED, *_TOLD, Fact.MERGED)), None
    )
    return back if back is not None and facts.steps[back].fact is Fact.REJECTED and _waits(facts, back) else None


def _joins(facts: Facts, of_round: Sequence[int], version: int) -> int | None:
    """Where somebody who waits for an answer comes to a case in which nobody did, before the case ends."""
    later = after(of_round, version)
    return next((v for v in later if facts.steps[v].fact is Fact.JOINED), None)


def _waits(facts: Facts, version: int) -> bool:
    """Say whether anybody waited for an answer at ``version``."""
    reports = {one for at, one in facts.reporters.items() if at <= version}
    gone = {one for at, one in facts.left.items() if at <= version}
    kept = facts.view.source is not Source.SENSOR and not facts.reporters
    return kept or bool(reports - gone)
