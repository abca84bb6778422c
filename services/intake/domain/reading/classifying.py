"""What a report is about: the category it names, or the one that its words and the learned model speak for."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

from services.intake.domain.reading.guessing import NO_OPINION, Fit, Opinion, weigh
from shared.events.parts import Guess
from shared.playbook.model import Category, Playbook
from shared.vocabulary import Refused

NEAR_ONES: Final = 5
WORDS_SHOWN: Final = 8
STANDARD: Final = "gb."
"""Before a code of the national catalogue, so that it is never taken for one of the county's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified:
    """The category, the condition its words speak for, and why; ``guess`` None when the report names it."""

    category: Category
    condition: str | None
    why: str
    guess: Guess | None = None


def classify(named: str | None, text: str, *, playbook: Playbook, opinion: Opinion = NO_OPINION) -> Classified:
    """The category ``named``, else the likeliest by words and ``opinion``, else the playbook's last resort.

    ``gb.01003`` names a matter of the national catalogue: it is the category that stands for it.

    Raises:
        Refused: ``named`` is not in the playbook; ``allowed`` lists near ones.
    """
    if named is not None:
        return _as_named(named, text, playbook)
    folded = text.casefold()
    known = _vocabulary(playbook)
    found = _found(known, folded)
    fits = weigh(found, opinion, depth=known.depth)
    if not fits:
        other = last_resort(playbook)
        why = f"没有类别用词,归入 {other.code} {other.name.zh} / no category's words are in the text"
        return Classified(category=other, condition=None, why=why, guess=Guess(category=other.code, confidence=0.0))
    return _as_guessed(fits, folded, playbook)


def last_resort(playbook: Playbook) -> Category:
    """The category for what no words fit: the wordless one inside the family called other (其他).

    Without such a family, the last of the tree's roots.
    """
    return _last_resort(_Playbook(playbook))


class _Playbook:
    """A playbook as a key of a cache: two with one digest are one, and the cache keeps its categories alone alive."""

    def __init__(self, playbook: Playbook) -> None:
        self.digest = playbook.digest
        self.categories = playbook.categories

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Playbook) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)


@lru_cache(maxsize=64)
def _last_resort(key: _Playbook) -> Category:
    categories = key.categories.values()
    family = max(categories, key=lambda one: (_is_other(one), one.parent is None, one.code))
    wordless = [one for one in categories if one.parent == family.code and not one.words and _is_other(family)]
    return min(wordless, key=lambda one: one.code, default=family)


def _is_other(category: Category) -> bool:
    return category.code == "other" or category.name.zh.startswith("其他") or category.name.en.lower() == "other"


def _as_named(named: str, text: str, playbook: Playbook) -> Classified:
    code = _vocabulary(playbook).standard.get(named, named)
    category = playbook.categories.get(code)
    if category is None:
        raise Refused(
            f"category {named} is not in the playbook of {playbook.name.zh} ({playbook.county})",
            field="category",
            allowed=_near(named, playbook),
        )
    told = code if code == named else f"{named} 即 {code}"
    why = f"报告给出类别 {told} {category.name.zh} / the report names the category"
    return Classified(category=category, condition=_condition(category, text.casefold()), why=why)


def _as_guessed(fits: tuple[Fit, ...], folded: str, playbook: Playbook) -> Classified:
    best, second = fits[0], fits[1] if len(fits) > 1 else None
    category = playbook.categories[best.code]
    guess = Guess(
        category=best.code,
        confidence=_share(best),
        words=best.words[:WORDS_SHOWN],
        second=None if second is None else second.code,
        second_confidence=0.0 if second is None else _share(second),
    )
    return Classified(
        category=category,
        condition=_condition(category, folded),
        why=_why(guess, category, playbook),
        guess=guess,
    )


def _why(guess: Guess, category: Category, playbook: Playbook) -> str:
    words = f"用词「{'、'.join(guess.words)}」属于 " if guess.words else "归入 "
    second = "" if guess.second is None else playbook.categories[guess.second].name.zh
    other = f",其次 {guess.second} {second} {guess.second_confidence:.0%}" if second else ""
    return (
        f"{words}{category.code} {category.name.zh},把握 {guess.confidence:.0%}{other}"
        " / these words speak for it; confidence, and the second guess"
    )


def _share(fit: Fit) -> float:
    return round(min(1.0, max(0.0, fit.share)), 3)


def _near(named: str, playbook: Playbook) -> list[str]:
    near = get_close_matches(named, playbook.categories, n=NEAR_ONES, cutoff=0.5)
    chosen = near or sorted(playbook.categories)[:NEAR_ONES]
    return [f"{code} {playbook.categories[code].name.zh}" for code in chosen]


@dataclass(frozen=True, slots=True)
class _Word:
    """A word as the playbook writes it and as it is looked for; ``turn`` is its place among all words."""

    said: str
    looked_for: str
    code: str
    turn: int


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """What is looked up for every text: words by first character, depth by category, categories by national code."""

    words: dict[str, tuple[_Word, ...]]
    depth: dict[str, int]
    standard: dict[str, str]


def _vocabulary(playbook: Playbook) -> _Vocabulary:
    return _folded(_Playbook(playbook))


@lru_cache(maxsize=64)
def _folded(key: _Playbook) -> _Vocabulary:
    categories = key.categories.values()
    by_first: dict[str, list[_Word]] = {}
    said = ((category.code, word) for category in categories for word in category.words)
    for turn, (code, word) in enumerate(said):
        looked_for = word.casefold()
        by_first.setdefault(looked_for[:1], []).append(_Word(word, looked_for, code, turn))
    return _Vocabulary(
        words={first: tuple(words) for first, words in by_first.items()},
        depth={one.code: _depth(one, key) for one in categories},
        standard={f"{STANDARD}{code}": one.code for one in categories for code in one.standard},
    )


def _depth(category: Category, key: _Playbook) -> int:
    depth, above = 1, category.parent
    while above is not None and above in key.categories and depth < len(category.code):
        depth, above = depth + 1, key.categories[above].parent
    return depth


def _found(known: _Vocabulary, folded: str) -> dict[str, list[str]]:
    """The words that stand in the text by category, in the playbook's order; few begin with a character of it."""
    begun = (word for first in set(folded) for word in known.words.get(first, ()))
    found: dict[str, list[str]] = {}
    for word in sorted((word for word in begun if word.looked_for in folded), key=lambda word: word.turn):
        found.setdefault(word.code, []).append(word.said)
    return found


def _condition(category: Category, folded: str) -> str | None:
    scored = [
        (sum(len(word) for word in condition.words if word.casefold() in folded), condition.code)
        for condition in category.conditions
    ]
    score, code = max(scored, key=lambda pair: pair[0], default=(0, ""))
    return code if score > 0 else None
