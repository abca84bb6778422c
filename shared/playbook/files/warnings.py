"""`warnings.yaml`: what the county watches its reports for (风险预警)."""

from typing import Annotated

from pydantic import Field

from shared.playbook import model
from shared.playbook.files.rows import Bilingual, Grade, Row, Slug
from shared.vocabulary import AreaCode, CategoryCode, Level


class WarningCaseNode(Row):
    """The case that a warning opens; without a severity it has that of its category."""

    severity: Grade | None = None


class WarningNode(Row):
    """More reports than usual of one category, in one area or close together, within a window."""

    id: Slug
    name: Bilingual
    window_minutes: Annotated[int, Field(ge=10, le=20_160)]
    """10 minutes to 14 days."""
    at_least: Annotated[int, Field(ge=3, le=10_000)] = 5
    """Fewer reports than these are no warning, however unusual."""
    odds: Annotated[int, Field(ge=100, le=1_000_000_000)] = 1_000_000
    """Raised when so many are to be expected once in this many windows, or more seldom."""
    level: Level = Level.TOWN
    """Counted are areas of this level; with `within_metres` it says nothing."""
    categories: Annotated[tuple[CategoryCode, ...], Field(max_length=200)] = ()
    """Each is counted with all below it; none: each category that is reported, by itself."""
    areas: Annotated[tuple[AreaCode, ...], Field(max_length=200)] = ()
    """Where it watches; none: the whole county."""
    within_metres: Annotated[int, Field(ge=20, le=20_000)] | None = None
    """Watch places instead of areas: reports so close to one another (热点)."""
    open_case: WarningCaseNode | None = None
    """Open a case by itself when it is raised."""

    def value(self) -> model.WarningRule:
        opened = self.open_case
        return model.WarningRule(
            id=self.id,
            name=self.name.value(),
            window_minutes=self.window_minutes,
            at_least=self.at_least,
            odds=self.odds,
            level=self.level,
            categories=self.categories,
            areas=self.areas,
            within_metres=self.within_metres,
            open_case=None if opened is None else model.WarningCase(severity=opened.severity),
        )


class WarningsFile(Row):
    """`warnings.yaml`: the rules by which warnings are raised."""

    warnings: Annotated[tuple[WarningNode, ...], Field(min_length=1, max_length=64)]
