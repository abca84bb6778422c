"""A county's playbook as plain values: everything the county decides, in one immutable piece.

Pure: `load` makes these from files, `record` from and to a Kafka record; services only read them.
"""

from shared.playbook.model.chains import MOST_STEPS, Anchor, Chain, ChainStep, Threshold
from shared.playbook.model.conditions import DayKind, Repeat, TimeWindow, When
from shared.playbook.model.places import Area, Cell, Department, Ring, Settlement, Zone
from shared.playbook.model.playbook import Playbook
from shared.playbook.model.policy import Emergency, Grading, Merging, Neighbour, PauseReason, Policy, Retention
from shared.playbook.model.rules import Demand, Rule, RuleState, Settings
from shared.playbook.model.targets import CaseField, DepartmentTarget, DeskTarget, DutyTarget, FieldTarget, Target
from shared.playbook.model.templates import Channels, Matter, Mode, Settle, Step
from shared.playbook.model.texts import Text
from shared.playbook.model.times import (
    PRECEDENCE,
    YEAR_SOON,
    Calendar,
    ClockLimit,
    KeptHours,
    Limit,
    LimitUnit,
    Officer,
    Opening,
    Roster,
    Shift,
    UnknownYear,
    YearStatus,
)
from shared.playbook.model.warnings import WarningCase, WarningRule
from shared.playbook.model.work import Category, Condition, Duty, EnforcementItem, Power

__all__ = [
    "MOST_STEPS",
    "PRECEDENCE",
    "YEAR_SOON",
    "Anchor",
    "Area",
    "Calendar",
    "CaseField",
    "Category",
    "Cell",
    "Chain",
    "ChainStep",
    "Channels",
    "ClockLimit",
    "Condition",
    "DayKind",
    "Demand",
    "Department",
    "DepartmentTarget",
    "DeskTarget",
    "Duty",
    "DutyTarget",
    "Emergency",
    "EnforcementItem",
    "FieldTarget",
    "Grading",
    "KeptHours",
    "Limit",
    "LimitUnit",
    "Matter",
    "Merging",
    "Mode",
    "Neighbour",
    "Officer",
    "Opening",
    "PauseReason",
    "Playbook",
    "Policy",
    "Power",
    "Repeat",
    "Retention",
    "Ring",
    "Roster",
    "Rule",
    "RuleState",
    "Settings",
    "Settle",
    "Settlement",
    "Shift",
    "Step",
    "Target",
    "Text",
    "Threshold",
    "TimeWindow",
    "UnknownYear",
    "WarningCase",
    "WarningRule",
    "When",
    "YearStatus",
    "Zone",
]
