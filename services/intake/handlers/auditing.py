"""The audit is read, sealed, and outlived."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from services.intake.custody import Custody, Looked
from services.intake.domain.auditing import Block, Entry
from services.intake.domain.life.permissions import Bearer
from services.intake.handlers.doors import UnknownCase
from services.intake.handlers.privacy import NOBODY, UnknownReport
from shared.vocabulary import Refused, covers

BLOCKS_A_ROUND: Final = 100


async def entries_about(
    *,
    case_id: UUID | None,
    report_id: UUID | None,
    after: tuple[int, int],
    most: int,
    bearer: Bearer,
    custody: Custody,
) -> Sequence[Entry]:
    """What the audit holds of a case, or of looks at a report, in the key's area.

    Raises:
        Refused: neither is named, or both.
        UnknownCase: there is no such case in the key's area.
        UnknownReport: there is no such report in the key's area.
    """
    if (case_id is None) == (report_id is None):
        raise Refused("one of case_id and report_id", field="?case_id", allowed=["case_id", "report_id"])
    if case_id is not None:
        area = await custody.persons.area_of(case_id)
        if area is None or not covers(bearer.area, area):
            raise UnknownCase(f"there is no case {case_id} in {bearer.area}", field="?case_id")
        return await custody.audit.of_subject(case_id, after=after, most=most)
    assert report_id is not None  # noqa: S101  one of the two, as asked above
    kept = await custody.persons.report(report_id)
    if kept is None or not covers(bearer.area, kept.area):
        raise UnknownReport(f"there is no report {report_id} in {bearer.area}", field="?report_id")
    return await custody.audit.of_subject(report_id, after=after, most=most)


async def seal_audit(*, custody: Custody) -> Block | None:
    """Seal what waits into one block; None when nothing does, or another replica is at it."""
    return await custody.audit.seal(at=custody.clock())


async def drop_old_entries(*, days: int, custody: Custody) -> int:
    """Remove the entries of blocks sealed more than ``days`` ago, a hundred at most; their marks stay."""
    now = custody.clock()
    before = now - timedelta(days=days)
    why = f"entries are kept for {days} days"
    digest = hashlib.sha256(before.isoformat().encode()).digest()
    look = Looked(
        at=now,
        kind="drop",
        subject=NOBODY,
        who="whistle retention",
        key_id="",
        why=why,
        origin="inside",
        digest=digest,
    )
    dropped = await custody.audit.drop(before=before, most=BLOCKS_A_ROUND, look=look)
    if dropped:
        custody.watch.removed("audit_blocks", dropped)
    return dropped
