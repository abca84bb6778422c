"""From what a rule asks for to who that is: a desk, a department, or whoever's duty it is."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, assert_never

from services.router.domain.facts import Facts
from shared.events.parts import CaseView
from shared.events.parts import Target as Addressee
from shared.playbook.above import desk_above
from shared.playbook.model import (
    Area,
    DepartmentTarget,
    DeskTarget,
    Duty,
    DutyTarget,
    Playbook,
    Power,
    Target,
    Text,
)
from shared.vocabulary import Level, TargetKind

LONGEST_NAME: Final = 120
LEVEL_WORDS: Final[Mapping[Level, str]] = {
    Level.VILLAGE: "村",
    Level.TOWN: "镇",
    Level.COUNTY: "县",
}
POWER_WORDS: Final[Mapping[Power, str]] = {
    Power.HANDLE: "处置",
    Power.ENFORCE: "执法",
    Power.ASSIST: "协助",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Who was chosen, at which level, and why in words."""

    target: Addressee
    level: Level
    why: Text

    @property
    def key(self) -> tuple[TargetKind, str]:
        """What tells one addressee from another."""
        return self.target.kind, self.target.id


class Directory:
    """Desks and departments of one playbook, with the duty list indexed by category, area and power."""

    def __init__(self, playbook: Playbook) -> None:
        """Index once; every question after that costs a handful of look-ups."""
        self._playbook = playbook
        self._duties: defaultdict[tuple[str, str, Power], list[Duty]] = defaultdict(list)
        for duty in playbook.duties:
            self._duties[duty.category, duty.area, duty.power].append(duty)

    def choices(self, target: Target, facts: Facts) -> Iterator[Choice]:
        """Yield who answers to `target` for this case, first choice first, without those who returned it."""
        return (choice for choice in self._all(target, facts.case) if not facts.refused_by(choice.target))

    def duty_desk(self, facts: Facts) -> Choice:
        """Return the desk that takes what no rule takes: the village's if it has one, else above.

        Desks that returned the case are passed over; at the county there is nobody above to pass to.
        """
        area = self._playbook.desk_area(facts.case.area, at_least=Level.VILLAGE)
        return self._desk_from(area, facts)

    def above(self, target: Addressee, level: Level, facts: Facts) -> Choice | None:
        """Return the desk above `target` that has not returned the case; None above the county.

        Who is above is the playbook's one rule; that a desk which gave the case back is passed over
        comes on top of it here.
        """
        area = desk_above(self._playbook, target, level=level, area=facts.case.area)
        while area is not None:
            choice = self.desk(area)
            if not facts.refused_by(choice.target):
                return choice
            area = desk_above(self._playbook, choice.target, level=choice.level, area=facts.case.area)
        return None

    def from_desk_up(self, target: Addressee, facts: Facts) -> Choice | None:
        """Return the desk `target`, or the next above it that has not returned the case; the county's keeps it.

        None when this playbook does not know the desk.
        """
        area = self._playbook.areas.get(target.id)
        return self._desk_from(area, facts) if area is not None else None

    def level_of(self, target: Addressee) -> Level | None:
        """Return the level of a desk or department of this playbook; None when it is not in it."""
        if target.kind is TargetKind.DESK:
            area = self._playbook.areas.get(target.id)
            return area.level if area is not None else None
        department = self._playbook.departments.get(target.id)
        return department.level if department is not None else None

    def desk(self, area: Area) -> Choice:
        """Return the desk of `area`."""
        name = self._playbook.desk_name(area.code)
        target = Addressee(kind=TargetKind.DESK, id=area.code, name=name.zh[:LONGEST_NAME])
        return Choice(target=target, level=area.level, why=name)

    def _all(self, target: Target, case: CaseView) -> Iterator[Choice]:
        match target:
            case DeskTarget(level=level):
                yield self._named_desk(case, level)
            case DepartmentTarget(department=department):
                name = self._playbook.departments[department].name
                why = Text(zh=f"规则指定{name.zh}", en=f"the rule names {name.en}")
                yield self._department(department, why)
            case DutyTarget(power=power):
                yield from self._by_duty(case, power)
            case _:
                assert_never(target)

    def _named_desk(self, case: CaseView, level: Level) -> Choice:
        choice = self.desk(self._playbook.desk_area(case.area, at_least=level))
        why = Text(
            zh=f"规则指定{LEVEL_WORDS[level]}级平台：{choice.why.zh}",
            en=f"the rule names the {level.value} desk: {choice.why.en}",
        )
        return replace(choice, why=why)

    def _by_duty(self, case: CaseView, power: Power | None) -> Iterator[Choice]:
        category = self._playbook.categories.get(case.category)
        if category is None:
            return
        wanted = power or category.power
        seen: set[str] = set()
        for duty in sorted(self._fitting(case, wanted), key=self._closeness):
            if duty.department not in seen:
                seen.add(duty.department)
                yield self._department(duty.department, self._duty_words(duty, wanted))

    def _fitting(self, case: CaseView, power: Power) -> Iterator[Duty]:
        for category in self._playbook.category_line(case.category):
            for area in self._playbook.area_line(case.area):
                yield from self._duties.get((category.code, area.code, power), ())

    def _closeness(self, duty: Duty) -> tuple[int, int, int]:
        """Lowest level first, then the most special category, then the smallest area; ties as in the file."""
        level = self._playbook.departments[duty.department].level
        return -level.digits, -len(duty.category), -len(duty.area)

    def _duty_words(self, duty: Duty, power: Power) -> Text:
        category = self._playbook.categories[duty.category].name
        area = self._playbook.areas[duty.area].name
        department = self._playbook.departments[duty.department]
        return Text(
            zh=f"权责清单：{area.zh}的「{category.zh}」由{department.name.zh}{POWER_WORDS[power]}，为有此权责的最低层级",
            en=f"duty list: {department.name.en} may {power.value} '{category.en}' in {area.en}, "
            f"the lowest level ({department.level.value}) that has it",
        )

    def _department(self, department_id: str, why: Text) -> Choice:
        department = self._playbook.departments[department_id]
        name = department.name.zh[:LONGEST_NAME]
        target = Addressee(kind=TargetKind.DEPARTMENT, id=department.id, name=name)
        return Choice(target=target, level=department.level, why=why)

    def _desk_from(self, area: Area, facts: Facts) -> Choice:
        choice = self.desk(area)
        if not facts.refused_by(choice.target):
            return choice
        return self.above(choice.target, choice.level, facts) or self.desk(self._playbook.areas[self._playbook.county])
