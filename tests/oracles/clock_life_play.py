"""A case that lives at random, told to the service and written on paper at once.

Whoever chooses is asked by ``Chance`` alone: a seeded generator, or Hypothesis, which makes a failing life short.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Final
from uuid import UUID, uuid5

from shared.events.order import Order
from shared.events.parts import Target, WhistleRef
from shared.vocabulary import Level, OrderReason, OrderRole, Source, TargetKind, WhistleKind
from tests.fakes.small_county import COUNTY, GAS_BUREAU, WEST, WEST_VILLAGE
from tests.fakes.story import SPACE, Story
from tests.oracles.clock_life_county import BEGINS, BOOK, CODES, MINUTE
from tests.oracles.clock_life_delivery import Delivery
from tests.oracles.clock_life_shelf import Shelf
from tests.oracles.clock_life_table import GAS, OTHER, Paper

TARGETS: Final = ((WEST_VILLAGE, None), (WEST, None), (COUNTY, None), (GAS_BUREAU, Level.COUNTY))
LONGEST: Final = 40 * 1440


@dataclass
class Asked:
    """An order of the case, as intake has it."""

    number: int
    order: Order
    role: str
    ruling: bool
    state: str = "issued"

    @property
    def stands(self) -> bool:
        return self.state not in ("gone", "done")


class Play:
    """One case: ``step`` does one thing that is open, then all clocks are compared."""

    def __init__(self, chance: Random, name: str = "play") -> None:
        self.now = 0
        self.category = chance.choice((GAS, OTHER))
        self.paper = Paper(self.category)
        self.story = Story(name, area=WEST_VILLAGE, at=BEGINS, category=CODES[self.category])
        self.story.source = chance.choice((Source.RESIDENT, Source.RESIDENT, Source.SENSOR))
        self.shelf = Shelf(BOOK, BEGINS)
        self._delivery = Delivery(self.shelf, mixed=chance.random() < 0.5)
        self.orders: list[Asked] = []
        self.log: list[str] = []
        self.waits: list[UUID] = []
        self.reports, self._led = 1, False
        self.instructions: list[tuple[UUID, Any]] = []
        self.phase = "open"
        self._open(chance)
        self._compare(chance)

    @property
    def over(self) -> bool:
        return self.phase in ("refused", "merged") or self.now > LONGEST or len(self.story.returns) > 24

    @property
    def lead(self) -> Asked | None:
        return next((one for one in self.orders if one.role == "lead" and one.stands), None)

    @property
    def held(self) -> str | None:
        return self.paper.held

    def step(self, chance: Random) -> None:
        """Time passes, somebody does something, and every clock is compared."""
        self._wait(chance)
        deeds = list(self._deeds(chance))
        name, deed = deeds[chance.randrange(len(deeds))]
        self.log.append(f"+{self.now} {name}")
        self.paper.pass_time(self.now)
        deed()
        self.paper.pass_time(self.now)
        self._compare(chance)

    def _wait(self, chance: Random) -> None:
        """To the edge of a deadline, to the same minute, or on by a while."""
        ends = [sheet.stand()[0] for sheet in self.paper.running() if sheet.limit and not sheet.breached]
        ahead = sorted({due for due in ends if due is not None and due > self.now})
        kind = chance.randrange(8)
        if kind < 3 and ahead:
            self.now = max(self.now, ahead[chance.randrange(min(len(ahead), 3))] + kind - 1)
        elif kind == 3:
            return
        else:
            self.now += chance.randrange((2, 12, 90, 600, 5000)[chance.randrange(5)])
        self.paper.pass_time(self.now)

    def _at(self) -> Story:
        """The story, whose next word is told at this minute."""
        self.story.at = BEGINS + (self.now - 1) * MINUTE
        return self.story

    def _open(self, chance: Random) -> None:
        self.now = 1
        if chance.random() < 0.2:
            self.phase = "received"
            self._at().received()
            self.paper.begin("accept", self.now)
        else:
            self._at().opened()
            self.paper.begin("dispatch", self.now)
        if self.story.source is not Source.SENSOR:
            self.waits.append(self.story.events[0].data.report_id)

    def _deeds(self, chance: Random) -> Iterator[tuple[str, Callable[[], object]]]:
        """What is open now, by name; some more often than others."""
        yield "nothing", lambda: None
        if self.phase == "received":
            yield "file", lambda: self._file(chance)
            yield "refuse", lambda: self._end("refused")
        if self.phase == "open":
            yield from [("lead", lambda: self._ask(chance, "lead"))] * 4
            # A whistle before anybody leads; a desk above that watches a dispatch that is late.
            yield "assist", lambda: self._ask(chance, "assist")
            yield "oversee", lambda: self._ask(chance, "oversee")
        if self.phase in ("open", "led"):
            yield from self._by_desks(chance)
        if self.phase == "led":
            yield from self._led_deeds(chance)
        yield from self._by_orders(chance)
        yield from self._checks()
        yield from self._instructions_open(chance)

    def _by_desks(self, chance: Random) -> Iterator[tuple[str, Callable[[], object]]]:
        yield "name anew", lambda: self._rename(chance)
        yield "person joins", lambda: self._join(Source.RESIDENT)
        yield "sensor joins", lambda: self._join(Source.SENSOR)
        if self.waits and self.reports > 1:
            yield "split", lambda: self._split(chance)
        if chance.random() < 0.2:
            yield "merge", lambda: self._end("merged")
            if self.phase == "open" or (self.lead and self.lead.state == "issued" and self.held is None):
                yield "refuse", lambda: self._end("refused")

    def _led_deeds(self, chance: Random) -> Iterator[tuple[str, Callable[[], object]]]:
        if len(self.orders) < 30:
            yield "assist", lambda: self._ask(chance, "assist")
            yield "oversee", lambda: self._ask(chance, "oversee")
            yield "take over", lambda: self._take_over(chance)
        if self.held != "hung":
            if self.held is None:
                yield "pause", self._pause
            yield "hang", self._hang
        if self.held is not None:
            yield from [("resume", self._resume)] * 6

    def _by_orders(self, chance: Random) -> Iterator[tuple[str, Callable[[], object]]]:
        if self.phase not in ("open", "led"):
            return
        for one in [one for one in self.orders if one.stands]:
            if self.held == "hung" or (self.held == "paused" and one.role == "lead"):
                continue
            for name in {"issued": ("sign",), "signed": ("arrive", "progress")}.get(one.state, ()):
                yield name, lambda one=one, name=name: self._simply(one, name)  # type: ignore[misc]
            alone = one.role != "lead" or not [x for x in self.orders if x.stands and x.role == "assist"]
            for _ in range(4 if one.state != "issued" and alone and not one.ruling else 0):
                yield "resolve", lambda one=one: self._resolve(one, answered=chance.random() < 0.5)  # type: ignore[misc]
            if one.role != "oversee" and not one.ruling:
                yield "return", lambda one=one: self._return(one)  # type: ignore[misc]
            if one.role == "assist":
                yield "release", lambda one=one: self._release(one)  # type: ignore[misc]
            if one.ruling:
                yield "rule", lambda one=one: self._rule(one)  # type: ignore[misc]
            if self.held is None and one.role != "oversee":
                yield "extend", lambda one=one: self._extend(one, chance)  # type: ignore[misc]

    def _checks(self) -> Iterator[tuple[str, Callable[[], object]]]:
        for _ in range(3):
            if self.phase == "resolved":
                yield "verify", self._verify
                yield "reject", self._reject
            if self.phase == "verified":
                yield "close", lambda: self._end("closed")
            if self.phase == "closed":
                yield "reopen", self._reopen

    def _instructions_open(self, chance: Random) -> Iterator[tuple[str, Callable[[], object]]]:
        if self.phase not in ("received", "closed") and len(self.instructions) < 3:
            yield "supervise", lambda: self._supervise(chance)
        for number, (_, sheet) in enumerate(self.instructions):
            if sheet is None:
                yield "send back", lambda number=number: self._send_back(number, chance)  # type: ignore[misc]
            else:
                yield "reply", lambda number=number: self._reply(number)  # type: ignore[misc]
            yield "sign off", lambda number=number: self._sign_off(number)  # type: ignore[misc]

    def _file(self, chance: Random) -> None:
        self.category = self.paper.category = chance.choice((GAS, OTHER))
        self._at().filed(CODES[self.category])
        self.paper.stop(self.now, "met", "accept")
        self.paper.begin("dispatch", self.now)
        self.phase = "open"

    def _ask(self, chance: Random, role: str) -> Asked:
        target, level = TARGETS[chance.randrange(len(TARGETS))]
        whistled = role == "assist" and chance.random() < 0.5
        ruling = role == "lead" and chance.random() < 0.15
        order = self._at().issued(
            target,
            role=OrderRole(role),
            level=level,
            reason=OrderReason.RULING if ruling else OrderReason.RULE,
            whistle=WhistleRef(whistle_id=uuid5(SPACE, "w"), kind=WhistleKind.KEY_WORK) if whistled else None,
        )
        asked = Asked(len(self.orders), order, role, ruling)
        self.orders.append(asked)
        self.paper.order(asked.number, self.now, role=role, target=target, ruling=ruling, whistled=whistled)
        if role == "lead":
            self._routed(asked, chance)
        return asked

    def _routed(self, asked: Asked, chance: Random) -> None:
        """Intake has the lead's order, at once or a moment after it was issued."""
        begins, self.phase = not self._led, "led"
        if begins:
            self._led = True
            if self.waits:
                self.paper.begin("feedback", self.now)
        self.now += chance.randrange(2)
        self.paper.pass_time(self.now)
        self._at().routed(asked.order)

    def _take_over(self, chance: Random) -> None:
        before = self.lead
        assert before is not None
        self._ask(chance, "lead")
        before.state = "gone"
        self._withdrawn(before)
        self.paper.stop(self.now, "cancelled", order=before.number)

    def _withdrawn(self, one: Asked) -> None:
        """The router's word, and intake's that it has heard it."""
        self._at().withdrawn(one.order)
        self._at().set_aside(one.order)

    def _simply(self, one: Asked, name: str) -> None:
        story = self._at()
        {"sign": story.signed, "arrive": story.arrived, "progress": story.progressed}[name](one.order)
        one.state = {"sign": "signed", "arrive": "arrived"}.get(name, "arrived")
        if name == "sign":
            self.paper.stop(self.now, "met", "sign_in", one.number)
        if name == "arrive":
            self.paper.stop(self.now, "met", "arrive", one.number)

    def _resolve(self, one: Asked, *, answered: bool) -> None:
        leads = one.role == "lead"
        self._at().resolved(one.order, answered=answered and leads)
        self.paper.resolve(self.now, one.number, leads=leads, answered=answered and leads)
        one.state = "arrived" if leads else "done"
        if leads:
            self.phase = "resolved"

    def _return(self, one: Asked) -> None:
        self._at().returned(one.order)
        one.state = "gone"
        self.paper.stop(self.now, "cancelled", order=one.number)
        self.paper.returned.setdefault(one.order.target.id, []).append(one.number)
        if one.role == "lead":
            self.paper.begin("dispatch", self.now)
            self.phase = "open"

    def _release(self, one: Asked) -> None:
        self._at().released(one.order)
        one.state = "gone"
        self.paper.stop(self.now, "cancelled", order=one.number)

    def _rule(self, one: Asked) -> None:
        """The desk rules: another has the order, and its own is done."""
        self._at().ruled(Target(kind=TargetKind.DESK, id=COUNTY), one.order)
        self.paper.stop(self.now, "met", order=one.number)
        one.state = "gone"
        # By the ruling another leads; the router withdraws the order to rule and issues the other at once.
        order = self._at().issued(COUNTY, reason=OrderReason.RULED)
        asked = Asked(len(self.orders), order, "lead", ruling=False)
        self.orders.append(asked)
        self.paper.order(asked.number, self.now, role="lead", target=COUNTY, ruling=False, whistled=False)
        self._at().routed(order)
        self._withdrawn(one)

    def _extend(self, one: Asked, chance: Random) -> None:
        to = self.now + chance.randrange((30, 300, 4000, 9000)[chance.randrange(4)])
        self._at().extended(one.order, BEGINS + to * MINUTE)
        self.paper.put_off(self.now, one.number, to)

    def _rename(self, chance: Random) -> None:
        self.category = chance.choice((GAS, OTHER))
        stood = [one for one in self.orders if one.stands]
        self._at().recategorised(CODES[self.category], *(one.order for one in stood))
        self.paper.rename(self.now, self.category, [one.number for one in stood])

    def _pause(self) -> None:
        self._at().paused(self.lead.order if self.lead else None)
        self.paper.hold(self.now, "paused")

    def _hang(self) -> None:
        self._at().hung()
        self.paper.hold(self.now, "hung")

    def _resume(self) -> None:
        self._at().resumed()
        self.paper.go_on(self.now)

    def _join(self, source: Source) -> None:
        if self.reports > 6:
            return
        report = self._at().joined(source)
        self.reports += 1
        if source is Source.RESIDENT:
            if not self.waits and self._led:
                self.paper.begin("feedback", self.now)
            self.waits.append(report)

    def _split(self, chance: Random) -> None:
        self._at().split(self.waits.pop(chance.randrange(len(self.waits))))
        self.reports -= 1
        if not self.waits:
            self.paper.stop(self.now, "cancelled", "feedback")

    def _verify(self) -> None:
        self._at().verified()
        self.paper.stop(self.now, "met", "verify")
        self.phase = "verified"

    def _reject(self) -> None:
        assert self.lead is not None
        self._at().rejected(self.lead.order)
        self.paper.reject(self.now, self.lead.number)
        self.phase = "led"

    def _end(self, how: str) -> None:
        """Whoever was still asked is released; then the case ends, and whoever reported is told unless it goes on."""
        for one in [one for one in self.orders if one.stands]:
            if how != "closed" or one.role != "lead":
                self._release(one)
            one.state = "gone"
        getattr(self._at(), how)()
        if how != "merged":
            self.paper.stop(self.now, "met", "feedback")
            self.paper.stop(self.now, "met", "accept")
        for kind in ("accept", "dispatch", "sign_in", "arrive", "handle", "feedback", "verify"):
            self.paper.stop(self.now, "cancelled", kind)
        if how != "closed":
            self.paper.stop(self.now, "cancelled", "supervise")
        self.paper.go_on(self.now)
        self.phase = how

    def _reopen(self) -> None:
        self._at().reopen()
        self.paper.returned, self._led, self.phase = {}, False, "open"
        self.paper.begin("dispatch", self.now)

    def _supervise(self, chance: Random) -> None:
        due = self.now + chance.randrange(1, 3000)
        which = self._at().supervised(Target(kind=TargetKind.DESK, id=WEST), BEGINS + due * MINUTE)
        self.instructions.append((which, self.paper.supervise(self.now, due)))

    def _reply(self, number: int) -> None:
        which, sheet = self.instructions[number]
        self._at().replied(which)
        self._met(sheet)
        self.instructions[number] = (which, None)

    def _sign_off(self, number: int) -> None:
        which, sheet = self.instructions.pop(number)
        self._at().signed_off(which)
        self._met(sheet)

    def _send_back(self, number: int, chance: Random) -> None:
        which, _ = self.instructions[number]
        due = self.now + chance.randrange(1, 2000)
        self._at().sent_back(which, BEGINS + due * MINUTE)
        self.instructions[number] = (which, self.paper.supervise(self.now, due))

    def _met(self, sheet: Any) -> None:
        if sheet is not None and sheet.runs:
            sheet.outcome, sheet.run.end = "met", self.now

    def _compare(self, chance: Random) -> None:
        """Once the service knows all, its clocks are those on paper."""
        if self._delivery.bring(self.story.events, chance, drain=chance.random() < 0.3 or self.over):
            self.shelf.fire(BEGINS + self.now * MINUTE)
            numbers = {one.order.order_id: one.number for one in self.orders}
            ours, paper = self.shelf.shown(numbers), self.paper.shown()
            assert ours == paper, self._said(ours, paper)

    def _said(self, ours: list[tuple[object, ...]], paper: list[tuple[object, ...]]) -> str:
        lines = [f"only the service: {one}" for one in ours if one not in paper]
        lines += [f"only the paper:   {one}" for one in paper if one not in ours]
        return "\n".join(["", *self.log, *lines])
