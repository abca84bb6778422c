"""What clocks said, as it stands in Kafka, against what they had to say."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.events.codec import decode
from shared.events.sla import ClockBreached, ClockEscalated, ClockStarted, ClockStepped, ClockWarned
from shared.events.topics import SLA
from tests.bench.audit import between
from tests.bench.clock_faults.load import FACTS, Effect, Planned, Stopping

ROUNDING: Final = timedelta(milliseconds=1)
SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Window:
    """From the fault to the moment at which all replicas were ready again, by the clock of this machine."""

    since: datetime
    until: datetime

    def has(self, at: datetime) -> bool:
        """Whether the instant lies in it."""
        return self.since <= at <= self.until


@dataclass(slots=True)
class Said:
    """Everything on ``whistle.sla.v1``, read on from look to look; memory grows with the run, an hour of it."""

    bootstrap: str
    values: dict[UUID, int] = field(default_factory=dict)
    """Event → hash of its bytes."""
    ids: defaultdict[Effect, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    fired_at: dict[Effect, datetime] = field(default_factory=dict)
    unlike: set[UUID] = field(default_factory=set)
    """Events that were written twice with different words: fired twice."""
    early: dict[Effect, timedelta] = field(default_factory=dict)
    """Said before the service's own deadline, or before the broker's clock had come to it."""
    begun: Counter[tuple[UUID, str]] = field(default_factory=Counter)
    repeats: int = 0
    _read: dict[TopicPartition, int] = field(default_factory=dict)

    async def read_on(self) -> None:
        """Read what has come since the last look."""
        places = [TopicPartition(SLA.name, number) for number in range(SLA.partitions)]
        async with AIOKafkaConsumer(bootstrap_servers=self.bootstrap) as consumer:
            ends = await consumer.end_offsets(places)
        starts = {place: self._read.get(place, 0) for place in places}
        async for record in between(self.bootstrap, starts, ends):
            self._take(record)
        self._read = dict(ends)

    def _take(self, record: Any) -> None:
        event = decode(record.value, record.headers)
        known, print_ = self.values.get(event.id), hash(record.value)
        if known is not None:
            self.repeats += 1
            if known != print_:
                self.unlike.add(event.id)
            return
        self.values[event.id] = print_
        data: Any = event.data
        clock = data.clock
        if isinstance(data, ClockStarted):
            self.begun[clock.order_id, str(clock.kind)] += 1
        effect = _effect(data)
        if effect is None:
            return
        self.ids[effect].add(event.id)
        self.fired_at.setdefault(effect, data.fired_at)
        if isinstance(data, ClockBreached) and data.fired_at < clock.due_at:
            self.early[effect] = clock.due_at - data.fired_at


def _effect(data: Any) -> Effect | None:
    if not isinstance(data, (ClockWarned, ClockBreached, ClockEscalated, ClockStepped)):
        return None
    order_id, kind = data.clock.order_id or data.case.case_id, str(data.clock.kind)
    match data:
        case ClockWarned(fraction=fraction):
            return Effect(order_id, kind, "warned", f"{fraction:g}")
        case ClockBreached():
            return Effect(order_id, kind, "breached")
        case ClockEscalated(to=to):
            return Effect(order_id, kind, "escalated", to.id)
        case ClockStepped(action=action, step=step, nth=nth):
            return Effect(order_id, kind, str(action), f"{step}:{nth}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Sets compared; all but ``fired``, ``one_notice``, ``overtaken`` and ``repeats`` must be empty or nothing."""

    fired: int
    lost: Sequence[Planned]
    doubled: Sequence[Effect]
    early: Sequence[Effect]
    unexpected: Sequence[Effect]
    one_notice: int
    """Notices that came due while something was broken, of cases for which a later word stands."""
    overtaken: int
    """What came due while something was broken and was no longer needed: a later fact had stopped the clock by then.
    That a clock was late is said all the same."""
    repeats: int
    worst_late: float
    """Seconds, of what came due while nothing was broken."""

    @property
    def is_clean(self) -> bool:
        """Whether each effect was fired exactly once, and none early."""
        return not (self.lost or self.doubled or self.early or self.unexpected)

    def complaints(self) -> Iterable[str]:
        """The first few of each kind, in words."""
        for name in ("lost", "doubled", "early", "unexpected"):
            found = getattr(self, name)
            yield from (f"{name}: {one}" for one in found[:SHOWN])


def compared(
    plans: Iterable[Planned], stops: Mapping[UUID, Stopping], said: Said, *, upto: datetime, broken: Sequence[Window]
) -> Verdict:
    """What was due up to ``upto`` against what was said, whenever it was."""
    lost, early, unexpected, seen = [], list(said.early), [], set[Effect]()
    one_notice = overtaken = 0
    worst = 0.0
    last = _last_words(said)
    for plan in plans:
        seen.add(plan.effect)
        stop = stops.get(plan.stop) if plan.stop else None
        fired_at = said.fired_at.get(plan.effect)
        in_fault = any(window.has(plan.at) for window in broken)
        if fired_at is not None:
            if fired_at < plan.at - ROUNDING:
                early.append(plan.effect)
            if stop is not None and stop.kept_at is not None and stop.kept_at <= plan.at:
                unexpected.append(plan.effect)
            if not in_fault:
                worst = max(worst, (fired_at - plan.at).total_seconds())
        elif plan.at > upto or (stop is not None and stop.at <= plan.at):
            continue
        elif in_fault and stop is not None and plan.effect.word != "breached":
            overtaken += 1
        elif in_fault and plan.effect.word not in FACTS and last.get(plan.effect.order_id, plan.at) > plan.at:
            one_notice += 1
        else:
            lost.append(plan)
    unexpected += [effect for effect in said.fired_at if effect not in seen]
    doubled = [effect for effect, ids in said.ids.items() if len(ids) > 1 or ids & said.unlike]
    return Verdict(
        fired=len(said.fired_at),
        lost=lost,
        doubled=doubled,
        early=early,
        unexpected=unexpected,
        one_notice=one_notice,
        overtaken=overtaken,
        repeats=said.repeats,
        worst_late=worst,
    )


def _last_words(said: Said) -> Mapping[UUID, datetime]:
    """When each order's clocks spoke last; those that never did are not there."""
    last: dict[UUID, datetime] = {}
    for effect, at in said.fired_at.items():
        last[effect.order_id] = max(last.get(effect.order_id, at), at)
    return last
