"""How many reports are usual for a window, and how unlikely it is to see so many.

A Gamma prior and Poisson counts: what the last weeks told of a subject, started from what its county
lets expect, gives a negative binomial for the window; the days' own scatter widens it. The tail is
scipy's incomplete beta function. Days far above the others are cut to a bound first, so that
last week's burst does not hide the next one (as Farrington's method weighs past outbreaks down).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from math import sqrt
from typing import Final

from scipy.special import betainc

HISTORY_DAYS: Final = 56
"""Eight weeks: each weekday eight times, and no season of the year between them."""
KEPT: Final = timedelta(days=HISTORY_DAYS + 14 + 1)
"""How long a report is kept: the longest window, and the weeks before it."""
LEAST_DAYS: Final = 14
"""With fewer whole days known nobody can say what is usual, and nothing is raised."""
LEAST_CHANCE: Final = 1e-12
_PRIOR: Final = 0.5
"""The county's word counts as half a report."""
_STEADY: Final = 20.0
"""Days without extra scatter that each subject is taken to have had: few days prove no scatter."""
_SMOOTH: Final = 20.0
"""Reports that each hour and each weekday is taken to have had, spread evenly."""
HOURS: Final = 24
WEEK: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Season:
    """A county's rhythm: the weight of each hour of the day and each weekday (Monday first); their mean is 1."""

    hours: tuple[float, ...] = (1.0,) * HOURS
    weekdays: tuple[float, ...] = (1.0,) * WEEK

    @classmethod
    def of(cls, counts: Mapping[tuple[int, int], int]) -> Season:
        """The rhythm of ``counts`` by (weekday 0 to 6, hour 0 to 23) over whole weeks."""
        hours = [sum(n for (_, at), n in counts.items() if at == hour) for hour in range(HOURS)]
        weekdays = [sum(n for (on, _), n in counts.items() if on == day) for day in range(WEEK)]
        return cls(hours=_smoothed(hours), weekdays=_smoothed(weekdays))

    def days(self, start: datetime, end: datetime) -> float:
        """How many average days' worth of reports fall between two instants of local wall time."""
        total, at = 0.0, start
        while at < end:
            if at == at.replace(hour=0, minute=0, second=0, microsecond=0) and at + timedelta(days=1) <= end:
                total += self.weekdays[at.weekday()]
                at += timedelta(days=1)
                continue
            until = min(at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1), end)
            total += self.weekdays[at.weekday()] * self.hours[at.hour] * ((until - at) / timedelta(days=1))
            at = until
        return total


def _smoothed(counts: Sequence[int]) -> tuple[float, ...]:
    mean = sum(counts) / len(counts)
    return tuple((count + _SMOOTH) / (mean + _SMOOTH) for count in counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Reports of one subject on whole local days, oldest first; the last one is the day before ``end``.

    ``expected`` is what its county lets expect of such a subject a day, above 0.
    """

    days: tuple[int, ...]
    end: date
    expected: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """A negative binomial: its mean, and its size (the smaller, the wider it scatters)."""

    mean: float
    size: float


def usual(history: History, season: Season, start: datetime, end: datetime) -> Usual:
    """What is usual between two instants of local wall time."""
    seen, worth, scatter = _learned(history, season)
    mean = seen / worth * season.days(start, end)
    return Usual(mean=mean, size=1 / (1 / seen + (scatter - 1) / mean))


def chance(observed: int, of: Usual) -> float:
    """How likely ``observed`` or more are; never below 1e-12, where the model knows no more."""
    if observed <= 0:
        return 1.0
    return max(float(betainc(observed, of.size, of.mean / (of.mean + of.size))), LEAST_CHANCE)


@lru_cache(maxsize=64)
def _learned(history: History, season: Season) -> tuple[float, float, float]:
    """Reports seen, the days' worth that they came in, and how widely they scattered; many windows ask for the same."""
    days = _bounded(history.days)
    first = history.end - timedelta(days=len(days))
    weights = [season.weekdays[(first + timedelta(days=place)).weekday()] for place in range(len(days))]
    return _PRIOR + sum(days), _PRIOR / history.expected + sum(weights), _scatter(days, weights)


def _bounded(days: Sequence[int]) -> list[int]:
    """The days with what is far above nineteen of twenty of them cut off."""
    high = sorted(days)[int(0.95 * (len(days) - 1))] if days else 0
    bound = int(high + 3 * sqrt(high + 1))
    return [min(day, bound) for day in days]


def _scatter(days: Sequence[int], weights: Sequence[float]) -> float:
    """Variance of the days over their mean, at least 1."""
    worth, seen = sum(weights), sum(days)
    if not seen:
        return 1.0
    rate = seen / worth
    squares = sum((day - rate * weight) ** 2 / (rate * weight) for day, weight in zip(days, weights, strict=True))
    return max(1.0, (squares + _STEADY) / (len(days) - 1 + _STEADY))
