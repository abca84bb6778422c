"""Dates that are past, or soon will be: the calendar's years and the validity of rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from shared.playbook.check.advice.advice import Advice, Subject, Weight
from shared.playbook.model import YEAR_SOON, Playbook, Rule, RuleState, YearStatus

RULE_SOON: Final = timedelta(days=30)


def advise_dates(playbook: Playbook, *, today: date) -> Iterator[Advice]:
    """Yield what is expired or ends soon as of ``today``; rules whose days are past are the business of `rules`."""
    yield from _calendar(playbook, today)
    for index, rule in enumerate(playbook.rules):
        if rule.state is not RuleState.OFF:
            yield from _rule(index, rule, today)


def _calendar(playbook: Playbook, today: date) -> Iterator[Advice]:
    years = playbook.calendar.years
    until = playbook.calendar.known_until(today)
    if until is None or until - today < YEAR_SOON:
        missing = today.year if until is None else until.year + 1
        yield Advice(
            subject=Subject.DATES,
            weight=Weight.MISTAKE if until is None else Weight.LOOK,
            part="calendar",
            path=("years",),
            what=f"the calendar does not know {missing}" if until is None else f"the calendar ends with {missing - 1}",
            why="a clock in working time that runs into an unknown year cannot start",
            mend=f"whistle calendar fill {missing} FOLDER, or write its days off by hand",
        )
    for year, status in years.items():
        announced = date(year, 1, 1) - today < timedelta(days=31)
        if status is YearStatus.PROVISIONAL and announced and year >= today.year:
            yield Advice(
                subject=Subject.DATES,
                weight=Weight.LOOK,
                part="calendar",
                path=("years", year),
                what=f"the calendar of {year} is still provisional",
                why="the notice on its holidays is out by then; deadlines over exchanged days are a day or more off",
                mend="take over the State Council's notice and write `announced`",
            )


def _rule(index: int, rule: Rule, today: date) -> Iterator[Advice]:
    if rule.valid_until is not None and timedelta() <= rule.valid_until - today < RULE_SOON:
        days = (rule.valid_until - today).days
        yield Advice(
            subject=Subject.DATES,
            weight=Weight.LOOK,
            part="rules",
            item=index,
            path=("valid", "until"),
            what=f"rule {rule.id!r} ends in {days} day(s), on {rule.valid_until}",
            why="from the day after, its cases go to the rules behind it",
            mend="give it a later `until`, or leave it",
        )
    if rule.valid_from is not None and rule.valid_from > today:
        yield Advice(
            subject=Subject.DATES,
            weight=Weight.NOTE,
            part="rules",
            item=index,
            path=("valid", "from"),
            what=f"rule {rule.id!r} begins on {rule.valid_from}",
            why="until then its cases go to the rules behind it",
            mend="nothing, if that is meant",
        )
