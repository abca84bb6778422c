"""The canary is sent, once a slot by whichever replica comes first, and old ones are removed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.intake.domain.canaries import CANARY_BY, CANARY_OWNER, canary, canary_id, canary_key, slot_of
from services.intake.handlers.doors import Doors, answer_to_report
from services.intake.handlers.drafting import asked_by, prepare
from services.intake.handlers.filing import file_all
from services.intake.ports import ClientKey
from shared.vocabulary import Refused

KEPT: Final = timedelta(days=1)
"""How long a canary stays to be looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryPlan:
    """Which county's canary is sent how often; ``partition_of`` says where a case id lies."""

    county: str
    seconds: int
    partition_of: Callable[[str], int]


async def send_canary(plan: CanaryPlan, *, doors: Doors) -> bool:
    """Send the canary of this slot by the way that every report takes; False when another replica has.

    Raises:
        NoPlaybook: the county has none.
        PlaybookAway: none has come yet.
    """
    slot = slot_of(doors.clock(), plan.seconds)
    report = canary(doors.playbooks.of(plan.county))
    report_id = canary_id(slot, seconds=plan.seconds, partition_of=plan.partition_of)
    key = ClientKey(owner=CANARY_OWNER, key=canary_key(slot))
    draft = prepare(report, report_id=report_id, by=CANARY_BY, at=plan.county, doors=doors)
    async with doors.store.transaction() as transaction:
        (filing,) = await file_all([draft], transaction, doors=doors)
        if isinstance(filing, Refused):
            raise filing
        answer = answer_to_report(filing.answer, asked_by(report), doors.vault)
        if not await transaction.claim({key: answer}):
            return False
        await transaction.save(filing.changes)
        await transaction.file([filing.report])
    doors.tell.canary_sent()
    return True


async def remove_old_canaries(*, doors: Doors, most: int) -> int:
    """Remove at most so many canaries of yesterday and before; how many."""
    async with doors.store.transaction() as transaction:
        return await transaction.remove_canaries(before=doors.clock() - KEPT, most=most)
