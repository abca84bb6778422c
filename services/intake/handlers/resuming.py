"""Cases that stood still to a date go on by themselves."""

from __future__ import annotations

from typing import Final

from services.intake.domain.life.system import SYSTEM
from services.intake.domain.life.time_commands import ResumeCase
from services.intake.domain.moves.decide import decide
from services.intake.handlers.doors import Doors, change_of

DUE: Final = "到期恢复 / its date has come"


async def resume_due(*, doors: Doors, most: int) -> int:
    """Let at most so many cases whose date has come go on, in one transaction; how many were looked at.

    Another replica that looks at the same time takes others.
    """
    now = doors.clock()
    async with doors.store.transaction() as transaction:
        due = await transaction.deadlines.take_due(now=now, most=most)
        if not due:
            return 0
        cases = await transaction.load(due)
        resume = ResumeCase(by=SYSTEM, reason=DUE, when_due=True)
        decided = [(case, decide(case, resume, now)) for case in cases.values()]
        await transaction.save([change_of(case, events, at=now) for case, events in decided if events])
        # A row that no case speaks for any more would come up again in every round.
        await transaction.deadlines.forget_holds([case.view.case_id for case, events in decided if not events])
    return len(due)
