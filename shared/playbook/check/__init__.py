"""What must hold between the parts of a playbook; every finding at once."""

from collections.abc import Iterator
from datetime import date
from itertools import islice
from typing import Final

from shared.playbook.check.calendar import check_calendar
from shared.playbook.check.chains import check_chains
from shared.playbook.check.clocks import check_clocks
from shared.playbook.check.finding import Finding
from shared.playbook.check.places import check_areas, check_cells, check_departments, check_zones
from shared.playbook.check.policy import check_policy
from shared.playbook.check.routing import check_rules
from shared.playbook.check.templates import check_matters, check_modes
from shared.playbook.check.times import check_header, check_roster
from shared.playbook.check.warnings import check_warnings
from shared.playbook.check.work import check_categories, check_duties, check_enforcement, check_gaps
from shared.playbook.model import Playbook

__all__ = ["Finding", "check"]

MOST: Final = 1000
"""Findings told at once: a list of 60,000 wrong rows helps nobody."""

CHECKS = (
    check_header,
    check_policy,
    check_areas,
    check_cells,
    check_zones,
    check_departments,
    check_categories,
    check_duties,
    check_enforcement,
    check_gaps,
    check_rules,
    check_matters,
    check_modes,
    check_clocks,
    check_chains,
    check_roster,
    check_warnings,
)


def check(playbook: Playbook, *, today: date | None = None) -> tuple[Finding, ...]:
    """Return all that is wrong between the parts of `playbook`; empty means it may come into force.

    The first thousand are enough.
    With `today` the calendar must also know every year into which a clock started today can run.
    """
    return tuple(islice(_findings(playbook, today), MOST))


def _findings(playbook: Playbook, today: date | None) -> Iterator[Finding]:
    for each in CHECKS:
        yield from each(playbook)
    yield from check_calendar(playbook, today)
