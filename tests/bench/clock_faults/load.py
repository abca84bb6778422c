"""Cases whose clocks run out in seconds, and what those clocks must say, reckoned here and nowhere else.

The reckoning shares nothing with the service but the words of the events: limits, warnings and steps stand here as
plain seconds. A village's order has two clocks; whoever signs or finishes in time stops them.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final
from uuid import UUID

from shared.events.envelope import Event, derive_id
from shared.events.order import Order
from shared.playbook.model import Chain, ChainStep, ClockLimit, Limit, LimitUnit, Playbook, Threshold
from shared.playbook.model.chains import Anchor
from shared.vocabulary import ChainAction, ClockKind, Recipient, WhenLate
from tests.fakes.clock_county import clock_county
from tests.fakes.clock_county import limit as row
from tests.fakes.small_county import COUNTY, GAS, GAS_LEAK, OTHER, WATER, WEST, WEST_VILLAGE, text
from tests.fakes.story import Story

SPEED: Final = 60
"""A minute of the playbook is a second here."""
SECONDS: Final[Mapping[str, tuple[float, float]]] = {
    GAS_LEAK: (6, 20),
    WATER: (10, 24),
    OTHER: (25, 45),
    GAS: (40, 70),
}
"""By category: seconds to sign, seconds to handle; some end in mid-fault, whatever its length."""
WARN_SIGN: Final = (0.6,)
WARN_HANDLE: Final = (0.5, 0.8)
CHAINED: Final = frozenset({WATER, OTHER})
"""Categories whose handling has a chain in place of what the limit itself does when late."""
SIGNED_AT: Final = 0.4
FINISHED_AT: Final = 0.55
LATE_AT: Final = 1.3
"""Fractions of the limit at which people sign and finish in time, or sign late: well away from what clocks say."""
URGES: Final = 3
FACTS: Final = frozenset({"breached", "escalated", "oversee", "supervise"})
"""What is said after any outage; notices that came due together may be said as one."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that a clock says: of which order and clock, which word, and which step of it."""

    order_id: UUID
    kind: str
    word: str
    which: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """When an effect is due; ``stop`` is the fact that stops its clock, if one ever does."""

    effect: Effect
    at: datetime
    stop: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping:
    """A fact that stops clocks: when it came to pass, and when Kafka had it (None: not yet)."""

    at: datetime
    kept_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Step:
    id: str
    action: str
    at: Threshold
    minutes: float
    """Seconds of this run: from the start for ``passed`` (a fraction of the limit), else from the deadline."""
    times: int = 1


_LADDER: Final = (
    _Step("urge", "urge", Threshold(anchor=Anchor.PASSED, fraction=0.6), 0.6, URGES),
    _Step(
        "soon", "notify", Threshold(anchor=Anchor.BEFORE, span=Limit(amount=3, unit=LimitUnit.CONTINUOUS_MINUTE)), -3
    ),
    _Step("order", "supervise", Threshold(anchor=Anchor.DUE), 0),
    _Step("town", "oversee", Threshold(anchor=Anchor.AFTER, span=Limit(amount=4, unit=LimitUnit.CONTINUOUS_MINUTE)), 4),
    _Step(
        "county", "oversee", Threshold(anchor=Anchor.AFTER, span=Limit(amount=8, unit=LimitUnit.CONTINUOUS_MINUTE)), 8
    ),
    _Step(
        "leader", "oversee", Threshold(anchor=Anchor.AFTER, span=Limit(amount=12, unit=LimitUnit.CONTINUOUS_MINUTE)), 12
    ),
    _Step(
        "known",
        "circulate",
        Threshold(anchor=Anchor.AFTER, span=Limit(amount=15, unit=LimitUnit.CONTINUOUS_MINUTE)),
        15,
    ),
)
_EVERY: Final = 2.0
_REACHED: Final = {"town": WEST, "county": COUNTY}


def playbook(*, chains: bool) -> Playbook:
    """The small county with the limits above, and with their chain if asked for."""
    book = clock_county(speed=SPEED, clocks=tuple(_limits(chains=chains)))
    if not chains:
        return book
    ladder = Chain(id="ladder", title=text("升级链"), source="made for tests", steps=tuple(map(_chain_step, _LADDER)))
    return replace(book, chains={ladder.id: ladder})


def _limits(*, chains: bool) -> Iterator[ClockLimit]:
    for code, (sign, handle) in SECONDS.items():
        # What has no limit of its own has the general one, which every county must have.
        category = None if code == OTHER else code
        minutes = LimitUnit.CONTINUOUS_MINUTE
        yield row(ClockKind.SIGN_IN, sign, minutes, category=category, warn_at=WARN_SIGN, late=WhenLate.TAKE_OVER)
        chained = chains and code in CHAINED
        late = WhenLate.NONE if chained else WhenLate.OVERSEE
        made = row(ClockKind.HANDLE, handle, minutes, category=category, warn_at=WARN_HANDLE, late=late)
        yield replace(made, chain="ladder") if chained else made


def _chain_step(step: _Step) -> ChainStep:
    action, supervise = ChainAction(step.action), step.action == "supervise"
    reply = Limit(amount=600, unit=LimitUnit.CONTINUOUS_MINUTE)
    return ChainStep(
        id=step.id,
        at=step.at,
        action=action,
        to=Recipient.TARGET,
        instruction=text("即办") if supervise else None,
        reply_within=reply if supervise else None,
        every=Limit(amount=_EVERY, unit=LimitUnit.CONTINUOUS_MINUTE) if step.times > 1 else None,
        times=step.times,
    )


def effects(order: Order, category: str, *, chains: bool) -> Iterator[tuple[Effect, datetime, bool]]:
    """What the two clocks of an order say, each with its instant, and whether signing (else finishing) stops it."""
    sign, handle = SECONDS[category]
    chained = chains and category in CHAINED
    for kind, seconds, warn_at in (("sign_in", sign, WARN_SIGN), ("handle", handle, WARN_HANDLE)):
        of_signing = kind == "sign_in"
        due = order.issued_at + timedelta(seconds=seconds)
        for fraction in warn_at:
            yield Effect(order.order_id, kind, "warned", f"{fraction:g}"), _after(order, seconds * fraction), of_signing
        yield Effect(order.order_id, kind, "breached"), due, of_signing
        if of_signing or not chained:
            yield Effect(order.order_id, kind, "escalated", WEST), due, of_signing
    if chained:
        for step, at in _steps(order, handle):
            yield step, at, False


def _steps(order: Order, seconds: float) -> Iterator[tuple[Effect, datetime]]:
    for step in _LADDER:
        passed = step.at.anchor is Anchor.PASSED
        first = seconds * step.minutes if passed else seconds + step.minutes
        for nth in range(step.times):
            at = _after(order, first + nth * _EVERY)
            yield Effect(order.order_id, "handle", step.action, f"{step.id}:{nth + 1}"), at
        if step.id in _REACHED:
            yield Effect(order.order_id, "handle", "escalated", _REACHED[step.id]), _after(order, first)


def _after(order: Order, seconds: float) -> datetime:
    return order.issued_at + timedelta(seconds=seconds)


@dataclass(slots=True, kw_only=True)
class Load:
    """Cases that begin and go on as time passes; ``told`` is everything said of them, in order."""

    chance: random.Random
    rate: float
    chains: bool
    run: str
    plans: list[Planned] = field(default_factory=list)
    stops: dict[UUID, Stopping] = field(default_factory=dict)
    cases: set[UUID] = field(default_factory=set)
    orders: dict[UUID, UUID] = field(default_factory=dict)
    """Order → case."""
    facts: int = 0
    _numbers: Iterator[int] = field(default_factory=count)
    _ties: Iterator[int] = field(default_factory=count)
    _ahead: list[tuple[datetime, int, Story, Order]] = field(default_factory=list)
    _began: datetime | None = None

    def until(self, now: datetime) -> list[Event[Any]]:
        """What comes to pass up to ``now``, stamped with it."""
        self._began = self._began or now
        told = []
        wanted = int((now - self._began).total_seconds() * self.rate)
        while len(self.cases) < wanted:
            told += self._begin(now)
        while self._ahead and self._ahead[0][0] <= now:
            _, _, story, order = heapq.heappop(self._ahead)
            told += self._go_on(story, order, now)
        self.facts += len(told)
        return told

    def _begin(self, now: datetime) -> list[Event[Any]]:
        number = next(self._numbers)
        category = self.chance.choice(list(SECONDS))
        story = Story(f"{self.run}-{number}", area=WEST_VILLAGE, at=now - timedelta(minutes=1), category=category)
        story.opened()
        story.at = now - timedelta(minutes=1)
        order = story.issued(WEST_VILLAGE)
        self.cases.add(story.case_id)
        self.orders[order.order_id] = story.case_id
        fate = self.chance.random()
        sign, handle = SECONDS[category]
        signed = finished = None
        if fate < 0.4:
            signed = self._foresee(story, order, now + timedelta(seconds=sign * SIGNED_AT), version=2)
        elif fate < 0.5:
            signed = self._foresee(story, order, now + timedelta(seconds=sign * LATE_AT), version=2)
        if fate < 0.15:
            finished = self._foresee(story, order, now + timedelta(seconds=handle * FINISHED_AT), version=3)
        for effect, at, of_signing in effects(order, category, chains=self.chains):
            # Finishing comes after signing, and stops the handling alone.
            self.plans.append(Planned(effect=effect, at=at, stop=signed if of_signing else finished))
        return list(story.events)

    def _foresee(self, story: Story, order: Order, at: datetime, *, version: int) -> UUID:
        """The id of the fact that will come to pass then."""
        heapq.heappush(self._ahead, (at, next(self._ties), story, order))
        fact = derive_id(story.case_id, f"case:{version}")
        self.stops[fact] = Stopping(at=at)
        return fact

    def _go_on(self, story: Story, order: Order, now: datetime) -> list[Event[Any]]:
        before = len(story.events)
        story.at = now - timedelta(minutes=1)
        if story.version == 1:
            story.signed(order)
        else:
            story.resolved(order)
        told = story.events[before:]
        self.stops[told[0].id] = Stopping(at=now)
        return told

    @property
    def waits(self) -> bool:
        """Whether anything foreseen has not come to pass yet."""
        return bool(self._ahead)

    @property
    def acted(self) -> int:
        """How many clocks have been stopped by a fact that was told."""
        return self.facts - 2 * len(self.cases)

    def kept(self, event_ids: list[UUID], at: datetime) -> None:
        """Kafka has acknowledged these by ``at``."""
        for event_id in event_ids:
            if event_id in self.stops:
                self.stops[event_id] = Stopping(at=self.stops[event_id].at, kept_at=at)
