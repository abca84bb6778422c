"""Clocks that wait to fire are seen, whatever holds the timers up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from services.escalation.metrics import Metrics
from services.escalation.overdue import OverdueWatch
from services.escalation.ports import Overdue

LATE = {2: Overdue(clocks=35, seconds=75.5)}


class Clocks:
    """What is overdue, look by look; an error is an outage."""

    def __init__(self, *looks: Mapping[int, Overdue] | OSError) -> None:
        self._looks = list(looks)
        self.looked = asyncio.Event()

    async def overdue(self, *, most: int) -> Mapping[int, Overdue]:
        look = self._looks.pop(0)
        if not self._looks:
            self.looked.set()
            self._looks.append(look)
        if isinstance(look, OSError):
            raise look
        return look


async def shown(clocks: Clocks) -> dict[str, float | None]:
    metrics, watch = Metrics(), OverdueWatch(clocks, every=timedelta())
    metrics.watch_overdue(watch)
    running = asyncio.create_task(watch.run())
    async with asyncio.timeout(20):
        await clocks.looked.wait()
    watch.stop()
    await running
    return {
        f"{name} {urgency}": metrics.registry.get_sample_value(
            f"whistle_escalation_overdue_{name}", {"urgency": str(urgency)}
        )
        for name in ("clocks", "seconds")
        for urgency in (1, 2)
    }


async def test_what_is_overdue_is_shown_by_urgency_with_how_late_it_is() -> None:
    assert await shown(Clocks(LATE)) == {"clocks 1": 0, "clocks 2": 35, "seconds 1": 0, "seconds 2": 75.5}


async def test_what_has_fired_is_shown_no_more() -> None:
    assert set((await shown(Clocks(LATE, {}))).values()) == {0}


async def test_while_the_database_is_away_the_last_word_stands_and_the_watch_goes_on() -> None:
    away = OSError("PostgreSQL is away")
    assert (await shown(Clocks(LATE, away)))["seconds 2"] == 75.5
    assert (await shown(Clocks(away, LATE)))["seconds 2"] == 75.5
