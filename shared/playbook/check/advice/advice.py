"""One thing that a county may want to look at in its playbook; nothing that keeps it from coming into force."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique


@unique
class Weight(StrEnum):
    """How much it matters."""

    MISTAKE = "mistake"
    """What is written can have no effect, or not the one that it says."""
    LOOK = "look"
    """It may well be meant, and somebody should say so."""
    NOTE = "note"
    """How things are."""


@unique
class Subject(StrEnum):
    """What it is about; a closed set, so that programs may sort by it."""

    NEVER_MATCHES = "never_matches"
    SHADOWED = "shadowed"
    OVERLAPS = "overlaps"
    NO_DUTY = "no_duty"
    CONTESTED_DUTY = "contested_duty"
    NO_ROSTER = "no_roster"
    ROSTER_GAP = "roster_gap"
    DATES = "dates"
    MISSING = "missing"
    UNUSED = "unused"
    UNREACHABLE = "unreachable"
    NOT_COMPARED = "not_compared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What was noticed, why it is so and how to mend it.

    ``part``, ``item`` and ``path`` say where it stands as in `check.Finding`; ``other`` is the second
    item of the same part that it speaks of, if any.
    """

    subject: Subject
    weight: Weight
    part: str
    item: str | int = ""
    path: tuple[str | int, ...] = ()
    what: str
    why: str
    mend: str
    other: str | int | None = None
