"""From what a rule asks for to who that is: a desk, a department, or whoever's duty it is."""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, assert_never

from services.router.domain.almanac import Almanac
from services.router.domain.facts import Facts
from services.router.domain.field_targets import named_by_field
from services.router.domain.roster import DutyRoster
from shared.events.parts import CaseView
from shared.events.parts import Target as Addressee
from shared.playbook.above import desk_above
from shared.playbook.model import (
    Area,
    CaseField,
    Demand,
    DepartmentTarget,
    DeskTarget,
    Duty,
    DutyTarget,
    EnforcementItem,
    FieldTarget,
    Playbook,
    Power,
    Target,
    Text,
)
from shared.vocabulary import VILLAGE_DIGITS, Level, TargetKind, level_of

LONGEST_NAME: Final = 120
LEVEL_WORDS: Final[Mapping[Level, str]] = {
    Level.VILLAGE: "村",
    Level.TOWN: "镇",
    Level.COUNTY: "县",
}
REMEMBERED: Final = 20_000
"""Answers kept at most: of which target, for which category and village."""
FIELD_WORDS: Final[Mapping[CaseField, str]] = {
    CaseField.TAG: "标签",
    CaseField.CATEGORY: "类别",
    CaseField.CONDITION: "立案条件",
    CaseField.SOURCE: "来源",
    CaseField.AREA: "区域",
}
POWER_WORDS: Final[Mapping[Power, str]] = {
    Power.REPORT: "上报",
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


Held: TypeAlias = Duty | EnforcementItem
"""What gives a department its power: a row of the duty list, or of the catalogue of enforcement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A choice with how close its duty is to the case; two equally close contest it."""

    choice: Choice
    closeness: tuple[int, int, int] = (0, 0, 0)


def power_of(held: Held) -> Power:
    """Return the power that a row gives; what the catalogue of enforcement lists is always enforcement."""
    return Power.ENFORCE if isinstance(held, EnforcementItem) else held.power


class Directory:
    """Desks and departments of one playbook, with duties and enforcement indexed by category, area and power."""

    def __init__(self, playbook: Playbook, almanac: Almanac) -> None:
        """Index once; every question after that costs a handful of look-ups."""
        self._playbook = playbook
        self.roster = DutyRoster(playbook.roster, almanac)
        self._held: defaultdict[tuple[str, str, Power], list[Held]] = defaultdict(list)
        # The duty list gives no power to enforce, whatever a record of it says: the catalogue alone does.
        listed = (duty for duty in playbook.duties if duty.power is not Power.ENFORCE)
        rows: list[Held] = [*listed, *playbook.enforcement]
        for held in rows:
            self._held[held.category, held.area, power_of(held)].append(held)
        self._remembered: dict[tuple[Hashable, ...], tuple[Ranked, ...]] = {}

    def choices(self, target: Target, facts: Facts) -> Iterator[Choice]:
        """Yield who answers to `target` for this case, first choice first, without those who returned it."""
        return (ranked.choice for ranked in self._left(target, facts))

    def chosen(self, demand: Demand, facts: Facts) -> Choice | None:
        """Return whom `demand` comes to at that instant; None when nobody is left.

        A first choice that stands on the roster with nobody on duty gives way to the first backup with
        somebody on duty, or on no roster; without such a one it gets the order all the same.
        """
        first = next(self.choices(demand.target, facts), None)
        if first is None or not demand.backups or not self.roster.away(first.target, facts):
            return first
        backups = (backup for target in demand.backups for backup in self.choices(target, facts))
        ready = next((backup for backup in backups if not self.roster.away(backup.target, facts)), None)
        return first if ready is None else _standing_in(ready, first)

    def contested(self, target: Target, facts: Facts) -> tuple[Choice, ...]:
        """Return the departments whose duty it is alike (same level, category and area); none when one is closest."""
        if not isinstance(target, DutyTarget):
            return ()
        left = list(self._left(target, facts))
        alike = tuple(ranked.choice for ranked in left if ranked.closeness == left[0].closeness)
        return alike if len(alike) > 1 else ()

    def is_unclear(self, target: Target, facts: Facts) -> bool:
        """Say whether `target` asks for a duty that the playbook gives to nobody, returned or not."""
        return isinstance(target, DutyTarget) and not self._ranked(target, facts.case)

    def ranked(self, target: DeskTarget | DepartmentTarget | DutyTarget, case: CaseView) -> tuple[Ranked, ...]:
        """Return who answers to `target`, whoever returned the case: all that choosing by it depends on."""
        return self._ranked(target, case)

    def ruling_desk(self, contested: tuple[Choice, ...], facts: Facts) -> Choice:
        """Return the desk that rules whose duty it is: above the case's area, or above those who contest it.

        Desks that returned the case are passed over; at the county nobody is above, and its own desk rules.
        """
        level = contested[0].level if contested else level_of(facts.case.area)
        up = level if level is Level.COUNTY else level.above
        return self._desk_from(self._playbook.desk_area(facts.case.area, at_least=up), facts)

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

    def _left(self, target: Target, facts: Facts) -> Iterator[Ranked]:
        ranked = self._ranked(target, facts.case)
        if not facts.refusing:
            return iter(ranked)
        return (one for one in ranked if not facts.refused_by(one.choice.target))

    def _ranked(self, target: Target, case: CaseView) -> tuple[Ranked, ...]:
        """Return who answers to `target`, whoever returned the case; remembered for its category and village."""
        if isinstance(target, FieldTarget):
            return self._by_field(target, case)
        key = self._asked(target, case)
        known = self._remembered.get(key)
        if known is None:
            if len(self._remembered) >= REMEMBERED:
                self._remembered.clear()
            known = self._remembered[key] = tuple(self._all(target, case))
        return known

    def _asked(self, target: DeskTarget | DepartmentTarget | DutyTarget, case: CaseView) -> tuple[Hashable, ...]:
        """Return all that the answer depends on."""
        match target:
            case DepartmentTarget():
                return (target,)
            case DeskTarget():
                return target, case.area[:VILLAGE_DIGITS]
            case DutyTarget():
                return target, case.category, case.area[:VILLAGE_DIGITS]
            case _:
                assert_never(target)

    def _all(self, target: DeskTarget | DepartmentTarget | DutyTarget, case: CaseView) -> Iterator[Ranked]:
        match target:
            case DeskTarget(level=level):
                yield Ranked(choice=self._named_desk(case, level))
            case DepartmentTarget(department=department):
                name = self._playbook.departments[department].name
                why = Text(zh=f"规则指定{name.zh}", en=f"the rule names {name.en}")
                yield Ranked(choice=self._department(department, why))
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

    def _by_field(self, target: FieldTarget, case: CaseView) -> tuple[Ranked, ...]:
        named = named_by_field(target, case, self._playbook)
        if named is None:
            return ()
        name = self._playbook.departments[named.department].name
        why = Text(
            zh=f"规则按{FIELD_WORDS[target.of]}「{named.value}」指定{name.zh}",
            en=f"the rule goes by {target.of.value} '{named.value}': {name.en}",
        )
        return (Ranked(choice=self._department(named.department, why)),)

    def _by_duty(self, case: CaseView, power: Power | None) -> Iterator[Ranked]:
        category = self._playbook.categories.get(case.category)
        if category is None:
            return
        wanted = power or category.power
        seen: set[str] = set()
        for held in sorted(self._fitting(case, wanted), key=self._closeness):
            if held.department not in seen:
                seen.add(held.department)
                choice = self._department(held.department, self._duty_words(held, wanted))
                yield Ranked(choice=choice, closeness=self._closeness(held))

    def _fitting(self, case: CaseView, power: Power) -> Iterator[Held]:
        for category in self._playbook.category_line(case.category):
            for area in self._playbook.area_line(case.area):
                yield from self._held.get((category.code, area.code, power), ())

    def _closeness(self, held: Held) -> tuple[int, int, int]:
        """Lowest level first, then the most special category, then the smallest area; ties as in the file."""
        level = self._playbook.departments[held.department].level
        return -level.digits, -len(held.category), -len(held.area)

    def _duty_words(self, held: Held, power: Power) -> Text:
        category = self._playbook.categories[held.category].name
        area = self._playbook.areas[held.area].name
        department = self._playbook.departments[held.department]
        zh, en = "权责清单", "duty list"
        if isinstance(held, EnforcementItem):
            zh = f"执法事项目录（{held.name.zh}，{held.basis}）"
            en = f"enforcement catalogue ({held.name.en}, {held.basis})"
        return Text(
            zh=f"{zh}：{area.zh}的「{category.zh}」由{department.name.zh}{POWER_WORDS[power]}，为有此权责的最低层级",
            en=f"{en}: {department.name.en} may {power.value} '{category.en}' in {area.en}, "
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


def _standing_in(backup: Choice, first: Choice) -> Choice:
    absent = first.target.name or first.target.id
    why = Text(
        zh=f"{absent}此时无人值班，由后备承担：{backup.why.zh}",
        en=f"nobody of {first.target.id} is on duty now, so a backup: {backup.why.en}",
    )
    return replace(backup, why=why)
