"""Which clocks a case's facts demand, running and stopped, and what starts or stops each.

| clock | starts | met by | cancelled by |
|---|---|---|---|
| accept | a report is received and waits for a person | filed or refused | merger |
| dispatch | the case is opened, filed or reopened, its lead gives it back | the next lead's order | its end |
| sign-in | an order is issued | its signature, or anything its target does after | withdrawal, release, return, end |
| arrive | a lead or assist order is issued, where limited (a whistle's always is) | check-in, work done | the same |
| handle | a lead or assist order is issued; the rest again when its result is rejected | done reported | the same |
| feedback | a lead has an order and somebody waits for an answer | the answer, closing, refusal | merger |
| verify | the lead reports done | verified or rejected | withdrawal, return, end |
| supervise | a supervision is ordered, its reply sent back | the reply, or sign-off without one | refusal, merger |

A case ends closed, refused or merged. Named anew (another category or condition), the clocks of its standing orders
that run, its dispatch and its feedback are cancelled and others start in their place, back-dated: with the same start,
less all time that they stood still. What holds a clock or puts it off is in ``moves.py``, more on the answer
to whoever reported in ``feedback.py``.
A target that gave the case back and gets it again has what is left of its handling, not a new limit.
Each order has clocks of its own: one target's deed never stops another's. An order that asks for a ruling (裁定) is
met by the ruling and needs nobody on site. A step of a matter has no clock before its order is issued.

Source: GB/T 30428.8 stages as in the default profile; handling runs from dispatch, not from signature; a whistle's
sign-in and arrival as in 吹哨报到.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from services.escalation.domain.demands import ENDS, Beginning, Demand, Round, Stop, after, ends, first, of_case, until
from services.escalation.domain.facts import Fact, Facts, Issued, Step, Supervision, Traits
from services.escalation.domain.feedback import answering
from services.escalation.domain.moves import Move, Whose, moves_of
from shared.events.envelope import derive_id
from shared.events.parts import Target
from shared.events.sla import Outcome
from shared.vocabulary import ClockKind, OrderReason, OrderRole

__all__ = ["Demand", "Round", "Stop", "demanded"]

_BEGINS_DISPATCH: Final = frozenset({Fact.OPENED, Fact.FILED, Fact.REOPENED})


def demanded(facts: Facts) -> tuple[Demand, ...]:
    """Every clock of the case, each with the same id and the same stop for the same facts."""
    ours = sorted(facts.steps)
    return (
        *_accept(facts, ours),
        *_dispatch(facts, ours),
        *answering(facts, ours),
        *_supervise(facts, ours),
        *(demand for issued in _orders(facts) for demand in _of_order(facts, issued, ours)),
    )


def _orders(facts: Facts) -> Iterator[Issued]:
    return (one for one in facts.issued.values() if facts.knows(one.answers))


def _accept(facts: Facts, versions: list[int]) -> Iterator[Demand]:
    for version in [v for v in versions if facts.steps[v].fact is Fact.RECEIVED]:
        later = after(versions, version)
        judged = [facts.steps[v] for v in later if facts.steps[v].fact in (Fact.FILED, Fact.REFUSED)]
        met = [Stop(at=step.at, outcome=Outcome.MET, by=step.fact) for step in judged]
        stop = first(met, ends(facts, later, closing=ENDS))
        yield from of_case(facts, versions, Beginning(kind=ClockKind.ACCEPT, version=version), stop=stop, over=version)


def _dispatch(facts: Facts, versions: list[int]) -> Iterator[Demand]:
    # Somebody who is called to help, or to watch, does not lead: the case still waits for who does.
    orders = [one for one in _orders(facts) if one.order.role is OrderRole.LEAD]
    for version in [v for v in versions if _begins_dispatch(facts.steps[v])]:
        later = after(versions, version)
        # Of two leads, intake may have told of the first before the order itself is here.
        stood = [facts.steps[v].at for v in later if facts.steps[v].fact is Fact.ROUTED]
        answers = [*stood, *(one.order.issued_at for one in orders if one.answers >= version)]
        met = [Stop(at=at, outcome=Outcome.MET, by=Fact.ROUTED) for at in answers]
        stop = first(met, ends(facts, later, closing=ENDS))
        over = min((v for v in later if _leads(facts.steps[v]) or facts.steps[v].fact in ENDS), default=None)
        # Facts of an earlier release do not say when a lead had the case: its dispatch keeps its name.
        over = version if facts.told is None else over
        yield from of_case(facts, versions, Beginning(kind=ClockKind.DISPATCH, version=version), stop=stop, over=over)


def _leads(step: Step) -> bool:
    """Say whether the step shows that somebody leads."""
    return step.order_role is OrderRole.LEAD and step.fact is not Fact.RETURNED


def _supervise(facts: Facts, versions: list[int]) -> Iterator[Demand]:
    for version in [v for v in versions if v in facts.supervised]:
        told = facts.supervised[version]
        if told.due_at is None:
            continue
        later = [v for v in after(versions, version) if v in facts.supervised and _same(facts.supervised[v], told)]
        met = [
            Stop(at=facts.steps[v].at, outcome=Outcome.MET, by=facts.steps[v].fact)
            for v in later
            if facts.supervised[v].due_at is None
        ]
        again = ends(facts, later, closing=(Fact.SENT_BACK,))
        # A reply may still be due when the case is closed; nobody replies for one that was refused or merged.
        stop = first(met, again + ends(facts, after(versions, version), closing=(Fact.REFUSED, Fact.MERGED)))
        target = told.target or _supervised_first(facts, told)
        # Its date is the supervisor's own, whatever the case is called.
        for clock in of_case(
            facts, versions, Beginning(kind=ClockKind.SUPERVISE, version=version), stop=stop, over=version
        ):
            yield replace(clock, target=target, due_at=told.due_at)


def _same(one: Supervision, other: Supervision) -> bool:
    return one.supervision_id == other.supervision_id


def _supervised_first(facts: Facts, told: Supervision) -> Target | None:
    """Whose reply it is: an answer sent back names nobody again."""
    return next((one.target for one in facts.supervised.values() if _same(one, told) and one.target is not None), None)


def _begins_dispatch(step: Step) -> bool:
    # Where an assistant gives its order back, the lead still answers for the case and nobody need follow.
    led = step.order_role in (OrderRole.LEAD, None)
    return step.fact in _BEGINS_DISPATCH or (step.fact is Fact.RETURNED and led)


def _of_order(facts: Facts, issued: Issued, versions: list[int]) -> Iterator[Demand]:
    history = _History.of(facts, issued, versions)
    to_rule = issued.order.reason is OrderReason.RULING
    done = (Fact.RESOLVED, Fact.RULED) if to_rule else (Fact.RESOLVED,)
    yield from history.demand(ClockKind.SIGN_IN, met=(Fact.SIGNED, Fact.ARRIVED, *done))
    if issued.order.role is OrderRole.OVERSEE:
        return
    if not to_rule:
        yield from history.demand(ClockKind.ARRIVE, met=(Fact.ARRIVED, *done))
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
    versions: list[int]

    @classmethod
    def of(cls, facts: Facts, issued: Issued, versions: list[int]) -> _History:
        later = after(versions, issued.answers)
        own = {v: facts.steps[v].fact for v in later if facts.steps[v].order_id == issued.order.order_id}
        return cls(facts=facts, issued=issued, own=own, later=later, versions=versions)

    def demand(self, kind: ClockKind, *, met: tuple[Fact, ...]) -> Iterator[Demand]:
        return self._renamed(kind, str(kind), met=met, since=0, started_at=self.issued.order.issued_at)

    def handling(self, *, met: tuple[Fact, ...]) -> Iterator[Demand]:
        rounds = self._before()
        for version, started_at in self._starts():
            name = f"handle:{version}" if version else "handle"
            yield from self._renamed(
                ClockKind.HANDLE, name, met=met, since=version, started_at=started_at, rounds=rounds
            )
            stop = self._stop(version, met)
            if stop is not None:
                rounds = (*rounds, self._round(version, started_at, stop.at))

    def _starts(self) -> list[tuple[int, datetime]]:
        again = [(v, self.facts.steps[v].at) for v, fact in self.own.items() if fact is Fact.REJECTED]
        return [(0, self.issued.order.issued_at), *again]

    def _before(self) -> tuple[Round, ...]:
        """What this target has used up already, before it gave the case back in this round."""
        used = list[Round]()
        for back in self.issued.given_back:
            earlier = self.facts.issued.get(back.order_id)
            if earlier is not None and earlier.order.generation == self.issued.order.generation:
                history = _History.of(self.facts, earlier, sorted(self.facts.steps))
                for version, started_at in history._starts():  # noqa: SLF001  another of its own kind
                    stop = history._stop(version, (Fact.RESOLVED,))  # noqa: SLF001
                    # The return may still be on its way on its own topic; the order says when it was.
                    ended_at = back.at if stop is None else stop.at
                    used.append(history._round(version, started_at, ended_at))  # noqa: SLF001
        return tuple(used)

    def _round(self, since: int, started_at: datetime, ended_at: datetime) -> Round:
        moves = self._moves(ClockKind.HANDLE, since, started_at)
        return Round(
            started_at=started_at, ended_at=ended_at, moves=tuple(move for move in moves if move.at <= ended_at)
        )

    def verifying(self) -> Iterator[Demand]:
        for version in [v for v, fact in self.own.items() if fact is Fact.RESOLVED]:
            checks = [v for v in after(self.later, version) if self.facts.steps[v].fact in _CHECKS]
            met = [Stop(at=self.facts.steps[v].at, outcome=Outcome.MET, by=self.facts.steps[v].fact) for v in checks]
            yield self._demand(
                ClockKind.VERIFY,
                f"verify:{version}",
                started_at=self.facts.steps[version].at,
                stop=first(met, self._cancelled(version)),
                traits=self._traits(version),
            )

    def _renamed(
        self,
        kind: ClockKind,
        name: str,
        *,
        met: tuple[Fact, ...],
        since: int,
        started_at: datetime,
        rounds: tuple[Round, ...] = (),
    ) -> Iterator[Demand]:
        """The clock, and each that took its place when the case was named anew, back-dated to the same start."""
        stop, moves = self._stop(since, met), self._moves(kind, since, started_at)
        clock = Demand(
            clock_id=derive_id(self.issued.order.order_id, name),
            case_id=self.facts.view.case_id,
            kind=kind,
            started_at=started_at,
            traits=self._traits(since),
            order=self.issued,
            rounds=rounds,
            stop=stop,
            moves=until(stop, moves),
        )
        for version in self._names(since, met):
            at, renamed = self.facts.steps[version].at, self.facts.renamed[version]
            called_off = Stop(at=at, outcome=Outcome.CANCELLED, by=Fact.RECATEGORISED)
            # A deed that followed the new name meets the clock that stands in its place, and it alone.
            ended = stop if stop is not None and stop.outcome is Outcome.CANCELLED and stop.at < at else called_off
            yield replace(clock, stop=ended, moves=until(ended, moves))
            clock_id = derive_id(self.issued.order.order_id, f"{name}@{version}")
            clock = replace(clock, clock_id=clock_id, traits=renamed.traits.begun_as(self.facts.view), renamed_at=at)
        yield clock

    def _names(self, since: int, met: tuple[Fact, ...]) -> list[int]:
        """The versions that named the case anew while this clock ran, as far as the case's own facts tell."""
        own = [v for v, fact in self.own.items() if v > since and (fact in met or fact is Fact.RETURNED)]
        over = min([*own, *(v for v in after(self.later, since) if self.facts.steps[v].fact in _OVER)], default=None)
        return [v for v in self._standing_at(since) if over is None or v < over]

    def _standing_at(self, since: int) -> list[int]:
        order_id = self.issued.order.order_id
        later = after(sorted(self.facts.renamed), max(since, self.issued.answers))
        return [v for v in later if order_id in self.facts.renamed[v].orders]

    def _traits(self, since: int) -> Traits:
        """What the case was about when a clock that began at ``since`` began."""
        names = [v for v in self._standing_at(0) if v <= since]
        traits = self.facts.renamed[names[-1]].traits if names else self.issued.traits
        return traits.begun_as(self.facts.view)

    def _moves(self, kind: ClockKind, since: int, at: datetime) -> tuple[Move, ...]:
        order = self.issued.order
        whose = Whose(kind=kind, since=max(since, self.issued.answers), at=at, order_id=order.order_id, role=order.role)
        return moves_of(self.facts, self.versions, whose)

    def _demand(self, kind: ClockKind, name: str, *, started_at: datetime, stop: Stop | None, traits: Traits) -> Demand:
        return Demand(
            clock_id=derive_id(self.issued.order.order_id, name),
            case_id=self.facts.view.case_id,
            kind=kind,
            started_at=started_at,
            traits=traits,
            order=self.issued,
            stop=stop,
        )

    def _stop(self, version: int, met: tuple[Fact, ...]) -> Stop | None:
        done = [v for v, fact in self.own.items() if v > version and fact in met]
        steps = [self.facts.steps[v] for v in done]
        return first([Stop(at=step.at, outcome=Outcome.MET, by=step.fact) for step in steps], self._cancelled(version))

    def _cancelled(self, version: int) -> list[Stop]:
        returned = [
            Stop(at=self.facts.steps[v].at, outcome=Outcome.CANCELLED, by=Fact.RETURNED)
            for v, fact in self.own.items()
            if v > version and fact is Fact.RETURNED
        ]
        withdrawn = self.facts.withdrawn_at(self.issued.order.order_id)
        if withdrawn is not None:
            returned.append(Stop(at=withdrawn, outcome=Outcome.CANCELLED, by=Fact.WITHDRAWN))
        return returned + ends(self.facts, after(self.later, version), closing=_OVER)


_CHECKS: Final = frozenset({Fact.VERIFIED, Fact.REJECTED})
_OVER: Final = (*ENDS, Fact.REOPENED)
