"""The known values that look most like one that is not, so that a slip shows its correction."""

from collections.abc import Collection, Iterable
from difflib import SequenceMatcher
from heapq import nlargest
from typing import Final

CLOSE: Final = 0.6
"""Likeness, 0 to 1, from which a known value may be what was meant."""
COMPARED: Final = 64
"""Values compared letter by letter; of more, those that begin most alike."""


def nearest(value: str, known: Collection[str], *, at_most: int = 8) -> tuple[str, ...]:
    """Return the known values most like `value`, the most alike first."""
    begun = nlargest(COMPARED, known, key=lambda other: _shared_start(value, other)) if len(known) > COMPARED else known
    return tuple(sorted(begun, key=lambda other: (-_likeness(value, other), other))[:at_most])


def meant(value: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the known value that is close to `value`; nothing when none is."""
    near = nearest(value, tuple(known), at_most=1)
    close = near and _likeness(value, near[0]) >= CLOSE
    return f"; did you mean {str(near[0])!r}?" if close else ""


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(a=one.casefold(), b=other.casefold(), autojunk=False).ratio()


def _shared_start(one: str, other: str) -> int:
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
