"""The county with clocks, its chains, and a roster of officers by day and by night and of leaders."""

from dataclasses import replace
from datetime import time

from shared.playbook.model import (
    Anchor,
    Chain,
    ChainStep,
    ClockLimit,
    Limit,
    LimitUnit,
    Officer,
    Playbook,
    Roster,
    Shift,
    Text,
    Threshold,
)
from shared.vocabulary import ChainAction, ClockKind, Post, Recipient, WhenLate
from tests.fakes.clock_county import clock_county, limit
from tests.fakes.small_county import COUNTY, GAS_BUREAU, WEST, WEST_VILLAGE

DAYS = (1, 2, 3, 4, 5, 6, 7)
MINUTE, HOUR = LimitUnit.CONTINUOUS_MINUTE, LimitUnit.CONTINUOUS_HOUR
DAY, WORKING_DAY = LimitUnit.NATURAL_DAY, LimitUnit.WORKING_DAY


def at(anchor: Anchor, amount: float = 0, unit: LimitUnit = MINUTE) -> Threshold:
    match anchor:
        case Anchor.DUE:
            return Threshold(anchor=anchor)
        case Anchor.PASSED:
            return Threshold(anchor=anchor, fraction=amount)
        case Anchor.DAY_END:
            return Threshold(anchor=anchor, days=int(amount))
        case _:
            return Threshold(anchor=anchor, span=Limit(amount=amount, unit=unit))


def step(name: str, when: Threshold, action: ChainAction, **more: object) -> ChainStep:
    if action is ChainAction.SUPERVISE:
        more = {
            "instruction": Text(zh="书面说明原因", en="say in writing why"),
            "reply_within": Limit(amount=2, unit=HOUR),
            **more,
        }
    return ChainStep(id=name, at=when, action=action, **more)  # type: ignore[arg-type]  # as ChainStep has them


def chain(name: str, *steps: ChainStep) -> Chain:
    return Chain(id=name, title=Text(zh=name, en=name), source="made for tests", steps=steps)


EMERGENCY = chain(
    "emergency",
    step("urge", at(Anchor.PASSED, 0.5), ChainAction.URGE, every=Limit(amount=5, unit=MINUTE), times=3),
    step("instruct", at(Anchor.AFTER, 5), ChainAction.SUPERVISE, copies=(Recipient.TARGET_LEADER,)),
    step("county", at(Anchor.AFTER, 10), ChainAction.OVERSEE),
    step("leader", at(Anchor.AFTER, 20), ChainAction.TAKE_OVER),
    step("known", at(Anchor.AFTER, 60), ChainAction.CIRCULATE),
)
"""Beside a hand-over to the town at the deadline of half an hour."""

URGING = chain(
    "urging",
    step("urge", at(Anchor.BEFORE, 1, DAY), ChainAction.URGE),
    step("written", at(Anchor.AFTER, 1, DAY), ChainAction.SUPERVISE, copies=(Recipient.TARGET_LEADER,)),
    step("known", at(Anchor.AFTER, 5, WORKING_DAY), ChainAction.CIRCULATE),
)

THIRTEEN = chain(
    "13710",
    step("placed", at(Anchor.DAY_END, 0), ChainAction.NOTIFY, to=Recipient.ABOVE),
    step("progress", at(Anchor.SINCE, 3, DAY), ChainAction.NOTIFY, to=Recipient.ABOVE),
    step("solved", at(Anchor.SINCE, 7, DAY), ChainAction.OVERSEE),
    step("hard", at(Anchor.SINCE, 30, DAY), ChainAction.SUPERVISE),
    step("none-left", at(Anchor.SINCE, 31, DAY), ChainAction.URGE, every=Limit(amount=1, unit=DAY), times=5),
)

CHAINED = (
    limit(ClockKind.DISPATCH, 15, MINUTE, late=WhenLate.NONE, warn_at=()),
    replace(limit(ClockKind.SIGN_IN, 30, MINUTE, late=WhenLate.OVERSEE, warn_at=(0.8,)), chain="emergency"),
)

OFFICERS = {name: Officer(id=name, name=name, phone="000-0001") for name in ("day", "night", "second", "third", "head")}


def chained_county(
    *, version: str = "1", clocks: tuple[ClockLimit, ...] = CHAINED, chains: tuple[Chain, ...] = (EMERGENCY,)
) -> Playbook:
    """By day officer ``day`` and then two more, by night ``night`` alone; ``head`` leads at any time."""
    book = clock_county(version=version, clocks=clocks)
    owners = (COUNTY, WEST, WEST_VILLAGE, GAS_BUREAU)
    shifts = [
        one
        for owner in owners
        for one in (
            Shift(owner=owner, weekdays=DAYS, opens=time(8), closes=time(18), officers=("day", "second", "third")),
            Shift(owner=owner, weekdays=DAYS, opens=time(18), closes=time(8), officers=("night",)),
            Shift(owner=owner, weekdays=DAYS, opens=time(0), closes=time(0), officers=("head",), post=Post.LEADER),
        )
    ]
    roster = Roster(officers=OFFICERS, shifts=tuple(shifts))
    return replace(book, chains={one.id: one for one in chains}, roster=roster)
