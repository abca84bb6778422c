"""What can be told of two instants of a clock before it runs: which comes first, and whether one is its deadline."""

from math import inf, nextafter
from typing import Final, NamedTuple

from shared.playbook.model import Anchor, Limit, LimitUnit, Threshold

HOURS: Final = {
    LimitUnit.CONTINUOUS_MINUTE: 1 / 60,
    LimitUnit.CONTINUOUS_HOUR: 1.0,
    LimitUnit.NATURAL_DAY: 24.0,
    LimitUnit.WORKING_HOUR: 1.0,
}
"""Hours of a unit, working ones or those of the clock on the wall; a working day's are the calendar's."""
WORKING: Final = frozenset({LimitUnit.WORKING_HOUR, LimitUnit.WORKING_DAY})
LONGEST_DAY: Final = 25.0
"""Hours of the day on which the clocks go back."""


class _Stretch(NamedTuple):
    """Where an instant lies, in hours on the wall from the start or from the deadline."""

    earliest: float
    latest: float


def comes_after(one: Threshold, other: Threshold, *, day_hours: float) -> bool:
    """Say whether `one` comes after `other` whatever the limit; False where that depends on it.

    `day_hours` are the working hours of a working day.
    """
    a, b = _deadline_from(one, day_hours), _deadline_from(other, day_hours)
    if a is None or b is None:
        a, b = _start_from(one, day_hours), _start_from(other, day_hours)
    if a is None or b is None:
        return False
    if one.anchor is other.anchor and one.fraction is not None and other.fraction is not None:
        return one.fraction > other.fraction
    if one.anchor is other.anchor and one.span is not None and other.span is not None and _alike(one.span, other.span):
        hours = hours_of(one.span, day_hours) - hours_of(other.span, day_hours)
        return hours < 0 if one.anchor is Anchor.BEFORE else hours > 0
    return a.earliest > b.latest


def lies_before(at: Threshold, limit: Limit, *, day_hours: float) -> bool:
    """Say whether `at` lies before the start of every clock of `limit`, or at it."""
    if at.anchor is not Anchor.BEFORE or at.span is None:
        return False
    # So many working hours last at least as long on the wall; the other way round nothing is certain.
    comparable = _alike(at.span, limit) or at.span.unit in WORKING
    return comparable and hours_of(at.span, day_hours) >= hours_of(limit, day_hours)


def is_due(at: Threshold, limit: Limit, *, day_hours: float) -> bool:
    """Say whether `at` is the very deadline of every clock of `limit`."""
    if at.anchor is Anchor.SINCE and at.span is not None and _alike(at.span, limit):
        return hours_of(at.span, day_hours) == hours_of(limit, day_hours)
    return at.anchor is Anchor.DUE


def hours_of(limit: Limit, day_hours: float) -> float:
    """Return the hours of `limit`, working ones or those on the wall as its unit says."""
    return limit.amount * (day_hours if limit.unit is LimitUnit.WORKING_DAY else HOURS[limit.unit])


def in_words(at: Threshold) -> str:
    """Return `at` as a file writes it, such as `after 2 working_hour`."""
    said = at.fraction if at.fraction is not None else at.days
    if at.span is not None:
        return f"{at.anchor} {at.span.amount:g} {at.span.unit}"
    return at.anchor.value if said is None else f"{at.anchor} {said:g}"


def _alike(one: Limit, other: Limit) -> bool:
    return (one.unit in WORKING) is (other.unit in WORKING)


def _deadline_from(at: Threshold, day_hours: float) -> _Stretch | None:
    match at.anchor:
        case Anchor.PASSED:
            # A part of the limit is never all of it, however little is left.
            return _Stretch(-inf, nextafter(0, -inf))
        case Anchor.DUE:
            return _Stretch(0, 0)
        case Anchor.AFTER if at.span is not None:
            return _lasting(at.span, day_hours)
        case Anchor.BEFORE if at.span is not None:
            lasting = _lasting(at.span, day_hours)
            return _Stretch(-lasting.latest, -lasting.earliest)
        case _:
            return None


def _start_from(at: Threshold, day_hours: float) -> _Stretch | None:
    match at.anchor:
        case Anchor.SINCE if at.span is not None:
            return _lasting(at.span, day_hours)
        case Anchor.DAY_END if at.days is not None:
            return _Stretch(24.0 * at.days, 24.0 * at.days + LONGEST_DAY)
        case _:
            return None


def _lasting(span: Limit, day_hours: float) -> _Stretch:
    hours = hours_of(span, day_hours)
    return _Stretch(hours, inf if span.unit in WORKING else hours)
