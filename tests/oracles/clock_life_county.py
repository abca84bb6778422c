"""The county in which random lives are lived: its limits, and when they begin."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from shared.playbook.model import LimitUnit
from shared.vocabulary import ClockKind
from tests.fakes.clock_county import clock_county, limit
from tests.fakes.small_county import GAS_LEAK
from tests.oracles.clock_life_table import GAS, LIMITS, OTHER, WORKED

BEGINS: Final = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)
CODES: Final = {GAS: GAS_LEAK, OTHER: "99"}
BOOK: Final = clock_county(
    clocks=tuple(
        limit(
            ClockKind(kind),
            amount / 60 if measure == WORKED else amount,
            LimitUnit.WORKING_HOUR if measure == WORKED else LimitUnit.CONTINUOUS_MINUTE,
            category=CODES[category],
        )
        for (kind, category), (amount, measure) in LIMITS.items()
    )
)
