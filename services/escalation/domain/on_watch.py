"""Whom a step of a chain tells: the desk or department, and who is on duty there at the instant of the firing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, assert_never
from zoneinfo import ZoneInfo

from services.escalation.domain.chain import CLIMBS, Above, Planned, RunningClock
from shared.events.parts import Target
from shared.events.sla import Told
from shared.playbook.duty import on_duty
from shared.playbook.model import Playbook
from shared.vocabulary import ChainAction, Post, Recipient

MOST_TOLD: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """The roster in force ``at`` the instant of the firing; without a ``playbook`` nobody is named."""

    playbook: Playbook | None
    at: datetime

    def officers(self, target: Target, post: Post) -> tuple[str, ...]:
        """The ids of those on duty, first called first."""
        if self.playbook is None:
            return ()
        zone = ZoneInfo(self.playbook.timezone)
        return on_duty(self.playbook.roster, target.id, at=self.at, zone=zone, post=post)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Whom a step tells, whom it copies in, and the desk that it asks where it climbs."""

    to: tuple[Told, ...]
    copies: tuple[Told, ...]
    up: Above | None = None


def call(clock: RunningClock, planned: Planned, watch: Watch) -> Call:
    """Whom the ``planned`` step of ``clock`` tells.

    An urging that is repeated calls one officer more each time: backups when nobody signs. What climbs goes to the
    next desk up from the last that was asked, above the county's to its leader on duty.
    """
    step = clock.step_of(planned)
    up = _up(clock) if step.action in CLIMBS else None
    if up is not None:
        to = [_told(up.target, Post.OFFICER, watch)]
    elif step.action in CLIMBS:
        to = _of(clock, Recipient.COUNTY_LEADER, watch)
    else:
        to = _of(clock, step.to, watch)
    if step.action is ChainAction.URGE and step.times > 1:
        to = [Told(target=one.target, post=one.post, officers=one.officers[: planned.nth]) for one in to]
    known = {(one.target.id, one.post) for one in to}
    copies = (one for copy in step.copies for one in _of(clock, copy, watch))
    return Call(to=tuple(to), copies=_once(copies, known), up=up)


def _up(clock: RunningClock) -> Above | None:
    reached = clock.reached
    return clock.line[reached] if reached < len(clock.line) else None


def _of(clock: RunningClock, recipient: Recipient, watch: Watch) -> list[Told]:
    """Whom a step means; above the county's desk its leader on duty, and nobody for a clock without a target."""
    target, county = clock.shown.target, _county(clock)
    match recipient:
        case Recipient.TARGET | Recipient.TARGET_LEADER:
            post = Post.OFFICER if recipient is Recipient.TARGET else Post.LEADER
            return [] if target is None else [_told(target, post, watch)]
        case Recipient.ABOVE | Recipient.ABOVE_LEADER if clock.line:
            above = clock.line[min(max(clock.reached, 1), len(clock.line)) - 1]
            post = Post.OFFICER if recipient is Recipient.ABOVE else Post.LEADER
            return [_told(above.target, post, watch)]
        case Recipient.ABOVE | Recipient.ABOVE_LEADER | Recipient.COUNTY_LEADER:
            return [] if county is None else [_told(county, Post.LEADER, watch)]
        case _:
            assert_never(recipient)


def _county(clock: RunningClock) -> Target | None:
    # The line ends at the county's desk; whoever has no desk above them is that desk.
    return clock.line[-1].target if clock.line else clock.shown.target


def _told(target: Target, post: Post, watch: Watch) -> Told:
    return Told(target=target, post=post, officers=watch.officers(target, post))


def _once(told: Iterable[Told], known: set[tuple[str, Post]]) -> tuple[Told, ...]:
    found = {(one.target.id, one.post): one for one in told}
    return tuple(one for place, one in found.items() if place not in known)[:MOST_TOLD]
