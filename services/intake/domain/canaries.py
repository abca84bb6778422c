"""The canary (探测): one marked case a minute that shows that the whole way is open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Final
from uuid import UUID

from services.intake.domain.life.system import SYSTEM
from services.intake.domain.reading.vocabulary import last_resort
from services.intake.domain.reports.report import Report, case_id_of, report_id_of
from shared.events.parts import Actor
from shared.events.topics import CASE_PARTITIONS
from shared.playbook.model import Playbook
from shared.vocabulary import Level, Purpose, Source

CANARY_OWNER: Final = "canary"
"""Whose client keys the minutes are: of all replicas one has a minute's key free."""
CANARY_BY: Final[Actor] = SYSTEM


def canary_key(at: datetime) -> str:
    """The key of the slot that begins at ``at``; keys sort as their instants do."""
    return at.astimezone(UTC).isoformat(timespec="seconds")


def slot_of(now: datetime, seconds: int) -> datetime:
    """The beginning of the slot of so many seconds that ``now`` lies in."""
    stamp = int(now.timestamp())
    return datetime.fromtimestamp(stamp - stamp % seconds, tz=UTC)


def canary_id(slot: datetime, *, seconds: int, partition_of: Callable[[str], int]) -> UUID:
    """The report id of a slot's canary: its case lies in the partition whose turn it is, so that all are visited."""
    turn = int(slot.timestamp()) // seconds % CASE_PARTITIONS
    ids = (report_id_of(CANARY_OWNER, f"{canary_key(slot)}/{n}") for n in count())
    return next(one for one in ids if partition_of(str(case_id_of(one))) == turn)


def canary(playbook: Playbook) -> Report:
    """A report about nothing, in the county's first village, of the category for what nothing fits."""
    villages = sorted(code for code, area in playbook.areas.items() if area.level is Level.VILLAGE)
    return Report(
        source=Source.SENSOR,
        text="系统探测,无需处置 / canary: nothing to do",
        area=villages[0] if villages else playbook.county,
        category=last_resort(playbook).code,
        purpose=Purpose.CANARY,
    )
