"""What a county watches its reports for (风险预警)."""

from dataclasses import dataclass
from datetime import timedelta

from shared.playbook.model.texts import Text
from shared.vocabulary import AreaCode, CategoryCode, Level, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningCase:
    """The case that a warning opens; without a severity it has that of its category."""

    severity: Severity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningRule:
    """Reports of one category in one area, or close together, within a window: more than usual by far.

    Each of `categories` is counted with all below it; without any, each category that is reported, by
    itself. `areas` are where it watches, without any the whole county; counted are areas of `level`.
    With `within_metres` it watches places instead: reports that lie so close together (热点).
    """

    id: str
    name: Text
    window_minutes: int
    """At most 14 days."""
    at_least: int
    """Fewer reports than these are no warning, however unusual."""
    odds: int
    """Raised when so many are to be expected once in this many windows, or more seldom."""
    level: Level = Level.TOWN
    categories: tuple[CategoryCode, ...] = ()
    areas: tuple[AreaCode, ...] = ()
    within_metres: int | None = None
    open_case: WarningCase | None = None

    @property
    def window(self) -> timedelta:
        """How far back reports are counted."""
        return timedelta(minutes=self.window_minutes)
