"""Chains (升级链): what is done, step by step, about a clock that runs towards its end and past it."""

from dataclasses import dataclass
from enum import StrEnum, unique

from shared.playbook.model.texts import Text
from shared.playbook.model.times import Limit
from shared.vocabulary import ChainAction, Recipient

MOST_STEPS = 32
"""Steps of one chain at most, each repetition counted."""


@unique
class Anchor(StrEnum):
    """From where a step's instant is counted."""

    PASSED = "passed"
    """At that fraction of the limit, as a warning."""
    BEFORE = "before"
    """So long before the deadline."""
    DUE = "due"
    """At the deadline."""
    AFTER = "after"
    """So long after the deadline."""
    SINCE = "since"
    """So long after the clock's start, whatever its limit."""
    DAY_END = "day_end"
    """At the end of the local day so many days after the clock's start; 0 is the same day (当日)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """An instant of a clock: `fraction` with `passed`, `days` with `day_end`, none with `due`, else `span`."""

    anchor: Anchor
    fraction: float | None = None
    span: Limit | None = None
    days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainStep:
    """One step; a repeated one is done `times` times in all, `every` so long while nothing stops the clock.

    `to` and `copies` (抄送) are told; `oversee` and `take_over` go to the next desk up from the last that was
    asked, and above the county's to its leader on duty. An `instruction` and the time to reply belong to `supervise`.
    """

    id: str
    at: Threshold
    action: ChainAction
    to: Recipient = Recipient.TARGET
    copies: tuple[Recipient, ...] = ()
    title: Text | None = None
    instruction: Text | None = None
    reply_within: Limit | None = None
    every: Limit | None = None
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A named ladder that a `ClockLimit` refers to; a clock keeps the one in force when it started."""

    id: str
    title: Text
    source: str
    """The rule that the ladder is from, in words."""
    steps: tuple[ChainStep, ...]
