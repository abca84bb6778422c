"""Deadline arithmetic in one thread, by processor time, beside a walker that goes from minute to minute."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from services.escalation.domain.deadline import Terms, deadline, elapsed
from services.escalation.domain.words import arithmetic
from shared.playbook.load import load
from shared.playbook.model import Limit, LimitUnit
from tests.bench.table import Row
from tests.oracles.clock_minutes import EPOCH, OpenMinutes

YUNLU: Final = Path("playbooks/yunlu")
MANY: Final = 200_000
WORDED: Final = 5_000
WALKED: Final = 300
UNITS: Final = tuple(LimitUnit)


async def bench() -> Sequence[Row]:
    """Deadlines of short and long limits in every unit, and what passes between two instants."""
    return await asyncio.to_thread(_rows)


def _rows() -> Sequence[Row]:
    terms = Terms.of(load(YUNLU, today=date(2026, 11, 21)))
    chance = random.Random(6)
    starts = [_start(chance) for _ in range(MANY)]
    ends = [start + timedelta(seconds=chance.randrange(40 * 86_400)) for start in starts]
    mixed = [Limit(amount=chance.randrange(1, 20), unit=chance.choice(UNITS)) for _ in range(MANY)]
    hours, days = Limit(amount=4, unit=LimitUnit.WORKING_HOUR), Limit(amount=40, unit=LimitUnit.WORKING_DAY)
    pencil = OpenMinutes(terms.calendar, terms.zone)

    def walked(limit: Limit) -> float:
        amount = int(limit.amount * (1 if limit is hours else terms.calendar.working_day_hours) * 3_600_000_000)
        some = [(start - EPOCH) // timedelta(microseconds=1) for start in starts[:WALKED]]
        return _rate(lambda: [pencil.walk(start, amount) for start in some], of=WALKED)

    def ours(limit: Limit) -> float:
        return _rate(lambda: [deadline(start, limit, terms=terms) for start in starts])

    both = list(zip(starts, mixed, strict=True))
    spans = list(zip(starts, ends, strict=True))
    unit = LimitUnit.WORKING_HOUR
    found = [(deadline(start, days, terms=terms), days) for start in starts[:WORDED]]
    walks = "beside the minute walker of the oracle"
    return [
        _row("a limit in any of five units", _rate(lambda: [deadline(at, one, terms=terms) for at, one in both])),
        _row("4 working hours", ours(hours), walked(hours), walks),
        _row("40 working days", ours(days), walked(days), walks),
        _row("working time between", _rate(lambda: [elapsed(at, to, unit, terms=terms) for at, to in spans])),
        _row("40 working days in words", _rate(lambda: [arithmetic(*one, terms=terms) for one in found], of=WORDED)),
    ]


def _row(what: str, rate: float, beside: float | None = None, about: str = "") -> Row:
    more = f"{1e6 / rate:.1f} µs of processor time each{f', {about}' if about else ''}"
    return Row(what=what, figure=rate, unit="a second", beside=beside, more=more)


def _start(chance: random.Random) -> datetime:
    return datetime(2026, 1, 5, tzinfo=UTC) + timedelta(microseconds=chance.randrange(280 * 86_400 * 10**6))


def _rate(work: Callable[[], object], *, of: int = MANY) -> float:
    """The best of three rounds, by processor time."""
    rates = []
    for _ in range(3):
        began = time.process_time()
        work()
        rates.append(of / (time.process_time() - began))
    return max(rates)
