"""Who is asked, by rules and by steps of matters: they exist, answer where the rule holds, and may lead."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, assert_never

from shared.playbook.check.conditions import Told
from shared.playbook.check.finding import Finding, Path
from shared.playbook.model import (
    CaseField,
    DepartmentTarget,
    DeskTarget,
    DutyTarget,
    FieldTarget,
    Playbook,
    Power,
    Rule,
    Target,
    When,
)
from shared.playbook.near import meant, nearest
from shared.vocabulary import OrderRole, Source, covers

LEADING: Final = (Power.HANDLE, Power.ENFORCE)
"""Powers whose bearer may lead (权责清单): who only reports or assists may not."""


def check_demands(rule: Rule, playbook: Playbook, told: Told) -> Iterator[Finding]:
    """Yield what is wrong with those whom `rule` asks."""
    counts: dict[OrderRole, int] = {}
    for demand in rule.demands:
        index = counts[demand.role] = counts.get(demand.role, -1) + 1
        at: Path = ("lead",) if demand.role is OrderRole.LEAD else (demand.role.value, index)
        for backup, target in enumerate((demand.target, *demand.backups)):
            path = at if backup == 0 else (*at, "backups", backup - 1)
            yield from check_target(target, path, playbook=playbook, within=(rule.when, *rule.around), told=told)
            if demand.role is OrderRole.LEAD and isinstance(target, DutyTarget):
                yield from _may_lead(target, path, told)
        asked = (demand.target, *demand.backups)
        if any(target in asked[:place] for place, target in enumerate(asked)):
            yield told(path=(*at, "backups"), problem="the same one is asked twice", allowed=("somebody else",))


def check_target(
    target: Target, path: Path, *, playbook: Playbook, within: Sequence[When], told: Told
) -> Iterator[Finding]:
    """Yield what is wrong with one target, asked for cases that all of `within` hold for."""
    match target:
        case DepartmentTarget(department=department) if department not in playbook.departments:
            yield told(
                path=(*path, "department"),
                problem=f"no department {department!r}{meant(department, playbook.departments)}",
                allowed=nearest(department, playbook.departments),
                needs=("departments",),
            )
        case DepartmentTarget(department=department):
            home = playbook.departments[department].area
            if home != playbook.county and not any(_all_inside(home, when.areas) for when in within):
                yield told(
                    path=(*path, "department"),
                    problem=f"{department} sits in {home}, but is asked outside it too",
                    allowed=(f"when.area inside {home}", "a duty target"),
                    needs=("departments",),
                )
        case FieldTarget():
            yield from _table(target, path, playbook, told)
        case DeskTarget() | DutyTarget():
            pass
        case _:
            assert_never(target)


def _may_lead(target: DutyTarget, path: Path, told: Told) -> Iterator[Finding]:
    if target.power is not None and target.power not in LEADING:
        allowed = (*(power.value for power in LEADING), "or empty, for the power that the category demands")
        problem = f"who may only {target.power.value} never leads"
        yield told(path=(*path, "duty"), problem=problem, allowed=allowed)


def _table(target: FieldTarget, path: Path, playbook: Playbook, told: Told) -> Iterator[Finding]:
    """A table leads from values that the field can have to departments that exist."""
    if not target.table and target.of is not CaseField.TAG:
        problem = f"a {target.of.value} is no department's id: which is whose must stand in a table"
        yield told(path=(*path, "table"), problem=problem, allowed=("{<value>: <department>, …}",))
    values, needs = _values(target.of, playbook)
    for value, department in target.table.items():
        if department not in playbook.departments:
            problem = f"no department {department!r}{meant(department, playbook.departments)}"
            near = nearest(department, playbook.departments)
            yield told(path=(*path, "table", value), problem=problem, allowed=near, needs=("departments",))
        if values is not None and f"{target.prefix}{value}" not in values:
            problem = f"no {target.of.value} {target.prefix}{value!s}{meant(value, values)}"
            yield told(path=(*path, "table", value), problem=problem, allowed=nearest(value, values), needs=needs)


def _values(of: CaseField, playbook: Playbook) -> tuple[Mapping[str, object] | None, tuple[str, ...]]:
    """Return all values that a field can have, and the part they come from; None when any is possible."""
    match of:
        case CaseField.CATEGORY:
            return playbook.categories, ("categories",)
        case CaseField.AREA:
            return playbook.areas, ("areas",)
        case CaseField.SOURCE:
            return {source.value: source for source in Source}, ()
        case CaseField.CONDITION:
            conditions = (c for category in playbook.categories.values() for c in category.conditions)
            return {condition.code: condition for condition in conditions}, ("categories",)
        case CaseField.TAG:
            return None, ()
        case _:
            assert_never(of)


def _all_inside(home: str, areas: Sequence[str]) -> bool:
    return bool(areas) and all(covers(home, area) for area in areas)
