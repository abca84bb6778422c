"""Orders and whistles: role, reason, state."""

from __future__ import annotations

from enum import StrEnum, unique


@unique
class WhistleKind(StrEnum):
    """Why a base-level desk calls several departments to one case (吹哨)."""

    JOINT_ENFORCEMENT = "joint_enforcement"
    """综合执法哨."""
    KEY_WORK = "key_work"
    """重点工作哨."""
    EMERGENCY = "emergency"
    """应急处置哨: sounds at once, without the head's word."""


@unique
class OrderRole(StrEnum):
    """What an order asks of its target: to lead, to assist, or to oversee who does."""

    LEAD = "lead"
    ASSIST = "assist"
    OVERSEE = "oversee"


@unique
class OrderReason(StrEnum):
    """Why an order was issued."""

    RULE = "rule"
    UNROUTED = "unrouted"
    RETURNED = "returned"
    REOPENED = "reopened"
    ESCALATED = "escalated"
    WHISTLE = "whistle"
    TRANSFERRED = "transferred"
    RULING = "ruling"
    """Whose duty it is is unclear or contested: the target is to rule (裁定)."""
    RULED = "ruled"
    """The level above ruled that it is the target's."""
    STEP = "step"
    """A step of a matter (一件事)."""
    MODE = "mode"


@unique
class OrderState(StrEnum):
    """The states of one order of a case."""

    ISSUED = "issued"
    SIGNED = "signed"
    ARRIVED = "arrived"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"
    RETURNING = "returning"
    """Given back after it was signed: its target answers until another lead has signed (首接负责)."""
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"
