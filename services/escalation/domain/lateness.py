"""A clock that was stopped after its limit was over, before the timers came to it: late all the same (逾期).

After an outage, or in the second before a firing, the deed that stops a clock may be folded first. That it came too
late is a fact of the two instants, and who was quicker must not decide it.
"""

from __future__ import annotations

from datetime import datetime

from services.escalation.domain.chain import CaseShown, RunningClock, event_of
from services.escalation.domain.demands import Stop
from shared.events import sla
from shared.events.envelope import Event


def stopped_late(clock: RunningClock, stop: Stop) -> bool:
    """Say whether ``stop`` came when the limit was over, and nobody has been told; at the very instant is late.

    A clock that stood still was not over, and a canary's is never late to anybody.
    """
    if clock.breached or clock.silent or clock.still is not None:
        return False
    return stop.at >= clock.shown.due_at


def announce_late(clock: RunningClock, stop: Stop, *, case: CaseShown, now: datetime) -> Event[sla.SlaEvent]:
    """The breach that the timers would have told, as of the stop; nobody has to take hold of what is over."""
    late = (stop.at - clock.shown.due_at).total_seconds()
    data = sla.ClockBreached(
        case=case.view, clock=clock.shown, fired_at=stop.at, late_seconds=late, nobody_above=clock.above is None
    )
    return event_of(clock, "breached", case=case, data=data, at=now)
