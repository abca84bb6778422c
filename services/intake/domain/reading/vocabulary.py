"""The words that a county's playbook looks for in texts: of its categories, and those that make a case grave.

All are found in one pass over a text, for whoever asks about it: nearly all of them stand in no text.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from shared.finding import Hits, one_pass
from shared.playbook.model import Category, Playbook, Policy

STANDARD: Final = "gb."
"""Before a code of the national catalogue, so that it is never taken for one of the county's own."""


@dataclass(frozen=True, slots=True)
class Word:
    """A category's word as the playbook writes it; ``turn`` is its place among all words."""

    said: str
    code: str
    turn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """What is looked up for every text: words without case, depth by category, categories by national code."""

    hits: Hits
    """From a text to those of all words that stand in it, upper and lower case alike; they are without case."""
    words: dict[str, tuple[Word, ...]]
    grave: frozenset[str]
    depth: dict[str, int]
    standard: dict[str, str]

    def found(self, hits: frozenset[str]) -> dict[str, list[str]]:
        """The words of categories among ``hits`` by category, in the playbook's order."""
        met = [word for hit in hits for word in self.words.get(hit, ())]
        found: dict[str, list[str]] = {}
        for word in sorted(met, key=lambda word: word.turn):
            found.setdefault(word.code, []).append(word.said)
        return found


class _Playbook:
    """A playbook as a key of a cache: two with one digest and one policy are one; little of it is kept alive."""

    def __init__(self, playbook: Playbook) -> None:
        self.digest = playbook.digest
        self.categories = playbook.categories
        self.policy = playbook.policy

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Playbook) or self.digest != other.digest:
            return False
        # Who tries out another policy, as tests do, leaves the digest as it was.
        return self.policy is other.policy or self.policy == other.policy

    def __hash__(self) -> int:
        return hash(self.digest)


def vocabulary_of(playbook: Playbook) -> Vocabulary:
    """The playbook's words, gathered once a digest."""
    return _gathered(_Playbook(playbook))


def last_resort(playbook: Playbook) -> Category:
    """The category for what no words fit: the wordless one inside the family called other (其他).

    Without such a family, the last of the tree's roots.
    """
    return _last_resort(_Playbook(playbook))


def grave_words(policy: Policy) -> frozenset[str]:
    """The words that say that life may be at risk or make a case graver, without case."""
    listed = (*(one.words for one in policy.emergencies), *(one.words for one in policy.gradings))
    return frozenset(word.casefold() for words in listed for word in words)


@lru_cache(maxsize=64)
def _gathered(key: _Playbook) -> Vocabulary:
    categories = key.categories.values()
    words: dict[str, list[Word]] = {}
    said = ((category.code, word) for category in categories for word in category.words)
    for turn, (code, word) in enumerate(said):
        words.setdefault(word.casefold(), []).append(Word(word, code, turn))
    words.pop("", None)
    conditions = {word.casefold() for one in categories for each in one.conditions for word in each.words}
    grave = grave_words(key.policy)
    return Vocabulary(
        hits=_of_any_case(one_pass((words.keys() | conditions | grave) - {""})),
        words={word: tuple(each) for word, each in words.items()},
        grave=grave,
        depth={one.code: _depth(one, key) for one in categories},
        standard={f"{STANDARD}{code}": one.code for one in categories for code in one.standard},
    )


def _of_any_case(hits: Hits) -> Hits:
    last: tuple[str, frozenset[str]] = "", frozenset()

    def found(text: str) -> frozenset[str]:
        # What it is about, which condition it is in and how grave it is: all ask about one text, not an equal one.
        nonlocal last
        known = last
        if known[0] is not text:
            known = last = text, hits(text.casefold())
        return known[1]

    return found


def _depth(category: Category, key: _Playbook) -> int:
    depth, above = 1, category.parent
    while above is not None and above in key.categories and depth < len(category.code):
        depth, above = depth + 1, key.categories[above].parent
    return depth


@lru_cache(maxsize=64)
def _last_resort(key: _Playbook) -> Category:
    categories = key.categories.values()
    family = max(categories, key=lambda one: (_is_other(one), one.parent is None, one.code))
    wordless = [one for one in categories if one.parent == family.code and not one.words and _is_other(family)]
    return min(wordless, key=lambda one: one.code, default=family)


def _is_other(category: Category) -> bool:
    return category.code == "other" or category.name.zh.startswith("其他") or category.name.en.lower() == "other"
