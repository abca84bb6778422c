"""The audit is read, sealed, and outlived."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from services.intake.custody import Custody, Looked
from services.intake.domain.auditing import Block, Entry
from services.intake.domain.life.permissions import Bearer, NotYours
from services.intake.handlers.doors import UnknownCase
from services.intake.handlers.privacy import NOBODY, UnknownReport
from shared.vocabulary import Refused, covers

BLOCKS_A_ROUND: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Whose entries are read: a case's, a report's, or those of the changes of mode in an area; one of the three."""

    case_id: UUID | None = None
    report_id: UUID | None = None
    modes_of: str | None = None


async def entries_about(
    *,
    about: About,
    after: tuple[int, int],
    most: int,
    bearer: Bearer,
    custody: Custody,
) -> Sequence[Entry]:
    """What the audit holds of a case, of looks at a report, or of changes of mode, in the key's area.

    Raises:
        Refused: not one of them is named, or more than one.
        NotYours: the modes are those of an area that is not the key's.
        UnknownCase: there is no such case in the key's area.
        UnknownReport: there is no such report in the key's area.
    """
    match about:
        case About(case_id=UUID() as case_id, report_id=None, modes_of=None):
            area = await custody.persons.area_of(case_id)
            if area is None or not covers(bearer.area, area):
                raise UnknownCase(f"there is no case {case_id} in {bearer.area}", field="?case_id")
            return await custody.audit.of_subject(case_id, after=after, most=most)
        case About(case_id=None, report_id=UUID() as report_id, modes_of=None):
            kept = await custody.persons.report(report_id)
            if kept is None or not covers(bearer.area, kept.area):
                raise UnknownReport(f"there is no report {report_id} in {bearer.area}", field="?report_id")
            return await custody.audit.of_subject(report_id, after=after, most=most)
        case About(case_id=None, report_id=None, modes_of=str() as area):
            if not covers(bearer.area, area):
                raise NotYours(f"this key reads of {bearer.area}", field="?modes_of", allowed=[bearer.area])
            return await custody.audit.of_modes(area, after=after, most=most)
        case _:
            ways = ["case_id", "report_id", "modes_of"]
            raise Refused("one of case_id, report_id and modes_of", field="?case_id", allowed=ways)


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
