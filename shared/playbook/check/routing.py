"""Routing rules: they name what exists, lead somewhere, and can be reached."""

from collections import Counter
from collections.abc import Iterator
from typing import assert_never

from shared.playbook.check.finding import Finding, unknown
from shared.playbook.model import (
    DepartmentTarget,
    DeskTarget,
    DutyTarget,
    FieldTarget,
    Playbook,
    Rule,
    Target,
    When,
)
from shared.playbook.near import nearest
from shared.vocabulary import OrderRole, covers


def check_rules(playbook: Playbook) -> Iterator[Finding]:
    """Every rule refers to known things, and no rule stands behind one that always ends the walk."""
    counts = Counter(rule.id for rule in playbook.rules)
    ended_by: str | None = None
    for index, rule in enumerate(playbook.rules):
        if counts[rule.id] > 1:
            yield _rule(index, ("id",), f"rule {rule.id!r} stands {counts[rule.id]} times")
        if ended_by is not None:
            yield _rule(index, (), f"can never match: {ended_by!r} before it takes every case and ends the walk")
        yield from _conditions(index, rule, playbook)
        yield from _demands(index, rule, playbook)
        if rule.when == When() and not rule.goes_on:
            ended_by = rule.id


def _conditions(index: int, rule: Rule, playbook: Playbook) -> Iterator[Finding]:
    for at, problem, allowed in unknown(rule.when.areas, playbook.areas, what="area"):
        yield _rule(index, ("when", "area", at), problem, allowed=allowed, needs=("areas",))
    for at, problem, allowed in unknown(rule.when.categories, playbook.categories, what="category"):
        yield _rule(index, ("when", "category", at), problem, allowed=allowed, needs=("categories",))


def _demands(index: int, rule: Rule, playbook: Playbook) -> Iterator[Finding]:
    leads = [demand for demand in rule.demands if demand.role is OrderRole.LEAD]
    if not leads and not rule.goes_on:
        problem = "a rule that ends the walk must name who leads"
        yield _rule(index, ("lead",), problem, allowed=("a lead, or continue: true",))
    if not rule.demands:
        yield _rule(index, (), "the rule asks nobody", allowed=("lead, assist or oversee",))
    for demand in rule.demands:
        yield from _target(index, rule, demand.target, playbook, demand.role)


def _target(index: int, rule: Rule, target: Target, playbook: Playbook, role: OrderRole) -> Iterator[Finding]:
    match target:
        case DepartmentTarget(department=department) if department not in playbook.departments:
            yield _rule(
                index,
                (role.value, "department"),
                f"no department {department!r}",
                allowed=nearest(department, playbook.departments),
                needs=("departments",),
            )
        case DepartmentTarget(department=department):
            home = playbook.departments[department].area
            if not _all_inside(home, rule.when.areas, playbook.county):
                yield _rule(
                    index,
                    (role.value, "department"),
                    f"{department} sits in {home}, but the rule also holds outside it",
                    allowed=(f"when.area inside {home}", "a duty target"),
                    needs=("departments",),
                )
        case DeskTarget() | DutyTarget() | FieldTarget():
            pass
        case _:
            assert_never(target)


def _all_inside(home: str, areas: tuple[str, ...], county: str) -> bool:
    return home == county or (bool(areas) and all(covers(home, area) for area in areas))


def _rule(
    index: int,
    path: tuple[str | int, ...],
    problem: str,
    *,
    allowed: tuple[str, ...] = (),
    needs: tuple[str, ...] = (),
) -> Finding:
    return Finding(part="rules", item=index, path=path, problem=problem, allowed=allowed, needs=needs)
