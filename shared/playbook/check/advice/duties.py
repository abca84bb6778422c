"""Who answers for what, where: categories and areas that nobody answers for, or several alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from shared.playbook.check.advice.advice import Advice, Subject, Weight
from shared.playbook.model import Category, Playbook, Power
from shared.playbook.problems import shortlist
from shared.vocabulary import Level

Row: TypeAlias = Mapping[str, frozenset[str]]
"""Departments by the area of their duty, for one category and power."""

QUESTIONS: Final = 3_000_000
"""Pairs of category and place asked at most: a county of 6,000 places and 500 categories."""


def advise_duties(playbook: Playbook) -> Iterator[Advice]:
    """Yield the categories that, in some places, nobody answers for with the power that they demand, or several do."""
    held, places = _held(playbook), _places(playbook)
    if len(places) * len(playbook.categories) > QUESTIONS:
        yield _too_many(playbook)
        return
    lines = {place: tuple(area.code for area in playbook.area_line(place)) for place in places}
    for category in playbook.categories.values():
        nobody: list[str] = []
        several: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
        line = playbook.category_line(category.code)
        rows = tuple(held.get((part.code, category.power), {}) for part in line)
        for place in places:
            nearest = _nearest(lines[place], rows, playbook)
            if not nearest:
                nobody.append(place)
            elif len(nearest) > 1:
                several[nearest].append(place)
        if nobody:
            yield _nobody(category, nobody)
        for departments, where in several.items():
            yield _contested(category, departments, where)


def _held(playbook: Playbook) -> Mapping[tuple[str, Power], Row]:
    found: defaultdict[tuple[str, Power], defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for duty in playbook.duties:
        found[duty.category, duty.power][duty.area].add(duty.department)
    for item in playbook.enforcement:
        found[item.category, Power.ENFORCE][item.area].add(item.department)
    return {
        key: {area: frozenset(departments) for area, departments in by_area.items()} for key, by_area in found.items()
    }


def _nearest(line: tuple[str, ...], rows: Iterable[Row], playbook: Playbook) -> tuple[str, ...]:
    """Return the departments that are equally close: lowest level, then deepest category, then smallest area."""
    best: tuple[int, int, int] | None = None
    found: set[str] = set()
    for depth, row in enumerate(rows):
        for area in line:
            for department in row.get(area, ()):
                level = playbook.departments[department].level if department in playbook.departments else Level.COUNTY
                closeness = (-level.digits, depth, -len(area))
                if best is None or closeness < best:
                    best, found = closeness, {department}
                elif closeness == best:
                    found.add(department)
    return tuple(sorted(found))


def _places(playbook: Playbook) -> tuple[str, ...]:
    above = {area.parent for area in playbook.areas.values()}
    return tuple(code for code, area in playbook.areas.items() if area.level is Level.VILLAGE or code not in above)


def _nobody(category: Category, places: list[str]) -> Advice:
    return Advice(
        subject=Subject.NO_DUTY,
        weight=Weight.MISTAKE,
        part="categories",
        item=category.code,
        path=("power",),
        what=f"nobody may {category.power.value} {category.code} {category.name.zh} in {len(places)} place(s)",
        why=f"no row of the list reaches {shortlist(places)}; such a case goes to the desk above for a ruling",
        mend=f"add a row to {_list_of(category.power)} for {category.code} or a category above it",
    )


def _contested(category: Category, departments: tuple[str, ...], places: list[str]) -> Advice:
    return Advice(
        subject=Subject.CONTESTED_DUTY,
        weight=Weight.LOOK,
        part="categories",
        item=category.code,
        path=("power",),
        what=f"{' and '.join(departments)} may all {category.power.value} {category.code} {category.name.zh} "
        f"in {len(places)} place(s)",
        why=f"they have the same level, category and area there ({shortlist(places)}); "
        "each such case goes to the desk above for a ruling",
        mend=f"keep one of them in {_list_of(category.power)}, or give the others the power assist",
    )


def _list_of(power: Power) -> str:
    return "enforcement.csv" if power is Power.ENFORCE else "duties.csv"


def _too_many(playbook: Playbook) -> Advice:
    return Advice(
        subject=Subject.NOT_COMPARED,
        weight=Weight.LOOK,
        part="duties",
        what="duties were not asked for every category and place",
        why=f"{len(playbook.categories)} categories in {len(playbook.areas)} areas are more than {QUESTIONS} questions",
        mend="check a playbook of one county at a time",
    )
