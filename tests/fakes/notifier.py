"""A case's life as the events that intake, router and escalation would write, for tests of the notifier."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from shared.events.case import CaseExtensionAsked, CasePaused, CaseResumed, CaseSupervised
from shared.events.envelope import derive_id
from shared.events.order import Order
from shared.events.parts import Held, Target
from shared.events.sla import Clock, ClockMoved, ClockStepped, Moved, SlaEvent, Told
from shared.vocabulary import CaseState, ChainAction, OrderRole
from tests.fakes.straight_life import PLAYBOOK, START, SYSTEM, StraightLife, department, desk

__all__ = ["PLAYBOOK", "START", "SYSTEM", "Life", "department", "desk", "whole_life"]


@dataclass(slots=True, kw_only=True)
class Life(StraightLife):
    """Writes one case's events in the order in which they happen; ``events`` holds all of them."""

    def pause(self, order: Order, *, until: datetime | None = None, code: str = "material") -> None:
        """The lead pauses the case: its clocks keep their remainder."""
        self._next(state=CaseState.PAUSED, held=Held(code=code, since=self.now, until=until))
        self._add(
            CasePaused(
                case=self.view,
                by=self._by(order.target),
                code=code,
                reason="等配件",
                order_id=order.order_id,
                until=until,
            )
        )

    def resume(self, clock: Clock, *, state: CaseState = CaseState.SIGNED) -> Clock:
        """The case goes on; escalation moves ``clock`` by the time that it stood still."""
        assert self.view.held is not None
        passed = self.now - self.view.held.since
        self._next(state=state, held=None)
        self._add(CaseResumed(case=self.view, by=SYSTEM))
        return self.move(clock, clock.due_at + passed, Moved.RESUMED)

    def move(self, clock: Clock, due_at: datetime, why: Moved) -> Clock:
        """Escalation makes ``clock`` due at another instant."""
        moved = replace(clock, due_at=due_at)
        self._add(ClockMoved(case=self.view, clock=moved, before=clock.due_at, why=why, moved_at=self.now))
        return moved

    def say(self, said: SlaEvent) -> None:
        """Escalation says something of a clock."""
        self._add(said)

    def step(self, clock: Clock, action: ChainAction, *to: Told, step: str = "urge", **more: Any) -> ClockStepped:
        """A step of the clock's chain is taken now; what is not named is as on time."""
        fields: dict[str, Any] = {
            "case": self.view,
            "clock": clock,
            "chain": clock.chain or "ladder",
            "step": step,
            "nth": 1,
            "action": action,
            "planned_at": self.now,
            "fired_at": self.now,
            "late_seconds": 0.0,
            "reason": "到了升级链的这一步 | the chain is at this step",
            "to": to,
        }
        stepped = ClockStepped(**(fields | more))
        self._add(stepped)
        return stepped

    def extend(self, order: Order, *, days: float = 2) -> UUID:
        """The holder of ``order`` asks for more time; the request's id."""
        extension_id = derive_id(order.order_id, "extension", str(len(self.events)))
        self.tell(
            CaseExtensionAsked,
            by=self._by(order.target),
            extension_id=extension_id,
            order_id=order.order_id,
            due_at=self.now + timedelta(hours=1),
            to=self.now + timedelta(days=days),
            reason="配件未到",
        )
        return extension_id

    def supervise(self, target: Target) -> UUID:
        """The desk above looks on and wants a reply within four hours; the supervision's id."""
        supervision_id = derive_id(self.case_id, "supervision", target.id)
        self.tell(
            CaseSupervised,
            by=self._by(desk(self.area[:6])),
            supervision_id=supervision_id,
            target=target,
            instruction="今日报结果",
            reply_due_at=self.now + timedelta(hours=4),
        )
        return supervision_id


def whole_life(name: str, *, area: str = "990101001200", lead: str = "water", category: str = "01.002") -> Life:
    """A case from its report to its closing, with an assistant and a late clock on the way."""
    life = Life(name=name, area=area, category=category)
    first = life.order(department(lead))
    helper = life.order(desk(area[:12]), role=OrderRole.ASSIST)
    clock = life.clock(first)
    life.wait(minutes=16)
    life.warn(clock)
    life.wait(minutes=15)
    life.breach(clock)
    life.sign(first)
    life.sign(helper)
    life.arrive(first)
    life.progress(first)
    life.resolve(first)
    life.verify()
    life.close()
    return life
