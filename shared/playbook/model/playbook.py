"""One whole version of a county's playbook."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from shared.playbook.model.chains import Chain
from shared.playbook.model.places import Area, Cell, Department, Zone
from shared.playbook.model.policy import Policy
from shared.playbook.model.rules import Rule
from shared.playbook.model.templates import Matter, Mode
from shared.playbook.model.texts import Text
from shared.playbook.model.times import Calendar, ClockLimit, KeptHours, Roster
from shared.playbook.model.warnings import WarningRule
from shared.playbook.model.work import Category, Duty, EnforcementItem
from shared.vocabulary import COUNTY_DIGITS, TOWN_DIGITS, VILLAGE_DIGITS, AreaCode, Level, TargetKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """One whole, validated version of a county's playbook."""

    county: AreaCode
    name: Text
    version: str
    digest: str
    """SHA-256 of the canonical content, in hex (see `shared.playbook.digest`)."""
    timezone: str
    speed: float
    """1 in earnest; above 1, in drills and the demo, every limit runs as continuous time divided by it."""
    areas: Mapping[str, Area]
    cells: tuple[Cell, ...]
    departments: Mapping[str, Department]
    categories: Mapping[str, Category]
    duties: tuple[Duty, ...]
    rules: tuple[Rule, ...]
    clocks: tuple[ClockLimit, ...]
    calendar: Calendar
    roster: Roster
    policy: Policy
    zones: Mapping[str, Zone] = field(default_factory=dict[str, Zone])
    enforcement: tuple[EnforcementItem, ...] = ()
    matters: Mapping[str, Matter] = field(default_factory=dict[str, Matter])
    modes: Mapping[str, Mode] = field(default_factory=dict[str, Mode])
    hours: tuple[KeptHours, ...] = ()
    """Other hours than those of `calendar`, and who keeps them."""
    chains: Mapping[str, Chain] = field(default_factory=dict[str, Chain])
    warnings: Mapping[str, WarningRule] = field(default_factory=dict[str, WarningRule])

    def hours_of(self, kind: TargetKind, target: str, *, level: Level | None = None) -> KeptHours | None:
        """Return the hours that a desk (by its area) or a department of `level` keeps; None: the county's."""
        by_level: KeptHours | None = None
        for kept in self.hours:
            if target in (kept.desks if kind is TargetKind.DESK else kept.departments):
                return kept
            if level in kept.levels:
                by_level = kept
        return by_level

    def area_line(self, code: str) -> tuple[Area, ...]:
        """Return the areas that hold `code`, smallest first; a cell's line starts at its village."""
        return tuple(self._areas_from(code))

    def category_line(self, code: str) -> tuple[Category, ...]:
        """Return the category and its parents, most special first; empty when unknown."""
        return tuple(self._categories_from(code))

    def desk_area(self, code: str, *, at_least: Level) -> Area:
        """Return the smallest area holding `code`, of `at_least` that level, that has a desk.

        The county always has one (the loader checks it).
        """
        for area in self._areas_from(code):
            if area.desk and area.level.digits <= at_least.digits:
                return area
        return self.areas[self.county]

    def desk_name(self, code: str) -> Text:
        """Return what the desk of an area is called; a village's name is told with its town's."""
        here, *above = self.area_line(code)
        town = above[0].name if above and here.level is Level.VILLAGE else None
        return Text(
            zh=f"{town.zh if town else ''}{here.name.zh}指挥平台",
            en=f"{here.name.en}{f', {town.en}' if town else ''} desk",
        )

    def _areas_from(self, code: str) -> Iterator[Area]:
        here: str | None = next(
            (code[:n] for n in (VILLAGE_DIGITS, TOWN_DIGITS, COUNTY_DIGITS) if code[:n] in self.areas),
            None,
        )
        while here is not None:
            area = self.areas[here]
            yield area
            here = area.parent if area.parent is not None and len(area.parent) < len(here) else None

    def _categories_from(self, code: str) -> Iterator[Category]:
        here = self.categories.get(code)
        while here is not None:
            yield here
            parent = here.parent
            # Codes shorten on the way up; without this a broken record could walk in a circle.
            rises = parent is not None and len(parent) < len(here.code)
            here = self.categories.get(parent) if parent is not None and rises else None
