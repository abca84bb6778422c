"""Which clocks a case's facts demand, running and stopped, and what starts or stops each.

| clock | starts | met by | cancelled by |
|---|---|---|---|
| dispatch | the case is opened or reopened, its lead gives it back | the order that answers | close |
| sign-in | an order is issued | its signature, or anything its target does after | withdrawal, release, return, close |
| arrive | a lead or assist order is issued, where limited (a whistle's always is) | check-in, work done | the same |
| handle | a lead or assist order is issued; the rest again when its result is rejected | done reported | the same |
| verify | the lead reports done | verified or rejected | withdrawal, return, close |

A target that gave the case back and gets it again has what is left of its handling, not a new limit.
Each order has clocks of its own: one target's deed never stops another's. An order that asks for a ruling (裁定) is
met by the ruling and needs nobody on site. A step of a matter has no clock before its order is issued.

Source: GB/T 30428.8 stages as in the default profile; handling runs from dispatch, not from signature; a whistle's
sign-in and arrival as in 吹哨报到.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from services.escalation.domain.fold import Fact, Facts, Issued, Matter, Step
from shared.events.envelope import derive_id
from shared.events.sla import Outcome
from shared.vocabulary import ClockKind, OrderReason, OrderRole

_BEGINS_DISPATCH: Final = frozenset({Fact.OPENED, Fact.REOPENED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """When a clock stopped, how, and by which fact."""

    at: datetime
    outcome: Outcome
    by: Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """One clock that the facts ask for; ``rounds`` are the stretches of its limit already used up."""

    clock_id: UUID
    case_id: UUID
    kind: ClockKind
    started_at: datetime
    matter: Matter
    order: Issued | None = None
    rounds: tuple[tuple[datetime, datetime], ...] = ()
    stop: Stop | None = None


def demanded(facts: Facts) -> tuple[Demand, ...]:
    """Every clock of the case, each with the same id and the same stop for the same facts."""
    case_id = facts.view.case_id
    ours = sorted(facts.steps)
    return (
        *_dispatch(facts, case_id, ours),
        *(demand for issued in facts.issued.values() for demand in _of_order(facts, issued, ours)),
    )


def _dispatch(facts: Facts, case_id: UUID, versions: list[int]) -> Iterator[Demand]:
    for version in versions:
        step = facts.steps[version]
        if _begins_dispatch(step):
            answers = [one.order.issued_at for one in facts.issued.values() if one.answers >= version]
            yield Demand(
                clock_id=derive_id(case_id, f"dispatch:{version}"),
                case_id=case_id,
                kind=ClockKind.DISPATCH,
                started_at=step.at,
                matter=Matter.of(facts.view),
                stop=_first(
                    [Stop(at=at, outcome=Outcome.MET, by=Fact.ROUTED) for at in answers],
                    _ends(facts, _after(versions, version), closing=(Fact.CLOSED,)),
                ),
            )


def _begins_dispatch(step: Step) -> bool:
    # Where an assistant gives its order back, the lead still answers for the case and nobody need follow.
    led = step.order_role in (OrderRole.LEAD, None)
    return step.fact in _BEGINS_DISPATCH or (step.fact is Fact.RETURNED and led)


def _of_order(facts: Facts, issued: Issued, versions: list[int]) -> Iterator[Demand]:
    history = _History.of(facts, issued, versions)
    to_rule = issued.order.reason is OrderReason.RULING
    done = (Fact.RESOLVED, Fact.RULED) if to_rule else (Fact.RESOLVED,)
    yield history.demand(ClockKind.SIGN_IN, met=(Fact.SIGNED, Fact.ARRIVED, *done))
    if issued.order.role is OrderRole.OVERSEE:
        return
    if not to_rule:
        yield history.demand(ClockKind.ARRIVE, met=(Fact.ARRIVED, *done))
    yield from history.handling(met=done)
    if issued.order.role is OrderRole.LEAD:
        yield from history.verifying()


@dataclass(frozen=True, slots=True, kw_only=True)
class _History:
    """What happened to one order after it was issued; ``own`` are its steps, by version, rising."""

    facts: Facts
    issued: Issued
    own: Mapping[int, Fact]
    later: list[int]

    @classmethod
    def of(cls, facts: Facts, issued: Issued, versions: list[int]) -> _History:
        later = _after(versions, issued.answers)
        own = {v: facts.steps[v].fact for v in later if facts.steps[v].order_id == issued.order.order_id}
        return cls(facts=facts, issued=issued, own=own, later=later)

    def demand(self, kind: ClockKind, *, met: tuple[Fact, ...]) -> Demand:
        return self._demand(kind, name=str(kind), started_at=self.issued.order.issued_at, stop=self._stop(0, met))

    def handling(self, *, met: tuple[Fact, ...]) -> Iterator[Demand]:
        rounds = self._before()
        for version, started_at in self._starts():
            stop = self._stop(version, met)
            name = f"handle:{version}" if version else "handle"
            yield self._demand(ClockKind.HANDLE, name=name, started_at=started_at, stop=stop, rounds=rounds)
            if stop is not None:
                rounds = (*rounds, (started_at, stop.at))

    def _starts(self) -> list[tuple[int, datetime]]:
        again = [(v, self.facts.steps[v].at) for v, fact in self.own.items() if fact is Fact.REJECTED]
        return [(0, self.issued.order.issued_at), *again]

    def _before(self) -> tuple[tuple[datetime, datetime], ...]:
        """What this target has used up already, before it gave the case back in this round."""
        used = list[tuple[datetime, datetime]]()
        for back in self.issued.given_back:
            earlier = self.facts.issued.get(back.order_id)
            if earlier is not None and earlier.order.generation == self.issued.order.generation:
                history = _History.of(self.facts, earlier, sorted(self.facts.steps))
                for version, started_at in history._starts():  # noqa: SLF001  another of its own kind
                    stop = history._stop(version, (Fact.RESOLVED,))  # noqa: SLF001
                    # The return may still be on its way on its own topic; the order says when it was.
                    used.append((started_at, back.at if stop is None else stop.at))
        return tuple(used)

    def verifying(self) -> Iterator[Demand]:
        for version in [v for v, fact in self.own.items() if fact is Fact.RESOLVED]:
            checks = [v for v in _after(self.later, version) if self.facts.steps[v].fact in _CHECKS]
            met = [Stop(at=self.facts.steps[v].at, outcome=Outcome.MET, by=self.facts.steps[v].fact) for v in checks]
            yield self._demand(
                ClockKind.VERIFY,
                name=f"verify:{version}",
                started_at=self.facts.steps[version].at,
                stop=_first(met, self._cancelled(version)),
            )

    def _demand(
        self,
        kind: ClockKind,
        *,
        name: str,
        started_at: datetime,
        stop: Stop | None,
        rounds: tuple[tuple[datetime, datetime], ...] = (),
    ) -> Demand:
        return Demand(
            clock_id=derive_id(self.issued.order.order_id, name),
            case_id=self.facts.view.case_id,
            kind=kind,
            started_at=started_at,
            matter=self.issued.matter,
            order=self.issued,
            rounds=rounds,
            stop=stop,
        )

    def _stop(self, version: int, met: tuple[Fact, ...]) -> Stop | None:
        done = [v for v, fact in self.own.items() if v > version and fact in met]
        steps = [self.facts.steps[v] for v in done]
        return _first([Stop(at=step.at, outcome=Outcome.MET, by=step.fact) for step in steps], self._cancelled(version))

    def _cancelled(self, version: int) -> list[Stop]:
        returned = [
            Stop(at=self.facts.steps[v].at, outcome=Outcome.CANCELLED, by=Fact.RETURNED)
            for v, fact in self.own.items()
            if v > version and fact is Fact.RETURNED
        ]
        withdrawn = self.facts.withdrawn.get(self.issued.order.order_id)
        if withdrawn is not None:
            returned.append(Stop(at=withdrawn, outcome=Outcome.CANCELLED, by=Fact.WITHDRAWN))
        return returned + _ends(self.facts, _after(self.later, version), closing=(Fact.CLOSED, Fact.REOPENED))


_CHECKS: Final = frozenset({Fact.VERIFIED, Fact.REJECTED})


def _after(versions: Iterable[int], version: int) -> list[int]:
    return [v for v in versions if v > version]


def _ends(facts: Facts, versions: Iterable[int], *, closing: tuple[Fact, ...]) -> list[Stop]:
    steps = [facts.steps[v] for v in versions if facts.steps[v].fact in closing]
    return [Stop(at=step.at, outcome=Outcome.CANCELLED, by=step.fact) for step in steps]


def _first(met: list[Stop], cancelled: list[Stop]) -> Stop | None:
    """The stop that came first; at one instant the deed counts, not the call-off."""
    return min((*met, *cancelled), key=lambda stop: (stop.at, stop.outcome is Outcome.CANCELLED, stop.by), default=None)
