"""What one look found: fine, worth a look, or broken, with why and how to mend."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique


@unique
class Grade(StrEnum):
    """How a check ended."""

    FINE = "fine"
    LOOK = "look"
    BROKEN = "broken"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The end of one check; ``what`` is a sentence, ``why`` and ``mend`` are empty when all is fine."""

    name: str
    grade: Grade
    what: str
    why: str = ""
    mend: str = ""


def fine(name: str, what: str) -> Finding:
    """All is well."""
    return Finding(name=name, grade=Grade.FINE, what=what)


def look(name: str, what: str, *, why: str, mend: str) -> Finding:
    """It works, but somebody should look."""
    return Finding(name=name, grade=Grade.LOOK, what=what, why=why, mend=mend)


def broken(name: str, what: str, *, why: str, mend: str) -> Finding:
    """It does not work."""
    return Finding(name=name, grade=Grade.BROKEN, what=what, why=why, mend=mend)


def skipped(name: str, what: str, *, mend: str) -> Finding:
    """It could not be looked at."""
    return Finding(name=name, grade=Grade.SKIPPED, what=what, mend=mend)
