"""Which cases are open: as the log tells it, and as facts are stored. Where the two differ, and how."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from uuid import UUID


@unique
class Gap(StrEnum):
    """How a case stands otherwise in the log than it is stored."""

    NOT_STORED = "not_stored"
    """Open in the log, and nothing is stored of it: it has no clock and nobody is late."""
    ENDED_HERE = "ended_here"
    """Open in the log, and stored as ended."""
    OPEN_HERE = "open_here"
    """Stored as open, and ended in the log or never told there."""
    BEHIND = "behind"
    """Open in both, and the log has folded facts of it that are not stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredState:
    """A case as it is stored: the version that its newest fact has, and whether it is open."""

    case_id: UUID
    partition: int
    version: int
    is_open: bool


def gap_of(told: int | None, stored: StoredState | None) -> Gap | None:
    """How a case differs; ``told`` is its newest version in the log when it is open there."""
    if stored is None:
        return None if told is None else Gap.NOT_STORED
    if told is None:
        return Gap.OPEN_HERE if stored.is_open else None
    if not stored.is_open:
        return Gap.ENDED_HERE
    # An order may answer a version that the case's own topic has not brought yet: ahead is no gap.
    return Gap.BEHIND if stored.version < told else None


def gaps(told: Mapping[UUID, int], stored: Mapping[UUID, StoredState]) -> Iterator[tuple[UUID, Gap]]:
    """Every case of either that differs, in the order of their ids."""
    for case_id in sorted({*told, *stored}):
        gap = gap_of(told.get(case_id), stored.get(case_id))
        if gap is not None:
            yield case_id, gap
