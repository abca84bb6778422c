"""Who a rule or a step asks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Literal, TypeAlias

from shared.playbook.model.work import Power
from shared.vocabulary import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskTarget:
    """The desk of `level` that covers the case's area."""

    level: Level
    by: Literal["desk"] = "desk"


@dataclass(frozen=True, slots=True, kw_only=True)
class DepartmentTarget:
    """One named department."""

    department: str
    by: Literal["department"] = "department"


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyTarget:
    """Whoever's duty it is: the lowest level with the duty and the power.

    `power` None asks for the power that the case's category demands.
    """

    power: Power | None = None
    by: Literal["duty"] = "duty"


@unique
class CaseField(StrEnum):
    """A field of a case whose value can name a department."""

    TAG = "tag"
    CATEGORY = "category"
    CONDITION = "condition"
    SOURCE = "source"
    AREA = "area"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldTarget:
    """The department that a field of the case names: one rule instead of three hundred.

    A value counts when it starts with `prefix`, which is taken off. With a `table` the rest is looked
    up in it (for category and area the longest entry that covers it); without one it is the
    department's id itself. A value that names no department of the playbook chooses nobody.
    """

    of: CaseField
    prefix: str = ""
    table: Mapping[str, str] = field(default_factory=dict[str, str])
    by: Literal["field"] = "field"


Target: TypeAlias = DeskTarget | DepartmentTarget | DutyTarget | FieldTarget
