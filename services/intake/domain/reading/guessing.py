"""What a report that names no category is about: the playbook's words and the learned model, one rule over both.

The rule (docs/decisions/0022): each gives every category a share of 1. The words' share is the length of a
category's words found in the text beside those of all categories, less a little doubt; the model's is its
calibrated probability. Both there: their mean. One alone: its own. The confidence of a guess is its category's share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

DOUBT: Final = 2
"""Characters of unknown words that every text is thought to hold beside the known ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What a learned model thinks of one text: shares of 1 by category, and the words that spoke for each.

    Only the likeliest categories are named, so that shares need not add up to 1.
    """

    shares: Mapping[str, float] = field(default_factory=dict[str, float])
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


NO_OPINION: Final = Opinion()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A category, its share of 1, and the words that speak for it."""

    code: str
    share: float
    words: tuple[str, ...] = ()


def weigh(found: Mapping[str, Sequence[str]], opinion: Opinion, *, depth: Mapping[str, int]) -> tuple[Fit, ...]:
    """Every category that anything speaks for, the likeliest first; ``depth`` names all that the playbook has.

    ``found`` are the playbook's words in the text by category. Of two with one share the more special one counts,
    then the smaller code. A category that the playbook no longer has is left out.
    """
    said = _by_words(found)
    learned = {code: share for code, share in opinion.shares.items() if code in depth}
    parts = [part for part in (said, learned) if part]
    fits = [
        Fit(
            code=code,
            share=sum(part.get(code, 0.0) for part in parts) / len(parts),
            words=tuple(dict.fromkeys((*found.get(code, ()), *opinion.words.get(code, ())))),
        )
        for code in said.keys() | learned.keys()
    ]
    return tuple(sorted(fits, key=lambda fit: (-round(fit.share, 6), -depth[fit.code], fit.code)))


def _by_words(found: Mapping[str, Sequence[str]]) -> dict[str, float]:
    lengths = {code: sum(map(len, words)) for code, words in found.items()}
    whole = sum(lengths.values()) + DOUBT
    return {code: length / whole for code, length in lengths.items()}
