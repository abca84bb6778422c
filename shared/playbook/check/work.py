"""Categories, duties and the enforcement catalogue: a tree of matters, and somebody who answers for each everywhere."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping

from shared.playbook.check.finding import Finding
from shared.playbook.model import Duty, EnforcementItem, Playbook, Power
from shared.playbook.near import meant, nearest
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
    """Duties name what exists, stand once, none is outside its department's area, and none is to enforce."""
    seen: set[Duty] = set()
    for index, duty in enumerate(playbook.duties):
        if duty in seen:
            yield Finding(part="duties", item=index, problem="this duty stands twice")
        seen.add(duty)
        if duty.power is Power.ENFORCE:
            yield Finding(
                part="duties",
                item=index,
                path=("power",),
                problem="powers to enforce stand in the enforcement catalogue (执法事项目录), enforcement.csv",
                allowed=(Power.REPORT.value, Power.HANDLE.value, Power.ASSIST.value),
            )
        yield from _references("duties", index, duty, playbook)


def check_enforcement(playbook: Playbook) -> Iterator[Finding]:
    """Items name what exists, and stand once for a department, category and area."""
    seen: set[tuple[str, str, str]] = set()
    for index, item in enumerate(playbook.enforcement):
        key = (item.department, item.category, item.area)
        if key in seen:
            problem = f"{item.department} may enforce {item.category} in {item.area} by an item before this"
            yield Finding(part="enforcement", item=index, problem=problem)
        seen.add(key)
        yield from _references("enforcement", index, item, playbook)


def check_gaps(playbook: Playbook) -> Iterator[Finding]:
    """For every category and every area some department has the power that the category demands."""
    grounds = _smallest_areas(playbook)
    held = _areas_by_category(playbook)
    for code, category in playbook.categories.items():
        gaps = _uncovered(grounds, held.get((code, category.power), frozenset()), playbook.county)
        if gaps:
            list_of = "enforcement" if category.power is Power.ENFORCE else "duties"
            yield _category(
                code,
                "power",
                f"nobody has the duty with power {category.power.value!r} in {len(gaps)} area(s): {shortlist(gaps)}",
                needs=("areas", "departments", list_of),
            )


def _references(part: str, index: int, duty: Duty | EnforcementItem, playbook: Playbook) -> Iterator[Finding]:
    """Say which names are not there, and an area outside the department's own."""
    department = playbook.departments.get(duty.department)
    if department is not None and duty.category in playbook.categories and duty.area in playbook.areas:
        if not covers(department.area, duty.area):
            yield Finding(
                part=part,
                item=index,
                path=("area",),
                problem=f"{duty.department} sits in {department.area} and has no duty in {duty.area}",
                allowed=(f"{department.area} or an area inside",),
                needs=("departments",),
            )
        return
    named: tuple[tuple[str, str, str, Mapping[str, object]], ...] = (
        ("department", duty.department, "departments", playbook.departments),
        ("category", duty.category, "categories", playbook.categories),
        ("area", duty.area, "areas", playbook.areas),
    )
    for field, value, needs, known in named:
        if value not in known:
            yield Finding(
                part=part,
                item=index,
                path=(field,),
                problem=f"no {field} {value!r}{meant(value, known)}",
                allowed=nearest(value, known),
                needs=(needs,),
            )


def _smallest_areas(playbook: Playbook) -> tuple[str, ...]:
    """Return the villages, or the towns or county where nothing lies below."""
    above = {area.parent for area in playbook.areas.values()}
    return tuple(code for code, area in playbook.areas.items() if area.level is Level.VILLAGE or code not in above)


def _uncovered(grounds: tuple[str, ...], areas: Collection[str], county: str) -> tuple[str, ...]:
    """Return those `grounds` that lie in none of `areas`; areas nest by the first digits of their codes."""
    if county in areas:
        return ()
    lengths = {len(area) for area in areas}
    return tuple(ground for ground in grounds if not any(ground[:length] in areas for length in lengths))


def _areas_by_category(playbook: Playbook) -> Mapping[tuple[str, Power], Collection[str]]:
    """Collect, for each category and power, the areas of the duties that reach it from its parents."""
    own: defaultdict[tuple[str, Power], set[str]] = defaultdict(set)
    for duty in playbook.duties:
        if duty.power is not Power.ENFORCE:
            own[duty.category, duty.power].add(duty.area)
    for item in playbook.enforcement:
        own[item.category, Power.ENFORCE].add(item.area)
    reached: dict[tuple[str, Power], Collection[str]] = {}
    for code, category in playbook.categories.items():
        lines = [own[above.code, category.power] for above in playbook.category_line(code)]
        reached[code, category.power] = set().union(*lines)
    return reached


def _category(code: str, field: str, problem: str, *, needs: tuple[str, ...] = ()) -> Finding:
    return Finding(part="categories", item=code, path=(field,), problem=problem, needs=needs)
