"""Clocks, what is done when one is late, and the actions of a chain."""

from __future__ import annotations

from enum import StrEnum, unique


@unique
class ClockKind(StrEnum):
    """What a clock limits."""

    ACCEPT = "accept"
    DISPATCH = "dispatch"
    SIGN_IN = "sign_in"
    ARRIVE = "arrive"
    HANDLE = "handle"
    FEEDBACK = "feedback"
    VERIFY = "verify"
    SUPERVISE = "supervise"


@unique
class WhenLate(StrEnum):
    """What the level above does about a late clock: nothing yet, watch, or take the case over."""

    NONE = "none"
    OVERSEE = "oversee"
    TAKE_OVER = "take_over"


@unique
class ChainAction(StrEnum):
    """What a step of a chain does about a clock."""

    URGE = "urge"
    """催办: whoever must act is told to."""
    NOTIFY = "notify"
    """通知: somebody else is told."""
    OVERSEE = "oversee"
    """The next desk up watches (督导)."""
    TAKE_OVER = "take_over"
    """The next desk up has the order from then on (接管)."""
    SUPERVISE = "supervise"
    """督办: an instruction with a deadline for the reply, to be signed off."""
    CIRCULATE = "circulate"
    """通报: the case is made known to every desk and department of the county."""


@unique
class Recipient(StrEnum):
    """Whom a step of a chain tells, as the clock and the roster of that instant have it."""

    TARGET = "target"
    """Whoever must act: the officers on duty."""
    TARGET_LEADER = "target_leader"
    """The leader on duty (带班领导) of whoever must act."""
    ABOVE = "above"
    ABOVE_LEADER = "above_leader"
    COUNTY_LEADER = "county_leader"
    """县带班领导."""
