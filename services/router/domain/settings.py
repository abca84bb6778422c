"""What the rules that hold change on the case."""

from collections.abc import Sequence
from dataclasses import replace

from services.router.domain.walk import Match
from shared.events.order import CaseSettings
from shared.events.parts import CaseView

TAGS_AT_MOST = 32
"""Tags that a case can carry."""


def settings_of(matches: Sequence[Match]) -> CaseSettings | None:
    """Return what the rules set together, None for nothing: the gravest severity, all tags, the first mode."""
    sets = [match.rule.sets for match in matches]
    severities = [one.severity for one in sets if one.severity is not None]
    tags = tuple(dict.fromkeys(tag for one in sets for tag in one.tags))[:TAGS_AT_MOST]
    mode = next((one.mode for one in sets if one.mode is not None), None)
    if not (severities or tags or mode):
        return None
    return CaseSettings(severity=min(severities, default=None), tags=tags, mode=mode)


def as_set(case: CaseView, sets: CaseSettings | None) -> CaseView:
    """Return the case with the severity and the tags that the rules gave it."""
    if sets is None or (sets.severity is None and not sets.tags):
        return case
    tags = tuple(dict.fromkeys((*case.tags, *sets.tags)))[:TAGS_AT_MOST]
    return replace(case, severity=sets.severity or case.severity, tags=tags)
