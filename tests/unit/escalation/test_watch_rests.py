"""Early warning gives way to the clocks: after a look it rests several times as long as the look took."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast

from services.escalation.handlers.warning import WatchReport
from services.escalation.warnings import Watch, WatchSettings

LOOK = timedelta(milliseconds=20)


class Counts:
    """Two counties with new reports."""

    async def counties(self, **_: object) -> Sequence[str]:
        return ["990101", "990102"]


class Looking(Watch):
    """A watch whose looks take their time; one county needs a second look."""

    def __init__(self, settings: WatchSettings) -> None:
        super().__init__(cast("Any", Counts()), playbooks=cast("Any", None), settings=settings)
        self.more = [True, False, False]
        self.pauses: list[timedelta] = []

    async def _look(self, county: str) -> WatchReport:
        await asyncio.sleep(LOOK.total_seconds())
        return WatchReport(more=self.more.pop(0))

    async def _pause(self, pause: timedelta) -> None:
        self.pauses.append(pause)


async def test_each_look_is_followed_by_a_rest_of_several_times_its_length() -> None:
    watch = Looking(WatchSettings(rest=4.0))
    await watch.turn()
    assert len(watch.pauses) == 3
    assert all(pause >= 4 * LOOK * 0.9 for pause in watch.pauses)


async def test_a_rest_is_never_longer_than_its_bound() -> None:
    watch = Looking(WatchSettings(rest=1000.0, longest_rest=timedelta(seconds=1)))
    await watch.turn()
    assert watch.pauses == [timedelta(seconds=1)] * 3
