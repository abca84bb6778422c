"""Categories of matters, and whose duty each is."""

from dataclasses import dataclass
from enum import StrEnum, unique

from shared.playbook.model.texts import Text
from shared.vocabulary import AreaCode, CategoryCode, Severity


@unique
class Power(StrEnum):
    """What a department may do about a category in an area (权责清单)."""

    REPORT = "report"
    """上报: finds it and tells, never leads."""
    HANDLE = "handle"
    """处置: repair, clear, answer."""
    ENFORCE = "enforce"
    """执法: order, fine, seal, demolish."""
    ASSIST = "assist"
    """协助: comes along and helps, never leads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A state in which a category's matter is found (立案条件): limits differ by it."""

    code: str
    name: Text
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One kind of matter; a node of a tree, where a parent stands for all its children."""

    code: CategoryCode
    name: Text
    parent: CategoryCode | None
    severity: Severity
    """What a case of this category is until somebody says otherwise."""
    power: Power
    """The power that the department in the lead must have."""
    words: tuple[str, ...] = ()
    """Words in a report that speak for this category."""
    conditions: tuple[Condition, ...] = ()
    standard: tuple[str, ...] = ()
    """What it is in the national catalogue: five-digit codes of 管理事项, GB/T 47678.5 appendix C; none: local."""

    @property
    def local(self) -> bool:
        """Whether the county keeps it beside the national catalogue."""
        return not self.standard


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """`department` answers for `category` and its children in `area` and all inside, with `power`."""

    department: str
    category: CategoryCode
    area: AreaCode
    power: Power


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforcementItem:
    """One matter of enforcement (执法事项目录): `department` may enforce `category` in `area`, on a legal basis."""

    code: str
    name: Text
    department: str
    category: CategoryCode
    area: AreaCode
    basis: str
    """The law and article that give the power."""
