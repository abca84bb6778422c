"""Categories and duties: a tree of matters, and somebody who answers for each everywhere."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from shared.playbook.check.finding import Finding
from shared.playbook.model import Duty, Playbook, Power
from shared.playbook.near import nearest
from shared.playbook.problems import shortlist
from shared.vocabulary import Level, covers


def check_categories(playbook: Playbook) -> Iterator[Finding]:
    """A child's code begins with its parent's and a dot; condition codes are unique in a category."""
    for code, category in playbook.categories.items():
        if category.parent is not None and category.parent not in playbook.categories:
            yield _category(code, "parent", f"no category {category.parent!r}")
        if category.parent is not None and not code.startswith(f"{category.parent}."):
            yield _category(code, "code", f"{code!r} does not begin with {category.parent + '.'!r}")
        counts = Counter(condition.code for condition in category.conditions)
        for condition, count in counts.items():
            if count > 1:
                yield _category(code, "conditions", f"condition {condition!r} stands {count} times")


def check_duties(playbook: Playbook) -> Iterator[Finding]:
    """Duties name what exists, stand once, and no department has one outside its own area."""
    seen: set[Duty] = set()
    for index, duty in enumerate(playbook.duties):
        if duty in seen:
            yield Finding(part="duties", item=index, problem="this duty stands twice")
        seen.add(duty)
        yield from _references(index, duty, playbook)
        department = playbook.departments.get(duty.department)
        if department is not None and not covers(department.area, duty.area):
            yield Finding(
                part="duties",
                item=index,
                path=("area",),
                problem=f"{duty.department} sits in {department.area} and has no duty in {duty.area}",
                allowed=(f"{department.area} or an area inside",),
                needs=("departments",),
            )


def check_gaps(playbook: Playbook) -> Iterator[Finding]:
    """For every category and every area some department has the power that the category demands."""
    grounds = _smallest_areas(playbook)
    held = _areas_by_category(playbook)
    for code, category in playbook.categories.items():
        areas = held[code, category.power]
        gaps = [ground for ground in grounds if not any(covers(area, ground) for area in areas)]
        if gaps:
            yield _category(
                code,
                "power",
                f"nobody has the duty with power {category.power.value!r} in {len(gaps)} area(s): {shortlist(gaps)}",
                needs=("areas", "departments", "duties"),
            )


def _references(index: int, duty: Duty, playbook: Playbook) -> Iterator[Finding]:
    parts: tuple[tuple[str, str, str, Mapping[str, object]], ...] = (
        ("department", duty.department, "departments", playbook.departments),
        ("category", duty.category, "categories", playbook.categories),
        ("area", duty.area, "areas", playbook.areas),
    )
    for field, value, part, known in parts:
        if value not in known:
            yield Finding(
                part="duties",
                item=index,
                path=(field,),
                problem=f"no {field} {value!r}",
                allowed=nearest(value, known),
                needs=(part,),
            )


def _smallest_areas(playbook: Playbook) -> tuple[str, ...]:
    """Return the villages, or the towns or county where nothing lies below."""
    above = {area.parent for area in playbook.areas.values()}
    return tuple(code for code, area in playbook.areas.items() if area.level is Level.VILLAGE or code not in above)


def _areas_by_category(playbook: Playbook) -> Mapping[tuple[str, Power], set[str]]:
    """Collect, for each category and power, the areas of the duties that reach it from its parents."""
    own: defaultdict[tuple[str, Power], set[str]] = defaultdict(set)
    for duty in playbook.duties:
        own[duty.category, duty.power].add(duty.area)
    reached: defaultdict[tuple[str, Power], set[str]] = defaultdict(set)
    for code in playbook.categories:
        for ancestor in playbook.category_line(code):
            for power in Power:
                reached[code, power] |= own[ancestor.code, power]
    return reached


def _category(code: str, field: str, problem: str, *, needs: tuple[str, ...] = ()) -> Finding:
    return Finding(part="categories", item=code, path=(field,), problem=problem, needs=needs)
