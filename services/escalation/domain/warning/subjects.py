"""What is counted together."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from services.escalation.domain.warning.columns import Columns, Flags
from services.escalation.domain.warning.reports import under
from shared.events.warning import Spot
from shared.playbook.model import WarningRule
from shared.vocabulary import COUNTY_DIGITS, TOWN_DIGITS, VILLAGE_DIGITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Reports of ``category`` and below in ``area``, or in ``spot`` wherever it lies, counted by ``rule``."""

    rule: WarningRule
    county: str
    area: str
    category: str
    spot: Spot | None = None

    def held(self, reports: Columns) -> Flags:
        """Which of the ``reports`` of its county it counts."""
        return reports.flags(self, lambda: self._held(reports))

    def _held(self, reports: Columns) -> Flags:
        kind = reports.categories.which(lambda code: under(self.category, code))
        if self.spot is not None:
            return kind & reports.inside(self.spot)
        return kind & reports.areas.which(lambda area: area.startswith(self.area))


def smallest_area(areas: Collection[str]) -> str:
    """The smallest village, town or county that holds all ``areas``; there is one at least."""
    first = next(iter(areas))
    for digits in (VILLAGE_DIGITS, TOWN_DIGITS, COUNTY_DIGITS):
        if len(first) >= digits and all(one.startswith(first[:digits]) for one in areas):
            return first[:digits]
    return first[:COUNTY_DIGITS]
