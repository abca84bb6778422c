"""Checks of calendars: a year that is not there stops clocks, and one that soon will not be is told in time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from cli.checks.finding import Finding, broken, fine, look
from shared.playbook.model import YEAR_SOON, Playbook

NAME = "calendar"
WHY = "a clock in working time that runs into an unknown year cannot start; its case waits without one"


def check_calendars(playbooks: Iterable[Playbook], *, today: date) -> Finding:
    """Whether each county in force knows the present year, and the next one from sixty days before it begins."""
    known = {playbook.county: playbook.calendar.known_until(today) for playbook in playbooks}
    gone = [county for county, until in known.items() if until is None]
    soon = [county for county, until in known.items() if until is not None and until - today < YEAR_SOON]
    if gone:
        mend = f"whistle calendar fill {today.year} FOLDER, then whistle playbook publish FOLDER"
        return broken(NAME, f"{today.year} is missing in {', '.join(gone)}", why=WHY, mend=mend)
    if soon:
        missing = min(until.year for until in known.values() if until is not None) + 1
        mend = f"whistle calendar fill {missing} FOLDER, then whistle playbook publish FOLDER"
        return look(NAME, f"{missing} is missing in {', '.join(soon)}", why=WHY, mend=mend)
    last = min((until for until in known.values() if until is not None), default=None)
    return fine(NAME, "no playbook is in force" if last is None else f"every county knows its years until {last}")
